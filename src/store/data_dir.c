// The data directory: who may use it, and whether it is ours.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char MARK_NAME[] = "c10m.json";
static const char MARK_NEW_NAME[] = "c10m.json.new";
static const char LOCK_NAME[] = "lock";
static const char STORE_NAME[] = "store";

enum {
    MARK_BYTES_MAX = 256,
    START_RESERVE_DIVISOR = 4,
};

struct opening {
    const char *dir;
    int dir_fd;
    uint64_t reserve_bytes;
    char *problem;
    size_t problem_size;
};

PRINTF(3, 4)
static int
fail(const struct opening *o, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(o->problem, o->problem_size, format, args);
    va_end(args);
    return code;
}

static int
fail_errno(const struct opening *o, const char *what)
{
    return fail(o, E_IO,
                "cannot %s data directory %s: %s: correct that, or choose another with --data",
                what, o->dir, strerror(errno));
}

static int
sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return E_IO;
    int failed = fsync(fd);
    close(fd);
    return failed ? E_IO : OK;
}

// `path` ends at `end`; its parent exists.
static int
make_one(char *path, char *end)
{
    char kept = *end;
    *end = 0;
    bool is_made = mkdir(path, 0700) == 0;
    bool is_failed = !is_made && errno != EEXIST;
    char *slash = strrchr(path, '/');
    int code = is_failed ? E_IO : OK;
    if (is_made && slash == NULL) {
        code = sync_dir(".");
    } else if (is_made) {
        char after = slash[1]; // keeps the slash: the parent may be the root
        slash[1] = 0;
        code = sync_dir(path);
        slash[1] = after;
    }
    *end = kept;
    return code;
}

static int
make_with_parents(char *path)
{
    for (char *at = path + 1; *at != 0; at++) {
        if (*at == '/' && at[-1] != '/')
            TRY(make_one(path, at));
    }
    return make_one(path, path + strlen(path));
}

static int
make_dir(struct opening *o)
{
    char path[PATH_MAX];
    size_t len = strlen(o->dir);
    while (len > 1 && o->dir[len - 1] == '/')
        len--;
    if (len == 0 || len >= sizeof path)
        return fail(o, E_INVALID, "the name of the data directory is empty or too long");
    memcpy(path, o->dir, len);
    path[len] = 0;
    if (make_with_parents(path) != OK)
        return fail_errno(o, "create");
    o->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (o->dir_fd < 0)
        return fail_errno(o, "open");
    if (faccessat(o->dir_fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return fail_errno(o, "write to");
    return OK;
}

static bool
is_empty_dir(int parent_fd, const char *name)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL)
        return false;
    int entries = 0;
    while (readdir(d) != NULL)
        entries++;
    closedir(d);
    return entries == 2; // itself and its parent
}

// What may lie in a directory that counts as empty: traces of a start that was cut short, and what
// a fresh file system brings along.
static bool
is_negligible(int dir_fd, const char *name)
{
    static const char *const NAMES[] = {".", "..", "lost+found", LOCK_NAME, MARK_NEW_NAME};
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    }
    return strcmp(name, STORE_NAME) == 0 && is_empty_dir(dir_fd, name);
}

static int
check_empty(const struct opening *o)
{
    int fd = openat(o->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL)
        return fail_errno(o, "read");
    int code = OK;
    for (const struct dirent *e; code == OK && (e = readdir(d)) != NULL;) {
        if (!is_negligible(o->dir_fd, e->d_name))
            code =
                fail(o, E_INVALID,
                     "%s is not a c10m data directory: it holds \"%s\" but no %s; choose an empty "
                     "directory with --data",
                     o->dir, e->d_name, MARK_NAME);
    }
    closedir(d);
    return code;
}

// {"format":1} or {"format":1,"version_base":12345}
static bool
read_mark(struct str text, int64_t *format, int64_t *version_base)
{
    struct str prefix = STR("{\"format\":"), end = STR("}\n"), base = STR("\"version_base\":");
    struct str number, rest;
    *version_base = 0;
    if (!str_starts(text, prefix) || !str_ends(text, end))
        return false;
    if (str_cut(str_slice(text, prefix.len, text.len - end.len), ',', &number, &rest) &&
        (!str_starts(rest, base) ||
         str_to_int64(str_slice(rest, base.len, rest.len), version_base) != OK))
        return false;
    return str_to_int64(number, format) == OK && *format >= 1 && *version_base >= 0;
}

static int
parse_mark(const struct opening *o, struct str text, uint64_t *version_base)
{
    int64_t format = 0, base = 0;
    bool is_read = read_mark(text, &format, &base);
    *version_base = (uint64_t)base;
    if (!is_read)
        return fail(
            o, E_INVALID,
            "%s is not a c10m data directory: its %s is damaged; restore it from a backup, or "
            "choose an empty directory with --data",
            o->dir, MARK_NAME);
    if (format > DATA_DIR_FORMAT)
        return fail(o, E_NEWER,
                    "data directory %s has format %lld, and this c10m knows %d: use the newer c10m "
                    "that wrote it, or choose another directory with --data",
                    o->dir, (long long)format, DATA_DIR_FORMAT);
    return OK;
}

// E_NOT_FOUND: there is none.
static int
check_mark(const struct opening *o, uint64_t *version_base)
{
    int fd = openat(o->dir_fd, MARK_NAME, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? E_NOT_FOUND : fail_errno(o, "read");
    char text[MARK_BYTES_MAX];
    ssize_t len = read(fd, text, sizeof text);
    int code = len < 0 ? fail_errno(o, "read")
                       : parse_mark(o, (struct str){text, (size_t)len}, version_base);
    close(fd);
    return code;
}

static int
write_synced(const struct opening *o, const char *name, struct str text)
{
    int fd = openat(o->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return E_IO;
    bool is_written = write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    return close(fd) == 0 && is_written ? OK : E_IO;
}

static int
write_new_mark(const struct opening *o, uint64_t version_base)
{
    char text[MARK_BYTES_MAX], base[MARK_BYTES_MAX / 2] = "";
    if (version_base > 0)
        snprintf(base, sizeof base, ",\"version_base\":%llu", (unsigned long long)version_base);
    snprintf(text, sizeof text, "{\"format\":%d%s}\n", DATA_DIR_FORMAT, base);
    return write_synced(o, MARK_NEW_NAME, str_of(text)) == OK ? OK : fail_errno(o, "write to");
}

static int
rename_new_mark(const struct opening *o)
{
    return renameat(o->dir_fd, MARK_NEW_NAME, o->dir_fd, MARK_NAME) == 0
               ? OK
               : fail_errno(o, "write to");
}

static int
sync_names(const struct opening *o)
{
    return fsync(o->dir_fd) == 0 ? OK : fail_errno(o, "write to");
}

static int
make_store(const struct opening *o, bool *is_made)
{
    *is_made = mkdirat(o->dir_fd, STORE_NAME, 0700) == 0;
    return *is_made || errno == EEXIST ? OK : fail_errno(o, "write to");
}

// The names of the mark and of the store are durable before anything is in the store, both by one
// sync: a start costs as many of these as it waits for. A store without a mark is therefore empty.
static int
make_contents(const struct opening *o, bool is_marked)
{
    bool is_made;
    if (!is_marked) {
        TRY(write_new_mark(o, 0));
        TRY(rename_new_mark(o));
    }
    TRY(make_store(o, &is_made));
    return is_made || !is_marked ? sync_names(o) : OK;
}

static int
lock(const struct opening *o, int *out)
{
    int fd = openat(o->dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(o, "write to");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *out = fd;
        return OK;
    }
    int code = errno == EWOULDBLOCK
                   ? fail(o, E_EXISTS,
                          "another c10m uses data directory %s: stop it, or choose another "
                          "directory with --data",
                          o->dir)
                   : fail_errno(o, "lock");
    close(fd);
    return code;
}

static int
check_room(const struct opening *o, bool is_new)
{
    struct statvfs fs;
    if (fstatvfs(o->dir_fd, &fs) != 0)
        return fail_errno(o, "look at the disk of");
    uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    uint64_t needed = is_new ? o->reserve_bytes : data_dir_start_bytes(o->reserve_bytes);
    if (free_bytes >= needed)
        return OK;
    return fail(
        o, E_FULL,
        "the disk of data directory %s has %llu MiB free, and c10m needs %llu MiB to start: "
        "make room, or choose another disk with --data",
        o->dir, (unsigned long long)free_bytes >> 20,
        ((unsigned long long)needed + (1 << 20) - 1) >> 20);
}

static int
claim(const struct opening *o, struct data_dir *d)
{
    int *lock_fd = &d->lock_fd;
    int mark = check_mark(o, &d->version_base);
    if (mark == E_NOT_FOUND)
        TRY(check_empty(o)); // before anything is written to what may be somebody else's
    else
        TRY(mark);
    TRY(check_room(o, mark == E_NOT_FOUND));
    TRY(lock(o, lock_fd));
    int code = check_mark(o, &d->version_base); // again: now nobody else changes it
    d->is_new = code == E_NOT_FOUND;
    if (code == OK || code == E_NOT_FOUND)
        code = make_contents(o, code == OK);
    if (code != OK)
        close(*lock_fd);
    return code;
}

int
data_dir_open(const char *dir, uint64_t reserve_bytes, struct data_dir *out, char *problem,
              size_t problem_size)
{
    struct opening o = {.dir = dir,
                        .dir_fd = -1,
                        .reserve_bytes = reserve_bytes,
                        .problem = problem,
                        .problem_size = problem_size};
    struct data_dir d = {.lock_fd = -1};
    int code = make_dir(&o);
    if (code == OK)
        code = claim(&o, &d);
    if (o.dir_fd >= 0)
        close(o.dir_fd);
    TRY(code);
    CHECK(asprintf(&d.store_path, "%s/%s", dir, STORE_NAME) > 0);
    *out = d;
    return OK;
}

uint64_t
data_dir_start_bytes(uint64_t reserve_bytes)
{
    return reserve_bytes / START_RESERVE_DIVISOR;
}

void
data_dir_close(struct data_dir *d)
{
    free(d->store_path);
    close(d->lock_fd);
}

// Opens a directory that is there.
static int
open_backup(const char *dir, char *problem, size_t problem_size, struct opening *out)
{
    *out = (struct opening){.dir = dir, .problem = problem, .problem_size = problem_size};
    out->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return out->dir_fd >= 0 ? OK : fail_errno(out, "open");
}

// Makes it, and looks whether it is empty where that is asked.
static int
make_plain(const char *dir, bool is_empty, char *problem, size_t problem_size)
{
    struct opening o = {.dir = dir, .dir_fd = -1, .problem = problem, .problem_size = problem_size};
    int code = make_dir(&o);
    if (code == OK && is_empty)
        code = check_empty(&o);
    if (o.dir_fd >= 0)
        close(o.dir_fd);
    return code;
}

int
data_dir_make(const char *dir, char *problem, size_t problem_size)
{
    return make_plain(dir, false, problem, problem_size);
}

int
data_dir_backup_begin(const char *dir, char *problem, size_t problem_size)
{
    return make_plain(dir, true, problem, problem_size);
}

int
data_dir_backup_mark(const char *dir, uint64_t version_base, char *problem, size_t problem_size)
{
    struct opening o;
    TRY(open_backup(dir, problem, problem_size, &o));
    int code = write_new_mark(&o, version_base);
    close(o.dir_fd);
    return code;
}

int
data_dir_backup_end(const char *dir, char *problem, size_t problem_size)
{
    struct opening o;
    TRY(open_backup(dir, problem, problem_size, &o));
    int code = sync_names(&o); // what the mark vouches for has its names on disk first
    if (code == OK)
        code = rename_new_mark(&o);
    if (code == OK)
        code = sync_names(&o);
    close(o.dir_fd);
    return code;
}

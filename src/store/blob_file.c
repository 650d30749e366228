// Contents as files: DIR/tmp/ID while they are written, then DIR/xx/ID.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "src/base/encoding.h"
#include "src/store/blob_backend.h"

enum {
    FAN_OUT = 256, // directories: ten million files are 40,000 in each
    ID_TEXT_BYTES = 2 * BLOB_ID_BYTES,
    NAME_BYTES = 64,
    // Is sent to the disk while more comes in, so that the sync at the end finds little to do.
    WRITE_BEHIND_BYTES = 4 * 1024 * 1024,
};

struct files {
    struct blob_backend backend;
    char *dir;
    uint64_t reserve_bytes;
    struct blob_hook hook;
    pthread_mutex_t mutex; // of the rest
    int dir_fd;            // -1: there is none yet
    bool is_prepared;      // it is durable, with all that was in it
    bool has_fan[FAN_OUT]; // these below it are, too
};

struct blob_draft {
    struct files *files;
    char name[NAME_BYTES];       // in the directory of the files
    char name_final[NAME_BYTES]; // there, when it is published
    int fd;
    uint64_t written_bytes;
    uint64_t behind_bytes; // of them on their way to the disk
    bool is_published;
};

struct blob_contents {
    int fd;
};

static struct files *
files_of(struct blob_backend *b)
{
    return (struct files *)b;
}

// Of a write that failed.
static int
code_of_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT ? E_FULL : E_IO;
}

static void
print_id(const struct blob_id *id, char out[ID_TEXT_BYTES + 1])
{
    hex_encode(id->bytes, BLOB_ID_BYTES, out);
    out[ID_TEXT_BYTES] = 0;
}

static void
print_names(const struct blob_id *id, char draft[NAME_BYTES], char published[NAME_BYTES])
{
    char text[ID_TEXT_BYTES + 1];
    print_id(id, text);
    snprintf(draft, NAME_BYTES, "tmp/%s", text);
    snprintf(published, NAME_BYTES, "%.2s/%s", text, text);
}

static int
sync_dir(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return E_IO;
    int failed = fsync(fd);
    close(fd);
    return failed ? E_IO : OK;
}

// Of a published file.
static int
sync_dir_of(int dir_fd, const char *published)
{
    char name[3] = {published[0], published[1], 0};
    return sync_dir(dir_fd, name);
}

static int
get_dir(struct files *f)
{
    pthread_mutex_lock(&f->mutex);
    int fd = f->dir_fd;
    pthread_mutex_unlock(&f->mutex);
    return fd;
}

static int
make_dir(int dir_fd, const char *name)
{
    return mkdirat(dir_fd, name, 0700) == 0 || errno == EEXIST ? OK : code_of_errno();
}

static int
prepare(struct files *f)
{
    if (f->is_prepared)
        return OK;
    if (f->dir_fd < 0) {
        TRY(make_dir(AT_FDCWD, f->dir));
        f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (f->dir_fd < 0)
            return E_IO;
    }
    TRY(make_dir(f->dir_fd, "tmp"));
    if (fsync(f->dir_fd) != 0)
        return E_IO;
    TRY(sync_dir(f->dir_fd, ".."));
    f->is_prepared = true;
    return OK;
}

// Durable before anybody else may put a file into it.
static int
prepare_fan(struct files *f, uint8_t fan)
{
    char name[3];
    TRY(prepare(f));
    if (f->has_fan[fan])
        return OK;
    snprintf(name, sizeof name, "%02x", fan);
    TRY(make_dir(f->dir_fd, name));
    if (fsync(f->dir_fd) != 0)
        return E_IO;
    f->has_fan[fan] = true;
    return OK;
}

static int
prepare_for(struct files *f, const struct blob_id *id)
{
    pthread_mutex_lock(&f->mutex);
    int code = prepare_fan(f, id->bytes[0]);
    pthread_mutex_unlock(&f->mutex);
    return code;
}

static int
check_room(const struct files *f, size_t bytes)
{
    struct statvfs fs;
    if (fstatvfs(f->dir_fd, &fs) != 0)
        return E_IO;
    return (uint64_t)fs.f_bavail * fs.f_frsize >= f->reserve_bytes + bytes ? OK : E_FULL;
}

static int
file_draft_new(struct blob_backend *b, const struct blob_id *id, struct blob_draft **out)
{
    struct files *f = files_of(b);
    TRY(prepare_for(f, id));
    TRY(check_room(f, 0));
    struct blob_draft *d = calloc(1, sizeof *d);
    CHECK(d != NULL);
    d->files = f;
    print_names(id, d->name, d->name_final);
    blob_step(&f->hook, "create");
    d->fd = openat(f->dir_fd, d->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (d->fd < 0) {
        int code = code_of_errno();
        free(d);
        return code;
    }
    *out = d;
    return OK;
}

static int
write_all(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return code_of_errno();
        bytes = str_slice(bytes, (size_t)n, bytes.len);
    }
    return OK;
}

// Errors show at the sync.
static void
write_behind(struct blob_draft *d)
{
    if (d->written_bytes - d->behind_bytes < WRITE_BEHIND_BYTES)
        return;
    sync_file_range(d->fd, (off_t)d->behind_bytes, (off_t)(d->written_bytes - d->behind_bytes),
                    SYNC_FILE_RANGE_WRITE);
    d->behind_bytes = d->written_bytes;
}

static int
file_draft_append(struct blob_draft *d, struct str bytes)
{
    TRY(check_room(d->files, bytes.len));
    blob_step(&d->files->hook, "append");
    TRY(write_all(d->fd, bytes));
    d->written_bytes += bytes.len;
    write_behind(d);
    return OK;
}

static int
file_draft_sync(struct blob_draft *d)
{
    blob_step(&d->files->hook, "sync");
    return fdatasync(d->fd) == 0 ? OK : code_of_errno();
}

static int
file_draft_publish(struct blob_draft *d)
{
    int dir_fd = d->files->dir_fd;
    blob_step(&d->files->hook, "rename");
    if (renameat(dir_fd, d->name, dir_fd, d->name_final) != 0)
        return errno == ENOENT ? E_NOT_FOUND : code_of_errno();
    d->is_published = true;
    blob_step(&d->files->hook, "sync directory");
    return sync_dir_of(dir_fd, d->name_final);
}

static void
file_draft_free(struct blob_draft *d)
{
    close(d->fd);
    if (!d->is_published)
        unlinkat(d->files->dir_fd, d->name, 0);
    free(d);
}

static int
file_contents_open(struct blob_backend *b, const struct blob_id *id, struct blob_contents **out)
{
    char draft[NAME_BYTES], published[NAME_BYTES];
    int dir_fd = get_dir(files_of(b));
    if (dir_fd < 0)
        return E_NOT_FOUND;
    print_names(id, draft, published);
    int fd = openat(dir_fd, published, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? E_NOT_FOUND : E_IO;
    *out = calloc(1, sizeof **out);
    CHECK(*out != NULL);
    (*out)->fd = fd;
    return OK;
}

static int
file_contents_read(struct blob_contents *c, uint64_t offset, char *out, size_t len, size_t *got)
{
    for (*got = 0; *got < len;) {
        ssize_t n = pread(c->fd, out + *got, len - *got, (off_t)(offset + *got));
        if (n < 0 && errno != EINTR)
            return E_IO;
        if (n == 0)
            break;
        *got += n > 0 ? (size_t)n : 0;
    }
    return OK;
}

static void
file_contents_close(struct blob_contents *c)
{
    close(c->fd);
    free(c);
}

// The draft first: when it is published between the two steps, the second finds it.
static int
file_remove(struct blob_backend *b, const struct blob_id *id)
{
    char draft[NAME_BYTES], published[NAME_BYTES];
    struct files *f = files_of(b);
    int dir_fd = get_dir(f);
    if (dir_fd < 0)
        return OK;
    print_names(id, draft, published);
    blob_step(&f->hook, "remove");
    if (unlinkat(dir_fd, draft, 0) != 0 && errno != ENOENT)
        return E_IO;
    if (unlinkat(dir_fd, published, 0) != 0)
        return errno == ENOENT ? OK : E_IO;
    return sync_dir_of(dir_fd, published);
}

// Those of one directory below that of the files; what is no blob's is left alone.
static int
list_fan(int dir_fd, int fan, blob_id_fn *fn, void *arg)
{
    char name[3];
    struct blob_id id;
    int code = OK;
    snprintf(name, sizeof(name), "%02x", (unsigned)fan);
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? OK : E_IO;
    DIR *d = fdopendir(fd);
    CHECK(d != NULL);
    for (const struct dirent *e; code == OK && (e = readdir(d)) != NULL;) {
        if (hex_decode(str_of(e->d_name), id.bytes, BLOB_ID_BYTES) == OK)
            code = fn(arg, &id);
    }
    closedir(d);
    return code;
}

static int
file_list(struct blob_backend *b, blob_id_fn *fn, void *arg)
{
    int dir_fd = get_dir(files_of(b));
    for (int fan = 0; dir_fd >= 0 && fan < FAN_OUT; fan++)
        TRY(list_fan(dir_fd, fan, fn, arg));
    return OK;
}

static void
file_close(struct blob_backend *b)
{
    struct files *f = files_of(b);
    if (f->dir_fd >= 0)
        close(f->dir_fd);
    pthread_mutex_destroy(&f->mutex);
    free(f->dir);
    free(f);
}

static const struct blob_backend_ops file_ops = {
    .close = file_close,
    .draft_new = file_draft_new,
    .draft_append = file_draft_append,
    .draft_sync = file_draft_sync,
    .draft_publish = file_draft_publish,
    .draft_free = file_draft_free,
    .contents_open = file_contents_open,
    .contents_read = file_contents_read,
    .contents_close = file_contents_close,
    .remove = file_remove,
    .list = file_list,
};

// Drafts of a process that is gone. Need not be durable: what comes back is removed again.
static int
remove_drafts(int dir_fd)
{
    int fd = openat(dir_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? OK : E_IO;
    DIR *d = fdopendir(fd);
    CHECK(d != NULL);
    int code = OK;
    for (const struct dirent *e; code == OK && (e = readdir(d)) != NULL;) {
        if (strlen(e->d_name) == ID_TEXT_BYTES && unlinkat(fd, e->d_name, 0) != 0)
            code = E_IO;
    }
    closedir(d);
    return code;
}

int
blob_file_open(const char *dir, uint64_t reserve_bytes, struct blob_hook hook,
               struct blob_backend **out)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return E_IO;
    int code = fd < 0 ? OK : remove_drafts(fd);
    if (code != OK) {
        close(fd);
        return code;
    }
    struct files *f = calloc(1, sizeof *f);
    CHECK(f != NULL);
    *f = (struct files){.backend.ops = &file_ops,
                        .dir = strdup(dir),
                        .reserve_bytes = reserve_bytes,
                        .hook = hook,
                        .dir_fd = fd};
    CHECK(f->dir != NULL);
    pthread_mutex_init(&f->mutex, NULL);
    *out = &f->backend;
    return OK;
}

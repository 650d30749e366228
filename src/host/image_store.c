// Images from tarballs of root file systems, by the hash of what they hold.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/image_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/digest.h"
#include "src/base/encoding.h"
#include "src/host/file.h"
#include "src/host/tree.h"

#define WORK_PREFIX "image-"
enum { PATH_BYTES = 4096, TOOL_MS_MAX = 3600 * 1000, WORDS_BYTES_MAX = 300, NUMBER_BYTES = 17 };

static int
fail(char *problem, int code, const char *what, const char *why)
{
    snprintf(problem, IMAGE_PROBLEM_BYTES, "%.300s: %.200s", what, why);
    return code;
}

static bool
is_id(const char *id)
{
    return strspn(id, "0123456789abcdef") == IMAGE_ID_BYTES - 1 && strlen(id) == IMAGE_ID_BYTES - 1;
}

// A folder for work in progress, gone again whatever happens.
struct work {
    struct host *host;
    char name[32]; // "image-NUMBER": also of its sandbox
    char dir[PATH_BYTES];
    struct arena arena;
    int32_t ids_row;
    char *problem;
};

static int
work_begin(struct work *w, struct host *h, char *problem)
{
    *w = (struct work){.host = h, .ids_row = -1, .problem = problem};
    arena_init(&w->arena);
    snprintf(w->name, sizeof(w->name), WORK_PREFIX "%016llx",
             (unsigned long long)random_u64(h->runtime));
    snprintf(w->dir, sizeof(w->dir), "%s/images/%s", h->dir, w->name);
    int code = ids_take(&h->ids, &w->ids_row);
    return code == OK ? tree_make(w->dir, 0711) : code;
}

static int
work_end(struct work *w, int code)
{
    int removed = tree_remove(w->host->runtime, w->dir);
    if (removed != OK && code == OK)
        code = fail(w->problem, removed, w->dir, "cannot be removed");
    ids_give(&w->host->ids, w->ids_row);
    arena_fini(&w->arena);
    return code;
}

static char *
below(struct work *w, const char *name)
{
    return arena_copy_z(&w->arena, arena_print(&w->arena, "%s/%s", w->dir, name));
}

// A folder that the guest's root owns.
static int
folder_give(struct work *w, const char *path)
{
    uid_t owner = HOST_IDS_FIRST + (uid_t)w->ids_row * HOST_IDS_PER_GUEST;
    TRY(tree_make(path, 0755));
    return !w->host->is_root || chown(path, owner, owner) == 0 ? OK : E_IO;
}

// Runs a shell command over these mounts, beside the default image.
static int
shell(struct work *w, const char *command, const struct sandbox_mount *more, size_t count)
{
    struct sandbox_mount mounts[SANDBOX_MOUNTS_MAX] = {
        {.kind = SANDBOX_READ_ONLY,
         .at = STR("/"),
         .outside = arena_print(&w->arena, "%s/images/default", w->host->dir)},
        {.kind = SANDBOX_READ_ONLY, .at = STR("/usr"), .outside = STR("/usr")},
    };
    const struct str args[] = {STR("/bin/bash"), STR("-e"), STR("-c"), str_of(command)};
    const struct str env[] = {STR("PATH=/usr/sbin:/usr/bin")};
    struct sandbox_status status = {0};
    struct str name = str_of(w->name), words = {0};
    memcpy(mounts + 2, more, count * sizeof(*more));
    const struct sandbox_spec spec = {
        .name = name,
        .hostname = STR("image"),
        .mounts = mounts,
        .mount_count = 2 + count,
        .args = args,
        .arg_count = COUNT_OF(args),
        .env = env,
        .env_count = COUNT_OF(env),
        .ids_row = (uint32_t)w->ids_row,
        .rights = SANDBOX_GUEST,
    };
    int code = sandbox_start(w->host, &spec, w->problem, IMAGE_PROBLEM_BYTES);
    if (code != OK)
        return code;
    int64_t deadline_ns = deadline_in_ms(w->host->runtime, TOOL_MS_MAX);
    code = sandbox_wait(w->host, name, deadline_ns, &status);
    int ended = sandbox_stop(w->host, name, 0);
    if (code == OK && (status.state != SANDBOX_EXITED || status.code != 0)) {
        if (sandbox_console(w->host, name, WORDS_BYTES_MAX, &w->arena, &words) != OK)
            words = STR("without a word");
        code = fail(w->problem, E_INVALID, "it cannot be unpacked or packed",
                    arena_copy_z(&w->arena, words));
    }
    if (ended == OK)
        ended = sandbox_remove(w->host, name);
    return code != OK ? code : ended;
}

struct hashing {
    const char *path;
    struct sha256 digest;
    int code;
};

static void
hash(void *arg)
{
    struct hashing *job = arg;
    struct stat status;
    int fd = open(job->path, O_RDONLY | O_CLOEXEC);
    job->code = fd < 0 && errno == ENOENT ? E_NOT_FOUND : E_IO;
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            job->digest = sha256_of((struct str){bytes, (size_t)status.st_size});
            munmap(bytes, (size_t)status.st_size);
            job->code = OK;
        }
    } else if (fd >= 0) {
        job->code = E_INVALID;
    }
    if (fd >= 0)
        close(fd);
}

static int
id_of(struct host *h, const char *tarball, char out[IMAGE_ID_BYTES])
{
    struct hashing job = {.path = tarball};
    pool_run(h->runtime, hash, &job);
    hex_encode(job.digest.bytes, SHA256_BYTES, out);
    out[IMAGE_ID_BYTES - 1] = '\0';
    return job.code;
}

static void
image_path(const struct host *h, const char *id, const char *name, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/images/%s%s%s", h->dir, id, *name ? "/" : "", name);
}

static bool
is_there(const struct host *h, const char *id)
{
    char path[PATH_BYTES];
    image_path(h, id, "root", path);
    return is_id(id) && access(path, F_OK) == 0;
}

// By another name in a folder that the sandbox sees; the bytes only where that cannot be.
static int
tarball_lend(struct work *w, const char *tarball, const char *name)
{
    struct arena_mark mark = arena_mark(&w->arena);
    char *to = below(w, name);
    int code = link(tarball, to) == 0 ? OK : tree_clone_file(w->host->runtime, tarball, to);
    // A guest's root is nobody there.
    if (code == OK && chmod(to, 0444) != 0)
        code = E_IO;
    arena_rewind(&w->arena, mark);
    return code;
}

static int
unpack(struct work *w, const char *tarball)
{
    char *in = below(w, "in"), *root = below(w, "new/root");
    const struct sandbox_mount mounts[] = {
        {.kind = SANDBOX_READ_ONLY, .at = STR("/srv"), .outside = str_of(in)},
        {.kind = SANDBOX_WRITABLE, .at = STR("/mnt"), .outside = str_of(root)},
    };
    if (tree_make(in, 0755) != OK || tree_make(below(w, "new"), 0711) != OK ||
        folder_give(w, root) != OK || tarball_lend(w, tarball, "in/tarball") != OK)
        return fail(w->problem, E_IO, w->dir, strerror(errno));
    const char *command =
        w->host->is_root
            ? "tar --extract --file=/srv/tarball --directory=/mnt --numeric-owner "
              "--same-permissions --same-owner --exclude='./dev/*' --exclude='dev/*' 2>&1"
            : "tar --extract --file=/srv/tarball --directory=/mnt --same-permissions "
              "--no-same-owner --exclude='./dev/*' --exclude='dev/*' 2>&1";
    TRY(shell(w, command, mounts, COUNT_OF(mounts)));
    // As every guest's own: what was unpacked as a guest's is the image's.
    int64_t base = HOST_IDS_FIRST + (int64_t)w->ids_row * HOST_IDS_PER_GUEST;
    int code = w->host->is_root ? tree_unshift(w->host->runtime, root, base) : OK;
    if (code == OK)
        code = tree_sync(w->host->runtime, root);
    return code == OK ? OK : fail(w->problem, code, root, strerror(errno));
}

// Whoever is first puts it in place.
static int
put_in_place(struct work *w, const char *id)
{
    char path[PATH_BYTES];
    image_path(w->host, id, "", path);
    if (rename(below(w, "new"), path) == 0 || errno == EEXIST || errno == ENOTEMPTY)
        return OK;
    return fail(w->problem, E_IO, path, strerror(errno));
}

int
image_import(struct host *h, const char *tarball, char out[IMAGE_ID_BYTES], char *problem)
{
    struct work w;
    int code = id_of(h, tarball, out);
    if (code != OK)
        return fail(problem, code, tarball, "cannot be read");
    if (is_there(h, out))
        return OK;
    code = work_begin(&w, h, problem);
    if (code != OK)
        (void)fail(problem, code, "images", "there is no room for another");
    if (code == OK)
        code = unpack(&w, tarball);
    if (code == OK)
        code = put_in_place(&w, out);
    return work_end(&w, code);
}

static void
hold_path(const struct host *h, const char *id, struct str holder, char out[PATH_BYTES])
{
    char name[HOST_NAME_BYTES_MAX + 8];
    CHECK(host_name_is_valid(holder));
    snprintf(name, sizeof(name), "held-" STR_FMT, STR_ARG(holder));
    image_path(h, id, name, out);
}

int
image_hold(struct host *h, const char *id, struct str holder)
{
    char path[PATH_BYTES];
    hold_path(h, id, holder, path);
    return is_there(h, id) ? file_replace(path, STR(""), 0600) : E_NOT_FOUND;
}

int
image_release(struct host *h, const char *id, struct str holder)
{
    char path[PATH_BYTES];
    hold_path(h, id, holder, path);
    return unlink(path) == 0 || errno == ENOENT ? OK : E_IO;
}

static bool
is_held(const char *path)
{
    DIR *d = opendir(path);
    bool found = d == NULL; // whatever it is, it is not ours to remove
    for (struct dirent *e; !found && (e = readdir(d)) != NULL;)
        found = strncmp(e->d_name, "held-", 5) == 0;
    if (d != NULL)
        closedir(d);
    return found;
}

int
image_collect(struct host *h, size_t *removed)
{
    char folder[PATH_BYTES], path[PATH_BYTES];
    int code = OK;
    *removed = 0;
    snprintf(folder, sizeof(folder), "%s/images", h->dir);
    DIR *d = opendir(folder);
    for (struct dirent *e; d != NULL && code == OK && (e = readdir(d)) != NULL;) {
        image_path(h, e->d_name, "", path);
        if (!is_id(e->d_name) || is_held(path))
            continue;
        code = tree_remove(h->runtime, path);
        *removed += code == OK;
    }
    if (d != NULL)
        closedir(d);
    return d == NULL ? E_IO : code;
}

int
image_sweep(struct host *h)
{
    char folder[PATH_BYTES], path[PATH_BYTES];
    int code = OK;
    snprintf(folder, sizeof(folder), "%s/images", h->dir);
    DIR *d = opendir(folder);
    for (struct dirent *e; d != NULL && code == OK && (e = readdir(d)) != NULL;) {
        struct str name = str_of(e->d_name);
        if (!str_starts(name, STR(WORK_PREFIX)) || !host_name_is_valid(name))
            continue;
        image_path(h, e->d_name, "", path);
        code = sandbox_stop(h, name, 0);
        if (code == OK)
            code = sandbox_remove(h, name);
        if (code == OK)
            code = tree_remove(h->runtime, path);
    }
    if (d != NULL)
        closedir(d);
    return d == NULL ? E_IO : code;
}

int
image_root(struct host *h, const char *id, const char *dir, uint32_t ids_row, struct arena *arena,
           struct sandbox_mount *out)
{
    char path[PATH_BYTES];
    if (!is_there(h, id))
        return E_NOT_FOUND;
    TRY(tree_make(dir, 0711));
    TRY(sandbox_state_make(h, dir, ids_row));
    image_path(h, id, "root", path);
    *out = (struct sandbox_mount){
        .kind = SANDBOX_OVERLAY,
        .at = STR("/"),
        .outside = arena_copy(arena, str_of(path)),
        .state = arena_copy(arena, str_of(dir)),
    };
    return OK;
}

// The changes as of one moment.
static int
changes_copy(struct work *w, const struct image_snapshot *s)
{
    struct sandbox_status status;
    const struct tree_clone copy = {
        .from = arena_copy_z(&w->arena, arena_print(&w->arena, "%s/upper", s->dir)),
        .to = below(w, "state/upper"),
        .uid = -1,
        .gid = -1,
        .keeps = true,
    };
    TRY(sandbox_status_get(w->host, s->sandbox, &status));
    int code = OK;
    if (status.state == SANDBOX_RUNNING)
        code = sandbox_freeze(w->host, s->sandbox, true);
    if (code == E_NOT_FOUND)
        return fail(w->problem, E_INVALID, "a snapshot of a guest that runs",
                    "this system cannot freeze it; stop it first");
    if (code == OK)
        code = tree_clone(w->host->runtime, &copy);
    if (status.state == SANDBOX_RUNNING) {
        int thawed = sandbox_freeze(w->host, s->sandbox, false);
        code = code != OK ? code : thawed == E_NOT_FOUND ? OK : thawed;
    }
    return code == OK ? OK : fail(w->problem, code, "the guest's changes", strerror(errno));
}

// Packs what the guest sees, as a tarball that depends on nothing but that.
static int
pack(struct work *w, const struct image_snapshot *s)
{
    char lower[PATH_BYTES];
    char *state = below(w, "state"), *out = below(w, "out");
    image_path(w->host, s->id, "root", lower);
    const struct sandbox_mount mounts[] = {
        {.kind = SANDBOX_OVERLAY,
         .at = STR("/mnt"),
         .outside = str_of(lower),
         .state = str_of(state)},
        {.kind = SANDBOX_WRITABLE, .at = STR("/srv"), .outside = str_of(out)},
    };
    if (folder_give(w, state) != OK || folder_give(w, below(w, "state/work")) != OK ||
        folder_give(w, out) != OK)
        return fail(w->problem, E_IO, w->dir, strerror(errno));
    TRY(changes_copy(w, s));
    return shell(w,
                 "tar --create --file=/srv/tarball --directory=/mnt --sort=name --numeric-owner "
                 "--format=gnu --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* "
                 "--exclude=./run/* --exclude=./tmp/* . 2>&1",
                 mounts, COUNT_OF(mounts));
}

int
image_snapshot(struct host *h, const struct image_snapshot *s, char out[IMAGE_ID_BYTES],
               char *problem)
{
    struct work w;
    if (!is_there(h, s->id))
        return fail(problem, E_NOT_FOUND, s->id, "there is no such image");
    int code = work_begin(&w, h, problem);
    int32_t own_row = w.ids_row;
    // The changes are the guest's: they are packed by its ids.
    if (code == OK)
        w.ids_row = (int32_t)s->ids_row;
    if (code == OK)
        code = pack(&w, s);
    if (code == OK)
        code = image_import(h, below(&w, "out/tarball"), out, problem);
    w.ids_row = own_row;
    return work_end(&w, code);
}

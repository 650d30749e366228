// Control groups of version 1, one hierarchy for each controller, and of version 2, one for all.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, CPU_PERIOD_US = 100 * 1000, CPU_QUOTA_MIN_US = 1000 };

// The controllers' names in both versions; version 2 freezes every group.
static const struct {
    const char *v1, *v2, *what;
} controllers[CGROUP_CONTROLLERS] = {
    [CGROUP_MEMORY] = {"memory", "memory", "memory of several processes"},
    [CGROUP_CPU] = {"cpu", "cpu", "cpu"},
    [CGROUP_PIDS] = {"pids", "pids", "pids"},
    [CGROUP_IO] = {"blkio", "io", "io"},
    [CGROUP_FREEZER] = {"freezer", NULL, "freezer"},
};

static struct str
file_read(const char *path, struct arena *arena)
{
    char *bytes = arena_alloc_bytes(arena, PATH_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, PATH_BYTES);
    if (fd >= 0)
        close(fd);
    return got < 0 ? (struct str){0} : (struct str){bytes, (size_t)got};
}

static bool
has_word(struct str text, char separator, const char *word)
{
    for (struct str head, rest = text; rest.len > 0; text = rest) {
        str_cut(text, separator, &head, &rest);
        if (str_eq(str_trim(head), str_of(word)))
            return true;
        if (!str_is_present(rest))
            break;
    }
    return false;
}

// Our own group in the hierarchy of a controller of version 1 ("" for version 2), as
// /proc/self/cgroup tells.
static struct str
own_group(struct str groups, const char *controller)
{
    for (struct str line; groups.len > 0;) {
        struct str id, names, path;
        str_cut(groups, '\n', &line, &groups);
        if (str_cut(line, ':', &id, &line) && str_cut(line, ':', &names, &path) &&
            (*controller == '\0' ? names.len == 0 : has_word(names, ',', controller)))
            return path;
    }
    return (struct str){0};
}

static bool
can_make(const char *root, const char *tag)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/c10m-%s-trial", root, tag);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return false;
    return rmdir(path) == 0;
}

// A container may see the hierarchy from its own group on.
static char *
root_find(const char *mount, struct str own, const char *tag, struct arena *arena)
{
    struct str inner = str_eq(own, STR("/")) ? STR("") : own;
    char *path = arena_copy_z(arena, arena_print(arena, "%s" STR_FMT, mount, STR_ARG(inner)));
    if (can_make(path, tag))
        return strdup(path);
    return inner.len > 0 && can_make(mount, tag) ? strdup(mount) : NULL;
}

static void
find_v1(struct cgroups *g, struct str groups, const char *tag, struct arena *arena)
{
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
        struct str own = own_group(groups, controllers[i].v1);
        const char *mount =
            arena_copy_z(arena, arena_print(arena, "/sys/fs/cgroup/%s", controllers[i].v1));
        if (str_is_present(own))
            g->roots[i] = root_find(mount, own, tag, arena);
        if (g->roots[i] != NULL)
            g->kind = CGROUP_V1;
    }
}

// The controllers must be handed down to the groups below ours. The kernel refuses that while a
// group that is not the root has processes of its own: then someone must delegate one to us.
static void
find_v2(struct cgroups *g, struct str groups, const char *tag, struct arena *arena)
{
    char *root = root_find("/sys/fs/cgroup", own_group(groups, ""), tag, arena);
    if (root == NULL)
        return;
    char *path = arena_copy_z(arena, arena_print(arena, "%s/cgroup.subtree_control", root));
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
        struct str word = arena_print(arena, "+%s", controllers[i].v2 ? controllers[i].v2 : "");
        int fd = controllers[i].v2 ? open(path, O_WRONLY | O_CLOEXEC) : -1;
        if (fd >= 0 && write(fd, word.ptr, word.len) < 0 && errno != EBUSY)
            errno = 0;
        if (fd >= 0)
            close(fd);
    }
    struct str enabled = file_read(path, arena);
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
        if (controllers[i].v2 == NULL || has_word(enabled, ' ', controllers[i].v2))
            g->roots[i] = strdup(root);
    g->kind = CGROUP_V2;
    free(root);
}

void
cgroups_find(struct cgroups *out, const char *tag)
{
    struct arena arena;
    *out = (struct cgroups){0};
    arena_init(&arena);
    struct str groups = file_read("/proc/self/cgroup", &arena);
    if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
        find_v2(out, groups, tag, &arena);
    else
        find_v1(out, groups, tag, &arena);
    arena_fini(&arena);
}

void
cgroups_fini(struct cgroups *g)
{
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
        free(g->roots[i]);
}

static void
put_write(struct buf *out, const char *root, const char *tag, struct str name, const char *file,
          const char *value)
{
    buf_print(out, "cgroup_write=%s/c10m-%s-" STR_FMT "/%s\n%s", root, tag, STR_ARG(name), file,
              value);
    buf_put_char(out, '\0');
}

static void
put_write_number(struct buf *out, const char *root, const char *tag, struct str name,
                 const char *file, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    put_write(out, root, tag, name, file, text);
}

static void
put_rlimit(struct buf *out, int resource, uint64_t value)
{
    buf_print(out, "rlimit=%d\n%" PRIu64, resource, value);
    buf_put_char(out, '\0');
}

// Of version 1 only those that limit something, since each takes its time, and the freezer's.
static void
put_groups(const struct cgroups *g, const char *tag, struct str name, const struct limits *l,
           struct buf *out)
{
    const bool is_wanted[CGROUP_CONTROLLERS] = {
        [CGROUP_MEMORY] = l->memory_bytes != 0,
        [CGROUP_CPU] = l->cpu_millis != 0,
        [CGROUP_PIDS] = l->pids != 0,
        [CGROUP_IO] = l->io_bytes_per_second != 0,
        [CGROUP_FREEZER] = true, // version 2: the same group for all, and it can always be frozen
    };
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (g->roots[i] == NULL || (g->kind == CGROUP_V2 ? i != CGROUP_FREEZER : !is_wanted[i]))
            continue;
        buf_print(out, "cgroup=%s/c10m-%s-" STR_FMT, g->roots[i], tag, STR_ARG(name));
        buf_put_char(out, '\0');
    }
}

static uint64_t
cpu_quota_us(const struct limits *l)
{
    uint64_t quota = l->cpu_millis * CPU_PERIOD_US / 1000;
    return quota < CPU_QUOTA_MIN_US ? CPU_QUOTA_MIN_US : quota;
}

static void
put_v1(const struct cgroups *g, const char *tag, struct str name, const struct limits *l,
       struct buf *out)
{
    char text[64];
    char *const *r = g->roots;
    if (r[CGROUP_MEMORY] && l->memory_bytes)
        put_write_number(out, r[CGROUP_MEMORY], tag, name, "memory.limit_in_bytes",
                         l->memory_bytes);
    if (r[CGROUP_CPU] && l->cpu_millis) {
        put_write_number(out, r[CGROUP_CPU], tag, name, "cpu.cfs_period_us", CPU_PERIOD_US);
        put_write_number(out, r[CGROUP_CPU], tag, name, "cpu.cfs_quota_us", cpu_quota_us(l));
    }
    if (r[CGROUP_PIDS] && l->pids)
        put_write_number(out, r[CGROUP_PIDS], tag, name, "pids.max", l->pids);
    if (r[CGROUP_IO] && l->io_bytes_per_second) {
        snprintf(text, sizeof(text), "%u:%u %" PRIu64, major(l->io_device), minor(l->io_device),
                 l->io_bytes_per_second);
        put_write(out, r[CGROUP_IO], tag, name, "blkio.throttle.read_bps_device", text);
        put_write(out, r[CGROUP_IO], tag, name, "blkio.throttle.write_bps_device", text);
    }
}

static void
put_v2(const struct cgroups *g, const char *tag, struct str name, const struct limits *l,
       struct buf *out)
{
    char text[96];
    char *const *r = g->roots;
    if (r[CGROUP_MEMORY] && l->memory_bytes)
        put_write_number(out, r[CGROUP_MEMORY], tag, name, "memory.max", l->memory_bytes);
    if (r[CGROUP_CPU] && l->cpu_millis) {
        snprintf(text, sizeof(text), "%" PRIu64 " %d", cpu_quota_us(l), CPU_PERIOD_US);
        put_write(out, r[CGROUP_CPU], tag, name, "cpu.max", text);
    }
    if (r[CGROUP_PIDS] && l->pids)
        put_write_number(out, r[CGROUP_PIDS], tag, name, "pids.max", l->pids);
    if (r[CGROUP_IO] && l->io_bytes_per_second) {
        snprintf(text, sizeof(text), "%u:%u rbps=%" PRIu64 " wbps=%" PRIu64, major(l->io_device),
                 minor(l->io_device), l->io_bytes_per_second, l->io_bytes_per_second);
        put_write(out, r[CGROUP_IO], tag, name, "io.max", text);
    }
}

void
cgroups_print(const struct cgroups *g, const char *tag, struct str name, const struct limits *l,
              struct buf *out)
{
    put_groups(g, tag, name, l, out);
    if (g->kind == CGROUP_V1)
        put_v1(g, tag, name, l, out);
    else if (g->kind == CGROUP_V2)
        put_v2(g, tag, name, l, out);
    if (g->roots[CGROUP_MEMORY] == NULL && l->memory_bytes)
        put_rlimit(out, RLIMIT_AS, l->memory_bytes);
    if (g->roots[CGROUP_PIDS] == NULL && l->pids)
        put_rlimit(out, RLIMIT_NPROC, l->pids);
    if (l->files_open)
        put_rlimit(out, RLIMIT_NOFILE, l->files_open);
}

struct str
cgroups_unenforced(const struct cgroups *g, const struct limits *l, struct arena *arena)
{
    struct buf out;
    const bool is_asked[CGROUP_CONTROLLERS] = {
        [CGROUP_MEMORY] = l->memory_bytes != 0,
        [CGROUP_CPU] = l->cpu_millis != 0,
        [CGROUP_IO] = l->io_bytes_per_second != 0,
    };
    buf_init(&out, arena, 32);
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
        if (is_asked[i] && g->roots[i] == NULL)
            buf_print(&out, "%s%s", out.len > 0 ? ", " : "", controllers[i].what);
    // Version 1 does not know whose it was, what the kernel writes back later.
    if (g->kind == CGROUP_V1 && g->roots[CGROUP_IO] != NULL && l->io_bytes_per_second != 0)
        buf_print(&out, "%sio of cached writes", out.len > 0 ? ", " : "");
    return buf_str(&out);
}

int
cgroup_freeze(const struct cgroups *g, const char *tag, struct str name, bool is_frozen)
{
    char path[PATH_BYTES];
    const char *root = g->roots[CGROUP_FREEZER];
    const char *text =
        g->kind == CGROUP_V2 ? (is_frozen ? "1" : "0") : (is_frozen ? "FROZEN" : "THAWED");
    if (root == NULL)
        return E_NOT_FOUND;
    snprintf(path, sizeof(path), "%s/c10m-%s-" STR_FMT "/%s", root, tag, STR_ARG(name),
             g->kind == CGROUP_V2 ? "cgroup.freeze" : "freezer.state");
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? E_NOT_FOUND : E_IO;
    // ENODEV: its shim has ended meanwhile and removed it.
    int code = write(fd, text, strlen(text)) >= 0 ? OK : errno == ENODEV ? E_NOT_FOUND : E_IO;
    close(fd);
    return code;
}

static void
group_kill(const char *path)
{
    char procs[PATH_BYTES + 16], line[16];
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
    FILE *f = fopen(procs, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        int64_t pid;
        if (str_to_int64(str_trim(str_of(line)), &pid) == OK && pid > 1)
            kill((pid_t)pid, SIGKILL);
    }
    if (f != NULL)
        fclose(f);
}

int
cgroup_sweep(const struct cgroups *g, const char *tag, struct str name)
{
    char path[PATH_BYTES];
    int code = OK;
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
        if (g->roots[i] == NULL)
            continue;
        snprintf(path, sizeof(path), "%s/c10m-%s-" STR_FMT, g->roots[i], tag, STR_ARG(name));
        if (rmdir(path) == 0 || errno == ENOENT)
            continue;
        group_kill(path);
        code = E_AGAIN;
    }
    return code;
}

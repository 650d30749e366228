// This machine, as far as c10m runs things on it.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/digest.h"
#include "src/base/encoding.h"
#include "src/host/disk.h"
#include "src/host/program.h"
#include "src/host/programs.h" // generated
#include "src/host/syscalls.h"
#include "src/host/tree.h"

enum { TAG_BYTES = 4 };

bool
host_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-'))
            return false;
    }
    return name.len > 0 && name.len <= HOST_NAME_BYTES_MAX;
}

static int
say(char *problem, size_t problem_size, const char *what, int code)
{
    snprintf(problem, problem_size, "%s: %s", what, strerror(errno));
    return code;
}

// Systems that restrict user namespaces, and how each is told to allow them.
static const struct {
    struct host_restriction it;
    char refuses;
} restrictions[] = {
    {{"/proc/sys/user/max_user_namespaces", "sysctl -w user.max_user_namespaces=65536"}, '0'},
    {{"/proc/sys/kernel/unprivileged_userns_clone", "sysctl -w kernel.unprivileged_userns_clone=1"},
     '0'},
    {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
      "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
     '1'},
};

static char
first_byte(const char *path)
{
    char byte = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, &byte, 1) != 1)
        byte = '\0';
    if (fd >= 0)
        close(fd);
    return byte;
}

const struct host_restriction *
host_restriction_find(bool is_root)
{
    for (size_t i = 0; i < COUNT_OF(restrictions); i++) {
        bool is_limit_for_all = i == 0;
        if ((is_limit_for_all || !is_root) &&
            first_byte(restrictions[i].it.path) == restrictions[i].refuses)
            return &restrictions[i].it;
    }
    return NULL;
}

static int
check_namespaces(const struct host *h, char *problem, size_t problem_size)
{
    const struct host_restriction *r = host_restriction_find(h->is_root);
    if (access("/proc/self/ns/user", F_OK) != 0)
        return say(problem, problem_size, "this kernel has no user namespaces", E_INVALID);
    if (r == NULL)
        return OK;
    snprintf(problem, problem_size, "this system restricts user namespaces; as root: %s",
             r->remedy);
    return E_INVALID;
}

static int
make_folders(const struct host *h, char *problem, size_t problem_size)
{
    static const char *const folders[] = {"sandboxes", "images", "networks", "disks"};
    char path[4096];
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        snprintf(path, sizeof(path), "%s/%s", h->dir, folders[i]);
        // Guests' roots pass through it to what is theirs.
        if (tree_make(path, 0711) != OK)
            return say(problem, problem_size, path, E_IO);
    }
    return OK;
}

static int
host_open(struct host *h, char *problem, size_t problem_size)
{
    struct str shim = {host_shim_begin, (size_t)(host_shim_end - host_shim_begin)};
    struct str holder = {host_holder_begin, (size_t)(host_holder_end - host_holder_begin)};
    TRY(check_namespaces(h, problem, problem_size));
    TRY(make_folders(h, problem, problem_size));
    if (spawn_program_new(shim, &h->shim_fd) != OK ||
        spawn_program_new(holder, &h->holder_fd) != OK)
        return say(problem, problem_size, "the programs that stand beside us", E_IO);
    if (seccomp_filter_new(&h->seccomp_fd) != OK)
        return say(problem, problem_size, "the filter of system calls", E_IO);
    cgroups_find(&h->cgroups, h->tag);
    h->can_limit_disks = disk_can_limit(h);
    return OK;
}

struct str
host_limits_unenforced(const struct host *h, struct arena *arena)
{
    static const struct limits all = {
        .memory_bytes = 1, .cpu_millis = 1, .pids = 1, .io_bytes_per_second = 1};
    struct str missing = cgroups_unenforced(&h->cgroups, &all, arena);
    if (h->can_limit_disks)
        return missing;
    return arena_print(arena, STR_FMT "%sdisk", STR_ARG(missing), missing.len > 0 ? ", " : "");
}

static void
say_what_is_missing(const struct host *h)
{
    struct arena arena;
    arena_init(&arena);
    struct str missing = host_limits_unenforced(h, &arena);
    if (missing.len > 0)
        log_event(h->log, LOG_WARN, "host_limits_unenforced",
                  "limits=\"" STR_FMT "\" remedy=\"run as root, or delegate a control group\"",
                  STR_ARG(missing));
    arena_fini(&arena);
}

int
host_new(const struct host_options *options, struct host **out, char *problem, size_t problem_size)
{
    struct host *h = calloc(1, sizeof(*h));
    CHECK(h != NULL);
    *h = (struct host){.runtime = options->runtime,
                       .log = options->log,
                       .door = options->door,
                       .shim_fd = -1,
                       .holder_fd = -1,
                       .seccomp_fd = -1};
    ids_init(&h->ids);
    h->is_root = geteuid() == 0;
    h->dir = options->dir[0] == '/' ? strdup(options->dir) : NULL;
    char *cwd = h->dir == NULL ? get_current_dir_name() : NULL;
    if (h->dir == NULL && asprintf(&h->dir, "%s/%s", cwd, options->dir) < 0)
        h->dir = NULL;
    free(cwd);
    CHECK(h->dir != NULL);
    struct sha256 digest = sha256_of(str_of(h->dir));
    hex_encode(digest.bytes, TAG_BYTES, h->tag);
    h->tag[2 * TAG_BYTES] = '\0';
    int code = host_open(h, problem, problem_size);
    if (code != OK) {
        host_free(h);
        return code;
    }
    say_what_is_missing(h);
    *out = h;
    return OK;
}

void
host_free(struct host *h)
{
    if (h == NULL)
        return;
    if (h->shim_fd >= 0)
        close(h->shim_fd);
    if (h->holder_fd >= 0)
        close(h->holder_fd);
    if (h->seccomp_fd >= 0)
        close(h->seccomp_fd);
    cgroups_fini(&h->cgroups);
    ids_fini(&h->ids);
    free(h->dir);
    free(h);
}

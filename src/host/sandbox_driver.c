// Units of the kind sandbox.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <sys/stat.h>

#include "src/host/driver.h"
#include "src/host/host_records.h"
#include "src/host/network.h"
#include "src/host/sandbox_disk.h"

enum { PATH_BYTES = 4096, GRACE_MS_DEFAULT = 10 * 1000, GRACE_MS_MAX = UNIT_CALL_MS_MAX / 2 };

struct starting {
    struct host *host;
    const struct unit *unit;
    struct arena *arena;
    char *problem;
    struct host_sandbox_record record;
    struct network_fds fds;
};

static int
record_read(const struct unit *u, struct arena *arena, struct host_sandbox_record *out,
            char *problem)
{
    *out = (struct host_sandbox_record){0};
    snprintf(problem, UNIT_PROBLEM_BYTES, "the sandbox's record cannot be read");
    return record_decode(&host_sandbox_record_type, u->spec, arena, out);
}

static int
probe(void *arg, const struct unit *u, enum unit_seen *out, char *problem)
{
    static const enum unit_seen seen[] = {
        [SANDBOX_ABSENT] = UNIT_SEEN_NOTHING,
        [SANDBOX_RUNNING] = UNIT_SEEN_UP,
        [SANDBOX_EXITED] = UNIT_SEEN_ENDED,
        [SANDBOX_LOST] = UNIT_SEEN_LOST,
    };
    struct sandbox_status status;
    int code = sandbox_status_get(arg, u->name, &status);
    if (code != OK) {
        snprintf(problem, UNIT_PROBLEM_BYTES, "the sandbox's shim does not answer (%s)",
                 code_name(code));
        return code;
    }
    *out = seen[status.state];
    if (status.state == SANDBOX_EXITED)
        snprintf(problem, UNIT_PROBLEM_BYTES,
                 status.signal != 0 ? "it was killed by signal %d" : "it exited with status %d",
                 status.signal != 0 ? status.signal : status.code);
    return OK;
}

// Its end of the network.
static int
enter_network(struct starting *s)
{
    const struct host_sandbox_record *r = &s->record;
    if (!str_is_present(r->network))
        return OK;
    snprintf(s->problem, UNIT_PROBLEM_BYTES, "the name of the sandbox's network is not valid");
    if (!host_name_is_valid(r->network) || !host_name_is_valid(r->port))
        return E_INVALID;
    int code = network_port_open(s->host, r->network, r->port, &s->fds, s->problem);
    return code == E_NOT_FOUND ? E_AGAIN : code;
}

static int
mounts_make(struct starting *s, struct sandbox_mount *out, size_t *count, struct str *disk)
{
    const struct host_mount_list_record *more = &s->record.mounts;
    const struct sandbox_disk d = {s->host, s->unit, &s->record, s->arena, s->problem};
    TRY(sandbox_disk_make(&d, out, count, disk));
    snprintf(s->problem, UNIT_PROBLEM_BYTES, "there are too many mounts");
    if (more->count > SANDBOX_MOUNTS_MAX - SANDBOX_DISK_MOUNTS)
        return E_INVALID;
    for (size_t i = 0; i < more->count; i++) {
        const struct host_mount_record *m = &more->items[i];
        out[(*count)++] = (struct sandbox_mount){
            .kind = m->tmpfs_bytes.is_present ? SANDBOX_TMPFS
                    : m->is_writable.value    ? SANDBOX_WRITABLE
                                              : SANDBOX_READ_ONLY,
            .at = m->at,
            .outside = m->outside,
            .bytes_max = (uint64_t)m->tmpfs_bytes.value,
        };
    }
    return OK;
}

static struct limits
limits_of(const struct starting *s)
{
    const struct host_sandbox_record *r = &s->record;
    struct stat status;
    return (struct limits){
        .memory_bytes = (uint64_t)r->memory_bytes.value,
        .cpu_millis = (uint64_t)r->cpu_millis.value,
        .pids = (uint64_t)r->pids.value,
        .io_bytes_per_second = (uint64_t)r->io_bytes_per_second.value,
        .io_device = stat(s->host->dir, &status) == 0 ? status.st_dev : 0,
        .files_open = (uint64_t)r->files_open.value,
    };
}

static int
start_sandbox(struct starting *s)
{
    struct sandbox_mount mounts[SANDBOX_MOUNTS_MAX];
    const struct host_sandbox_record *r = &s->record;
    size_t mount_count;
    struct str disk;
    TRY(record_read(s->unit, s->arena, &s->record, s->problem));
    TRY(enter_network(s));
    TRY(mounts_make(s, mounts, &mount_count, &disk));
    const struct sandbox_spec spec = {
        .name = s->unit->name,
        .hostname = str_is_present(r->hostname) ? r->hostname : s->unit->name,
        .mounts = mounts,
        .mount_count = mount_count,
        .disk = disk,
        .args = r->args.items,
        .arg_count = r->args.count,
        .env = r->env.items,
        .env_count = r->env.count,
        .cwd = r->cwd,
        .uid = (uint32_t)r->uid.value,
        .gid = (uint32_t)r->gid.value,
        .ids_row = (uint32_t)s->unit->ids_row,
        .rights = r->is_function.value ? SANDBOX_FUNCTION : SANDBOX_GUEST,
        .is_init_given = r->is_init_given.value,
        .limits = limits_of(s),
        .console_bytes = (size_t)r->console_bytes.value,
        .user_fd = s->fds.user_fd,
        .net_fd = s->fds.net_fd,
    };
    return sandbox_start(s->host, &spec, s->problem, UNIT_PROBLEM_BYTES);
}

static int
start(void *arg, const struct unit *u, char *problem)
{
    struct arena arena;
    arena_init(&arena);
    struct starting s = {.host = arg, .unit = u, .arena = &arena, .problem = problem};
    int code = start_sandbox(&s);
    network_fds_close(&s.fds);
    arena_fini(&arena);
    // Its shim is there, and says only later how it is.
    return code == E_EXISTS ? E_AGAIN : code;
}

static int
stop(void *arg, const struct unit *u, char *problem)
{
    struct arena arena;
    struct host_sandbox_record r;
    arena_init(&arena);
    int code = record_read(u, &arena, &r, problem);
    int64_t grace_ms =
        code == OK && r.stop_grace_ms.is_present ? r.stop_grace_ms.value : GRACE_MS_DEFAULT;
    arena_fini(&arena);
    if (u->is_zone_dead)
        grace_ms = 0;
    snprintf(problem, UNIT_PROBLEM_BYTES, "the sandbox does not end");
    return sandbox_stop(arg, u->name, grace_ms < GRACE_MS_MAX ? grace_ms : GRACE_MS_MAX);
}

static int
remove_all(void *arg, const struct unit *u, char *problem)
{
    struct host *h = arg;
    snprintf(problem, UNIT_PROBLEM_BYTES, "the sandbox cannot be removed");
    TRY(sandbox_remove(h, u->name));
    return sandbox_disk_remove(h, u->name);
}

void
sandbox_driver_new(struct host *h, struct unit_driver *out)
{
    *out = (struct unit_driver){
        .takes_ids = true,
        .probe = probe,
        .start = start,
        .stop = stop,
        .remove = remove_all,
        .arg = h,
    };
}

// The drivers of engines: what all kinds do alike.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/host/engine/folder.h"
#include "src/host/engine/log.h"
#include "src/host/file.h"
#include "src/host/tree.h"

enum { READY_MS_MAX = 60 * 1000, READY_LOOK_MS = 3, BOOT_BYTES_MAX = 64 };

struct driver {
    const struct engine_kind *kind;
    struct host *host;
};

static char *
dir_of(const struct host *h, struct str name, struct arena *arena)
{
    return arena_copy_z(arena, arena_print(arena, "%s/engines/" STR_FMT, h->dir, STR_ARG(name)));
}

struct str
engine_run_dir(struct host *h, struct str name, struct arena *arena)
{
    return arena_print(arena, "%s/files/run", dir_of(h, name, arena));
}

struct str
engine_setting_find(const struct engine_run *r, struct str name)
{
    for (size_t i = 0; i < r->spec.setting_count; i++)
        if (str_eq(r->spec.settings[i].name, name))
            return r->spec.settings[i].value;
    return (struct str){0};
}

bool
engine_is_replica(const struct engine_run *r)
{
    return str_is_present(r->spec.primary_host);
}

bool
engine_text_is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    return true;
}

bool
engine_name_is_plain(struct str name, char also)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == also))
            return false;
    }
    return name.len > 0;
}

// A driver's call: its folder, its spec, and memory for as long as it lasts.
static int
run_begin(struct engine_run *r, const struct driver *d, const struct unit *u, struct arena *arena,
          char *problem)
{
    *r = (struct engine_run){.host = d->host, .name = u->name, .arena = arena, .problem = problem};
    r->ids_row = u->ids_row < 0 ? 0 : (uint32_t)u->ids_row;
    if (!host_name_is_valid(u->name) || u->name.len > ENGINE_NAME_BYTES_MAX)
        return engine_fail(r, E_INVALID, "an engine's name has at most %d characters",
                           ENGINE_NAME_BYTES_MAX);
    r->dir = dir_of(d->host, u->name, arena);
    r->files = engine_path(r, "files");
    int code = engine_spec_read(arena, u->spec, &r->spec);
    if (code != OK)
        return engine_fail(r, code, "the engine's specification cannot be read: %s",
                           code_name(code));
    return OK;
}

static int
program_check(struct engine_run *r, const struct engine_kind *k)
{
    if (access(k->program, X_OK) == 0)
        return OK;
    return engine_fail(r, E_NOT_FOUND, "%s is not there: install the Debian package %s", k->program,
                       k->package);
}

static int
note(struct engine_run *r, const char *name, struct str bytes)
{
    int code = file_replace(engine_path(r, name), bytes, 0600);
    return code == OK ? OK : engine_fail(r, code, "%s: %s", name, strerror(errno));
}

static int
note_made(struct engine_run *r, struct str boot)
{
    TRY(note(r, "made", boot));
    int dir = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = dir >= 0 && fsync(dir) == 0;
    if (dir >= 0)
        close(dir);
    return is_synced ? OK : engine_fail(r, E_IO, "%s: %s", r->dir, strerror(errno));
}

// From nothing, or from what a crash left unfinished. What was copied is on disk by then, but not
// who owns it: that is set again when the machine has started anew.
static int
create(struct engine_run *r, const struct engine_kind *k)
{
    struct str made, boot;
    int code = file_stream("/proc/sys/kernel/random/boot_id", BOOT_BYTES_MAX, r->arena, &boot);
    if (code != OK)
        return engine_fail(r, code, "the system's boot_id cannot be read");
    code = file_read(engine_path(r, "made"), BOOT_BYTES_MAX, r->arena, &made);
    if (code == OK && str_eq(made, boot))
        return OK;
    if (code == OK) {
        int64_t owner = engine_owner(r);
        if (owner >= 0 && tree_own(r->host->runtime, r->files, owner) != OK)
            return engine_fail(r, E_IO, "the owner of %s cannot be set", r->files);
        return note_made(r, boot);
    }
    if (!engine_has_work(r))
        TRY(engine_data_clear(r));
    if (k->create != NULL)
        TRY(k->create(r));
    return note_made(r, boot);
}

static int
configure(struct engine_run *r, const struct engine_kind *k)
{
    if (tree_make(r->dir, 0700) != OK || tree_make(engine_path(r, "etc"), 0755) != OK)
        return engine_fail(r, E_IO, "the folder %s cannot be made: %s", r->dir, strerror(errno));
    return k->configure(r);
}

static int
ready_wait(struct engine_run *r, const struct engine_kind *k)
{
    struct runtime *rt = r->host->runtime;
    struct sandbox_status status;
    int64_t deadline_ns = deadline_in_ms(rt, READY_MS_MAX);
    int code;
    while ((code = k->ready(r)) == E_AGAIN && clock_mono_ns(rt) < deadline_ns) {
        TRY(sandbox_status_get(r->host, engine_sandbox_name(r, false), &status));
        if (status.state != SANDBOX_RUNNING) {
            struct str words = engine_last_words(r, false);
            return engine_fail(r, E_IO, "it ended with %d: " STR_FMT, status.code, STR_ARG(words));
        }
        TRY(fiber_sleep_until(deadline_in_ms(rt, READY_LOOK_MS)));
    }
    return code == E_AGAIN ? engine_fail(r, E_TIMEOUT, "it runs, but does not get ready") : code;
}

static bool
is_same(const struct engine_setting *a, size_t a_count, const struct engine_setting *b,
        size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!str_eq(a[i].name, b[i].name) || !str_eq(a[i].value, b[i].value))
            return false;
    return true;
}

static bool
is_reconfigured(const struct engine_spec *a, const struct engine_spec *b)
{
    return !is_same(a->settings, a->setting_count, b->settings, b->setting_count) ||
           !str_eq(a->admin, b->admin) || !str_eq(a->admin_password, b->admin_password) ||
           !str_eq(a->replication_password, b->replication_password);
}

// From what a running engine is to what it should be, both with digests of their passwords.
static int
change(struct engine_run *r, const struct engine_kind *k, const struct engine_spec *old,
       const struct engine_spec *new)
{
    // First, since somebody waits to write. Its files still say otherwise: after a crash here this
    // is done again, and a start writes them before.
    if (str_is_present(old->primary_host) && !engine_is_replica(r) && k->promote != NULL)
        TRY(k->promote(r));
    TRY(configure(r, k));
    if (engine_is_replica(r) && k->replicate != NULL &&
        (!str_eq(old->primary_host, new->primary_host) || old->primary_port != new->primary_port))
        TRY(k->replicate(r));
    if (k->reconfigure != NULL && is_reconfigured(old, new))
        TRY(k->reconfigure(r));
    return OK;
}

// Of one that runs: brings it to its record, and passes its output on.
static int
apply(struct engine_run *r, const struct engine_kind *k, const struct unit *u)
{
    struct str applied, secret, wanted;
    struct engine_spec old, new;
    TRY(engine_secret(r, &secret));
    TRY(engine_spec_digest(r->arena, u->spec, secret, &wanted));
    TRY(engine_spec_read(r->arena, wanted, &new));
    int code = file_read(engine_path(r, "applied"), UNIT_SPEC_BYTES_MAX, r->arena, &applied);
    if (code == OK && str_eq(applied, wanted))
        return OK;
    // A c10m that was killed has started it, and had not seen it ready.
    TRY(ready_wait(r, k));
    // After a start all is told again: its record may have changed while it was down.
    if (code != OK || engine_spec_read(r->arena, applied, &old) != OK)
        old = (struct engine_spec){.primary_host = STR("?"), .admin = STR("?")};
    TRY(change(r, k, &old, &new));
    return note(r, "applied", wanted);
}

static int
start(struct engine_run *r, const struct engine_kind *k, const struct unit *u)
{
    struct engine_command command = {0};
    struct str name = engine_sandbox_name(r, false);
    TRY(program_check(r, k));
    TRY(configure(r, k));
    TRY(create(r, k));
    TRY(k->command(r, &command));
    (void)unlink(engine_path(r, "applied"));
    // What is left of the last one, as its control groups, would be in the way.
    if (sandbox_stop(r->host, name, 0) != OK)
        return engine_fail(r, E_IO, "what was left of it cannot be ended");
    TRY(engine_sandbox_start(r, &command, false));
    return apply(r, k, u);
}

static int
stop(struct engine_run *r, const struct engine_kind *k, const struct unit *u)
{
    struct sandbox_status status;
    struct str name = engine_sandbox_name(r, false);
    int code = u->is_zone_dead ? OK : sandbox_signal(r->host, name, k->stop_signal);
    if (code == OK && !u->is_zone_dead)
        code = sandbox_wait(r->host, name, deadline_in_ms(r->host->runtime, k->stop_ms), &status);
    // Killed when it has not ended by itself.
    if (code == OK || code == E_TIMEOUT || code == E_NOT_FOUND)
        code = sandbox_stop(r->host, name, 0);
    if (code != OK)
        return engine_fail(r, code, "it cannot be stopped: %s", code_name(code));
    return engine_work_drop(r);
}

static int
removal(struct engine_run *r)
{
    static const bool both[] = {false, true};
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        struct str name = engine_sandbox_name(r, both[i]);
        int code = sandbox_stop(r->host, name, 0);
        if (code == OK)
            code = sandbox_remove(r->host, name);
        if (code != OK)
            return engine_fail(r, code, "its sandbox cannot be removed: %s", code_name(code));
    }
    int code = tree_remove(r->host->runtime, r->dir);
    return code == OK ? OK : engine_fail(r, code, "%s cannot be removed", r->dir);
}

// Unit drivers ---------------------------------------------------------------------------------

static int
probe(struct engine_run *r, enum unit_seen *out)
{
    static const enum unit_seen seen[] = {
        [SANDBOX_ABSENT] = UNIT_SEEN_NOTHING,
        [SANDBOX_RUNNING] = UNIT_SEEN_UP,
        [SANDBOX_EXITED] = UNIT_SEEN_ENDED,
        [SANDBOX_LOST] = UNIT_SEEN_LOST,
    };
    struct sandbox_status status;
    int code = sandbox_status_get(r->host, engine_sandbox_name(r, false), &status);
    if (code != OK)
        return engine_fail(r, code, "its sandbox does not say how it is: %s", code_name(code));
    *out = seen[status.state];
    // What still makes its copy is to be stopped too.
    if (status.state == SANDBOX_ABSENT && engine_has_work(r))
        *out = UNIT_SEEN_LOST;
    if (status.state == SANDBOX_EXITED)
        (void)engine_fail(r, OK, "it ended with %d, signal %d", status.code, status.signal);
    return OK;
}

// What runs well, and is not about to be promoted, has time for the next one's copy.
static void
look_ahead(struct engine_run *r, const struct engine_kind *k, const struct unit *u)
{
    bool is_idle = u->state == UNIT_UP && u->applied_version == u->want_version;
    if (k->template != NULL && is_idle && !engine_is_replica(r))
        engine_spare_make(r, k->template);
}

enum step { PROBE, START, CHANGE, STOP, REMOVE };

static int
step(const struct driver *d, enum step step, const struct unit *u, enum unit_seen *seen,
     char *problem)
{
    struct arena arena;
    struct engine_run r;
    arena_init(&arena);
    int code = run_begin(&r, d, u, &arena, problem);
    if (code == OK)
        code = step == PROBE    ? probe(&r, seen)
               : step == START  ? start(&r, d->kind, u)
               : step == CHANGE ? apply(&r, d->kind, u)
               : step == STOP   ? stop(&r, d->kind, u)
                                : removal(&r);
    if (code == OK && step != REMOVE)
        engine_log_pass(&r, d->kind->kind);
    if (code == OK && step == PROBE && *seen == UNIT_SEEN_UP)
        look_ahead(&r, d->kind, u);
    arena_fini(&arena);
    return code;
}

static int
driver_probe(void *arg, const struct unit *u, enum unit_seen *out, char *problem)
{
    return step(arg, PROBE, u, out, problem);
}

static int
driver_start(void *arg, const struct unit *u, char *problem)
{
    return step(arg, START, u, NULL, problem);
}

static int
driver_change(void *arg, const struct unit *u, char *problem)
{
    return step(arg, CHANGE, u, NULL, problem);
}

static int
driver_stop(void *arg, const struct unit *u, char *problem)
{
    return step(arg, STOP, u, NULL, problem);
}

static int
driver_remove(void *arg, const struct unit *u, char *problem)
{
    return step(arg, REMOVE, u, NULL, problem);
}

static void
driver_new(struct host *h, const struct engine_kind *kind, struct unit_driver *out)
{
    struct driver *d = calloc(1, sizeof(*d));
    CHECK(d != NULL);
    *d = (struct driver){kind, h};
    *out = (struct unit_driver){
        .takes_ids = true,
        .probe = driver_probe,
        .start = driver_start,
        .adopt = driver_change,
        .change = driver_change,
        .stop = driver_stop,
        .remove = driver_remove,
        .close = free,
        .arg = d,
    };
}

void
haproxy_driver_new(struct host *h, struct unit_driver *out)
{
    driver_new(h, &engine_haproxy, out);
}

void
mariadb_driver_new(struct host *h, struct unit_driver *out)
{
    driver_new(h, &engine_mariadb, out);
}

void
memcached_driver_new(struct host *h, struct unit_driver *out)
{
    driver_new(h, &engine_memcached, out);
}

void
postgres_driver_new(struct host *h, struct unit_driver *out)
{
    driver_new(h, &engine_postgres, out);
}

void
redis_driver_new(struct host *h, struct unit_driver *out)
{
    driver_new(h, &engine_redis, out);
}

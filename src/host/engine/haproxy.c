// HAProxy 2.6 as an engine.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>

#include "src/host/engine/kind.h"

#define PROGRAM "/usr/sbin/haproxy"
enum {
    STOP_MS = 5 * 1000,
    CHECK_MS = 20 * 1000,
    ASK_MS = 10 * 1000,
    RELOAD_MS = 30 * 1000,
    RELOAD_LOOK_MS = 5,
    ANSWER_BYTES_MAX = 64 * 1024,
};

// Ours comes first. The sockets that listen are handed from the old worker to the new one, so that
// no connection is refused while it is reloaded.
static int
configure(struct engine_run *r)
{
    struct str config = engine_setting_find(r, STR("config"));
    if (!str_is_present(config))
        return engine_fail(r, E_INVALID, "an HAProxy needs the setting config");
    TRY(engine_file(r, "c10m.cfg",
                    STR("global\n"
                        "    stats socket /engine/run/admin.sock mode 600 level admin expose-fd "
                        "listeners\n"
                        "    log stdout format raw daemon\n")));
    return engine_file(r, "haproxy.cfg", config);
}

static void
files(struct engine_run *r, struct engine_command *out)
{
    engine_arg(r, out, "-f");
    engine_arg(r, out, "/engine/etc/c10m.cfg");
    engine_arg(r, out, "-f");
    engine_arg(r, out, "/engine/etc/haproxy.cfg");
}

static int
command(struct engine_run *r, struct engine_command *out)
{
    engine_arg(r, out, PROGRAM);
    engine_arg(r, out, "-W"); // a master that stays, and workers that are replaced
    engine_arg(r, out, "-S");
    engine_arg(r, out, "/engine/run/master.sock,mode,600");
    files(r, out);
    return OK;
}

static int
ask(struct engine_run *r, const char *socket, struct str request, struct str *out)
{
    const struct engine_talk talk = {
        .socket = socket,
        .request = request,
        .ends = true,
        .limit = ANSWER_BYTES_MAX,
        .limit_ms = ASK_MS,
    };
    return engine_ask(r, &talk, out);
}

// How often the master was reloaded, and whether the new worker is there: "#<PID> worker 0 ...".
static int
reloads(struct engine_run *r, int64_t *count, bool *has_worker)
{
    struct str answer, line;
    TRY(ask(r, "run/master.sock", STR("show proc\n"), &answer));
    *count = 0;
    *has_worker = false;
    while (str_is_present(answer) && !str_starts(answer, STR("# old"))) {
        if (!str_cut(answer, '\n', &line, &answer))
            answer = (struct str){0};
        char *text = arena_copy_z(r->arena, line), kind[16];
        long pid, n;
        if (sscanf(text, "%ld %15s %ld", &pid, kind, &n) != 3)
            continue;
        if (strcmp(kind, "master") == 0)
            *count = n;
        *has_worker = *has_worker || strcmp(kind, "worker") == 0;
    }
    return OK;
}

// The master's socket comes and goes while it starts itself anew.
static int
ready(struct engine_run *r)
{
    struct str answer = {0};
    int64_t count;
    bool has_worker;
    TRY(ask(r, "run/admin.sock", STR("show info\n"), &answer));
    TRY(reloads(r, &count, &has_worker));
    if (has_worker && str_find(answer, STR("Uptime_sec:")) >= 0)
        return OK;
    return engine_fail(r, E_AGAIN, "HAProxy does not answer yet");
}

// Until it was reloaded more than `before` times, and has a worker.
static int
settled_wait(struct engine_run *r, int64_t before, int64_t deadline_ns, int64_t *count)
{
    bool has_worker;
    while (clock_mono_ns(r->host->runtime) < deadline_ns) {
        if (reloads(r, count, &has_worker) == OK && *count > before && has_worker)
            return OK;
        TRY(fiber_sleep_until(deadline_in_ms(r->host->runtime, RELOAD_LOOK_MS)));
    }
    return engine_fail(r, E_TIMEOUT, "HAProxy was told to reload and did not");
}

// A configuration that HAProxy would not run with is refused before it touches the running one.
static int
check(struct engine_run *r)
{
    struct engine_command c = {0};
    engine_arg(r, &c, PROGRAM);
    engine_arg(r, &c, "-c");
    files(r, &c);
    return engine_tool(r, &c, CHECK_MS);
}

static int
reconfigure(struct engine_run *r)
{
    int64_t before = 0, now, deadline_ns = deadline_in_ms(r->host->runtime, RELOAD_MS);
    struct str answer = {0};
    TRY(check(r));
    TRY(settled_wait(r, -1, deadline_ns, &before));
    TRY(ask(r, "run/master.sock", STR("reload\n"), &answer));
    return settled_wait(r, before, deadline_ns, &now);
}

const struct engine_kind engine_haproxy = {
    .kind = "haproxy",
    .program = PROGRAM,
    .package = "haproxy",
    .configure = configure,
    .command = command,
    .ready = ready,
    .reconfigure = reconfigure,
    .stop_signal = SIGTERM,
    .stop_ms = STOP_MS,
};

// memcached 1.6 as an engine.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>

#include "src/host/engine/kind.h"
#include "src/host/file.h"

enum { PORT = 11211, STOP_MS = 5 * 1000, ARG_BYTES_MAX = 256, SOCKETS_BYTES_MAX = 1 << 20 };

static unsigned
port_of(const struct engine_run *r)
{
    return r->spec.tcp_port != 0 ? r->spec.tcp_port : PORT;
}

static bool
is_option(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!((name.ptr[i] >= 'a' && name.ptr[i] <= 'z') || name.ptr[i] == '-'))
            return false;
    return name.len > 0 && name.ptr[0] != '-';
}

// Its settings are its arguments, so they are only checked here.
static int
configure(struct engine_run *r)
{
    static const char *const ours[] = {"listen", "port", "udp-port", "unix-socket",
                                       "daemon", "user", "pidfile"};
    if (r->spec.setting_count > ENGINE_ARGS_MAX / 2)
        return engine_fail(r, E_LIMIT, "memcached has not so many settings");
    for (size_t i = 0; i < r->spec.setting_count; i++) {
        const struct engine_setting *s = &r->spec.settings[i];
        bool is_good = is_option(s->name) && s->value.len < ARG_BYTES_MAX;
        for (size_t n = 0; n < COUNT_OF(ours); n++)
            is_good = is_good && !str_eq(s->name, str_of(ours[n]));
        if (!is_good)
            return engine_fail(r, E_INVALID, "the setting " STR_FMT " is none of memcached's",
                               STR_ARG(s->name));
    }
    return OK;
}

static int
command(struct engine_run *r, struct engine_command *out)
{
    engine_arg(r, out, "/usr/bin/memcached");
    engine_arg(r, out, "--listen=0.0.0.0");
    engine_arg(r, out, "--port=%u", port_of(r));
    engine_arg(r, out, "--udp-port=0");
    for (size_t i = 0; i < r->spec.setting_count; i++) {
        const struct engine_setting *s = &r->spec.settings[i];
        if (s->value.len > 0)
            engine_arg(r, out, "--" STR_FMT "=" STR_FMT, STR_ARG(s->name), STR_ARG(s->value));
        else
            engine_arg(r, out, "--" STR_FMT, STR_ARG(s->name));
    }
    return OK;
}

// It listens on TCP or on a unix socket, never on both, and TCP is in its own network: so we do not
// ask it, but look whether it listens there. "sl local_address rem_address st": 0A is LISTEN.
static int
ready(struct engine_run *r)
{
    char path[64], wanted[40];
    struct sandbox_status status;
    struct str sockets;
    TRY(sandbox_status_get(r->host, arena_print(r->arena, "engine-" STR_FMT, STR_ARG(r->name)),
                           &status));
    snprintf(path, sizeof(path), "/proc/%d/net/tcp", status.pid);
    snprintf(wanted, sizeof(wanted), " 00000000:%04X 00000000:0000 0A ", port_of(r));
    if (status.state != SANDBOX_RUNNING ||
        file_stream(path, SOCKETS_BYTES_MAX, r->arena, &sockets) != OK ||
        str_find(sockets, str_of(wanted)) < 0)
        return engine_fail(r, E_AGAIN, "memcached does not listen yet");
    return OK;
}

const struct engine_kind engine_memcached = {
    .kind = "memcached",
    .program = "/usr/bin/memcached",
    .package = "memcached",
    .configure = configure,
    .command = command,
    .ready = ready,
    .stop_signal = SIGTERM,
    .stop_ms = STOP_MS,
};

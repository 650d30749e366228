// Redis 7 as an engine.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>

#include "src/host/engine/kind.h"

#define USER "c10m"
enum { PORT = 6379, STOP_MS = 20 * 1000, ASK_MS = 10 * 1000, ANSWER_BYTES_MAX = 16 * 1024 };

static unsigned
port_of(uint16_t port)
{
    return port != 0 ? port : PORT;
}

static bool
is_plain(struct str text)
{
    return engine_text_is_plain(text) && str_find_char(text, '"') < 0 &&
           str_find_char(text, '\\') < 0;
}

static int
check(struct engine_run *r)
{
    bool is_good = is_plain(r->spec.admin_password) && is_plain(r->spec.replication_password) &&
                   is_plain(r->spec.primary_host) && str_find_char(r->spec.primary_host, ' ') < 0;
    for (size_t i = 0; is_good && i < r->spec.setting_count; i++)
        is_good = is_plain(r->spec.settings[i].name) && is_plain(r->spec.settings[i].value) &&
                  str_find_char(r->spec.settings[i].name, ' ') < 0;
    return is_good
               ? OK
               : engine_fail(r, E_INVALID, "a setting or password holds what Redis cannot read");
}

// One password is for clients and replicas: Redis asks its primary as any client does.
static struct str
password_of(const struct engine_run *r)
{
    struct str first = r->spec.admin_password, second = r->spec.replication_password;
    return str_is_present(first) ? first : str_is_present(second) ? second : STR("");
}

// c10m is a user of its own, whom no change of the clients' password locks out.
static int
configure(struct engine_run *r)
{
    struct buf out;
    struct str password = password_of(r), secret;
    TRY(check(r));
    TRY(engine_secret(r, &secret));
    buf_init(&out, r->arena, 4096);
    // A replica is in step at once, and not after the 5 s that Redis waits for others to come.
    buf_put(&out, STR("repl-diskless-sync-delay 0\n"));
    for (size_t i = 0; i < r->spec.setting_count; i++)
        buf_print(&out, STR_FMT " \"" STR_FMT "\"\n", STR_ARG(r->spec.settings[i].name),
                  STR_ARG(r->spec.settings[i].value));
    buf_print(&out,
              "daemonize no\nlogfile \"\"\ndir /engine/data\nbind * -::*\nport %u\n"
              "unixsocket /engine/run/redis.sock\nunixsocketperm 700\nprotected-mode no\n"
              "user " USER " on >" STR_FMT " ~* &* +@all\n",
              port_of(r->spec.tcp_port), STR_ARG(secret));
    if (password.len > 0)
        buf_print(&out, "requirepass \"" STR_FMT "\"\nmasterauth \"" STR_FMT "\"\n",
                  STR_ARG(password), STR_ARG(password));
    if (engine_is_replica(r))
        buf_print(&out, "replicaof " STR_FMT " %u\n", STR_ARG(r->spec.primary_host),
                  port_of(r->spec.primary_port));
    return engine_file(r, "redis.conf", buf_str(&out));
}

static int
command(struct engine_run *r, struct engine_command *out)
{
    engine_arg(r, out, "/usr/bin/redis-server");
    engine_arg(r, out, "/engine/etc/redis.conf");
    return OK;
}

static void
put_command(struct buf *out, const struct str *words, size_t count)
{
    buf_print(out, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        buf_print(out, "$%zu\r\n", words[i].len);
        buf_put(out, words[i]);
        buf_put(out, STR("\r\n"));
    }
}

// Sends a command; the answer is its first line. QUIT comes last, so that the answers are whole
// when Redis closes: +OK of AUTH, this one, +OK of QUIT.
static int
ask(struct engine_run *r, const struct str *words, size_t count, struct str *out)
{
    struct buf request;
    struct str answer, auth[] = {STR("AUTH"), STR(USER), STR("")}, quit = STR("QUIT");
    TRY(engine_secret(r, &auth[2]));
    buf_init(&request, r->arena, 1024);
    put_command(&request, auth, COUNT_OF(auth));
    put_command(&request, words, count);
    put_command(&request, &quit, 1);
    const struct engine_talk talk = {
        .socket = "run/redis.sock",
        .request = buf_str(&request),
        .limit = ANSWER_BYTES_MAX,
        .limit_ms = ASK_MS,
    };
    TRY(engine_ask(r, &talk, &answer));
    if (!str_starts(answer, STR("+OK\r\n")))
        return engine_fail(r, E_AGAIN, "Redis does not let c10m in yet");
    if (!str_cut(str_slice(answer, 5, answer.len), '\r', out, &answer))
        return engine_fail(r, E_AGAIN, "Redis hangs up");
    return OK;
}

static int
order(struct engine_run *r, const struct str *words, size_t count)
{
    struct str answer = {0};
    TRY(ask(r, words, count, &answer));
    if (str_starts(answer, STR("+OK"))) // "+OK Already connected to specified master"
        return OK;
    return engine_fail(r, E_IO, "Redis: " STR_FMT, STR_ARG(answer));
}

static int
ready(struct engine_run *r)
{
    const struct str ping = STR("PING");
    struct str answer = {0};
    TRY(ask(r, &ping, 1, &answer));
    if (str_eq(answer, STR("+PONG")))
        return OK;
    return engine_fail(r, E_AGAIN, "Redis: " STR_FMT, STR_ARG(answer));
}

// Settings that only a start can change are refused by Redis and wait for one.
static int
set(struct engine_run *r, struct str name, struct str value)
{
    const struct str words[] = {STR("CONFIG"), STR("SET"), name, value};
    struct str answer = {0};
    TRY(ask(r, words, COUNT_OF(words), &answer));
    if (str_eq(answer, STR("+OK")) || str_find(answer, STR("immutable")) >= 0)
        return OK;
    return engine_fail(r, E_INVALID, "Redis: " STR_FMT, STR_ARG(answer));
}

static int
reconfigure(struct engine_run *r)
{
    for (size_t i = 0; i < r->spec.setting_count; i++)
        TRY(set(r, r->spec.settings[i].name, r->spec.settings[i].value));
    TRY(set(r, STR("requirepass"), password_of(r)));
    return set(r, STR("masterauth"), password_of(r));
}

static int
replicate(struct engine_run *r)
{
    char port[8];
    int len = snprintf(port, sizeof(port), "%u", port_of(r->spec.primary_port));
    const struct str words[] = {STR("REPLICAOF"), r->spec.primary_host, {port, (size_t)len}};
    return order(r, words, COUNT_OF(words));
}

static int
promote(struct engine_run *r)
{
    const struct str words[] = {STR("REPLICAOF"), STR("NO"), STR("ONE")};
    return order(r, words, COUNT_OF(words));
}

const struct engine_kind engine_redis = {
    .kind = "redis",
    .program = "/usr/bin/redis-server",
    .package = "redis-server",
    .configure = configure,
    .command = command,
    .ready = ready,
    .reconfigure = reconfigure,
    .replicate = replicate,
    .promote = promote,
    .stop_signal = SIGTERM,
    .stop_ms = STOP_MS,
};

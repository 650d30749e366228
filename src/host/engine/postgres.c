// PostgreSQL 15 as an engine.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "src/host/engine/folder.h"
#include "src/host/engine/postgres_sql.h"

#define BIN "/usr/lib/postgresql/15/bin/"
// Its number rises when what fill makes changes.
#define TEMPLATE "postgres-15-C.UTF-8-1"
enum { STOP_MS = 30 * 1000 };

static void
environment(struct engine_command *c)
{
    c->env[c->env_count++] = STR("PATH=" BIN ":/usr/bin");
    c->env[c->env_count++] = STR("LC_ALL=C.UTF-8");
    c->env[c->env_count++] = STR("HOME=/engine");
}

// Without waiting for the disk: what becomes of it is synced as a whole.
static int
fill(struct engine_run *r)
{
    struct engine_command c = {0};
    engine_arg(r, &c, BIN "initdb");
    engine_arg(r, &c, "--pgdata=/engine/data");
    engine_arg(r, &c, "--no-sync");
    engine_arg(r, &c, "--no-instructions");
    engine_arg(r, &c, "--username=postgres");
    engine_arg(r, &c, "--auth=trust");
    engine_arg(r, &c, "--encoding=UTF8");
    engine_arg(r, &c, "--locale=C.UTF-8");
    environment(&c);
    return engine_work(r, &c, "its database");
}

// A copy of the primary as it runs. The primary's own settings are not what a replica runs by.
static int
copy_primary(struct engine_run *r)
{
    struct engine_command c = {0};
    engine_arg(r, &c, BIN "pg_basebackup");
    engine_arg(r, &c, "--pgdata=/engine/data");
    engine_arg(r, &c, "--host=" STR_FMT, STR_ARG(r->spec.primary_host));
    engine_arg(r, &c, "--port=%u",
               r->spec.primary_port != 0 ? r->spec.primary_port : POSTGRES_PORT);
    engine_arg(r, &c, "--username=replicator");
    engine_arg(r, &c, "--no-password");
    engine_arg(r, &c, "--checkpoint=fast");
    engine_arg(r, &c, "--wal-method=stream");
    environment(&c);
    c.env[c.env_count++] =
        arena_print(r->arena, "PGPASSWORD=" STR_FMT, STR_ARG(r->spec.replication_password));
    TRY(engine_work(r, &c, "the copy of its primary"));
    return engine_touch(r, "data/standby.signal");
}

static int
create(struct engine_run *r)
{
    return engine_is_replica(r) ? copy_primary(r) : engine_template(r, TEMPLATE, fill);
}

// In a value of the configuration file backslashes are escapes.
static void
put_row(struct engine_run *r, struct buf *out, struct str name, struct str value)
{
    struct buf escaped;
    buf_init(&escaped, r->arena, value.len + 16);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\\')
            buf_put_char(&escaped, '\\');
        buf_put_char(&escaped, value.ptr[i]);
    }
    struct str quoted = postgres_quote(r, buf_str(&escaped), '\'');
    buf_print(out, STR_FMT " = " STR_FMT "\n", STR_ARG(name), STR_ARG(quoted));
}

// A value of a connection string within a value of the file.
static struct str
conninfo(struct engine_run *r)
{
    struct buf out;
    const struct str parts[][2] = {
        {STR("host"), r->spec.primary_host},
        {STR("user"), STR("replicator")},
        {STR("password"), r->spec.replication_password},
        {STR("application_name"), r->name},
    };
    buf_init(&out, r->arena, 256);
    buf_print(&out, "port=%u sslmode=disable",
              r->spec.primary_port != 0 ? r->spec.primary_port : POSTGRES_PORT);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        buf_print(&out, " " STR_FMT "='", STR_ARG(parts[i][0]));
        for (size_t n = 0; n < parts[i][1].len; n++) {
            if (parts[i][1].ptr[n] == '\'' || parts[i][1].ptr[n] == '\\')
                buf_put_char(&out, '\\');
            buf_put_char(&out, parts[i][1].ptr[n]);
        }
        buf_put_char(&out, '\'');
    }
    return buf_str(&out);
}

// Rows that come later win: what makes it an engine cannot be set otherwise.
static int
configure(struct engine_run *r)
{
    static const char fixed[] = "listen_addresses = '*'\n"
                                "unix_socket_directories = '/engine/run'\n"
                                "unix_socket_permissions = 0700\n"
                                "hba_file = '/engine/etc/pg_hba.conf'\n"
                                "log_destination = 'stderr'\n"
                                "logging_collector = off\n"
                                "log_line_prefix = '%q%u@%d '\n"
                                "ssl = off\n";
    struct buf out;
    buf_init(&out, r->arena, 4096);
    // One that lost its primary would else wait 5 s at times, also when it is promoted then.
    buf_put(&out, STR("wal_keep_size = '512MB'\nwal_retrieve_retry_interval = '100ms'\n"));
    for (size_t i = 0; i < r->spec.setting_count; i++) {
        const struct engine_setting *s = &r->spec.settings[i];
        if (!engine_name_is_plain(s->name, '.') || !engine_text_is_plain(s->value))
            return engine_fail(r, E_INVALID, "the setting " STR_FMT " is none of PostgreSQL's",
                               STR_ARG(s->name));
        put_row(r, &out, s->name, s->value);
    }
    if (!engine_text_is_plain(r->spec.primary_host) ||
        !engine_text_is_plain(r->spec.replication_password))
        return engine_fail(r, E_INVALID, "the primary's host or password cannot be used");
    buf_put(&out, str_of(fixed));
    buf_print(&out, "port = %u\n", postgres_port(r));
    put_row(r, &out, STR("primary_conninfo"), engine_is_replica(r) ? conninfo(r) : STR(""));
    TRY(engine_file(r, "postgresql.conf", buf_str(&out)));
    return engine_file(r, "pg_hba.conf",
                       STR("local all all trust\n"
                           "host replication replicator all scram-sha-256\n"
                           "host all postgres,replicator all reject\n"
                           "host all all all scram-sha-256\n"));
}

// Can it be a replica now? One that has taken writes has a history of its own.
static int
check_standby(struct engine_run *r)
{
    int fd = engine_open(r, "data/standby.signal", O_RDONLY);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || !engine_is_replica(r))
        return OK;
    return engine_fail(r, E_INVALID,
                       "it has taken writes, so it cannot follow another: make a new "
                       "replica");
}

static int
command(struct engine_run *r, struct engine_command *out)
{
    TRY(check_standby(r));
    engine_arg(r, out, BIN "postgres");
    engine_arg(r, out, "-D");
    engine_arg(r, out, "/engine/data");
    engine_arg(r, out, "--config_file=/engine/etc/postgresql.conf");
    environment(out);
    return OK;
}

static int
ready(struct engine_run *r)
{
    struct str value = {0};
    return postgres_sql(r, STR("SELECT 1"), &value);
}

// A role with that password, made when missing.
static void
put_role(struct engine_run *r, struct buf *out, struct str name, struct str password,
         const char *rights)
{
    struct str quoted = postgres_quote(r, name, '"'), literal = postgres_quote(r, name, '\'');
    struct str secret = postgres_quote(r, password, '\'');
    buf_print(out,
              "IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = " STR_FMT ") THEN "
              "CREATE ROLE " STR_FMT "; END IF; "
              "ALTER ROLE " STR_FMT " LOGIN %s PASSWORD " STR_FMT ";\n",
              STR_ARG(literal), STR_ARG(quoted), STR_ARG(quoted), rights, STR_ARG(secret));
}

// As AWS's master user it is no superuser, but owns the first database.
static int
put_admin(struct engine_run *r, struct buf *out)
{
    struct str name = postgres_quote(r, r->spec.admin, '"');
    if (str_eq(r->spec.admin, STR("postgres")) || str_eq(r->spec.admin, STR("replicator")))
        return engine_fail(r, E_INVALID, "the admin's name is taken");
    put_role(r, out, r->spec.admin, r->spec.admin_password, "CREATEDB CREATEROLE");
    buf_print(out,
              "GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO " STR_FMT
              "; ALTER DATABASE postgres OWNER TO " STR_FMT ";\n",
              STR_ARG(name), STR_ARG(name));
    return OK;
}

// A block of PL/pgSQL, in one connection: each costs PostgreSQL a process.
static int
block_run(struct engine_run *r, struct str before, struct str body, struct str *out)
{
    struct str quoted =
        postgres_quote(r, arena_print(r->arena, "BEGIN " STR_FMT "END", STR_ARG(body)), '\'');
    return postgres_sql(r,
                        arena_print(r->arena, STR_FMT "DO " STR_FMT "; SELECT pg_is_in_recovery()",
                                    STR_ARG(before), STR_ARG(quoted)),
                        out);
}

static int
reload(struct engine_run *r)
{
    struct str none;
    return postgres_sql(r, STR("SELECT pg_reload_conf()"), &none);
}

// The roles of a replica are its primary's.
static int
reconfigure(struct engine_run *r)
{
    struct buf body;
    struct str none;
    buf_init(&body, r->arena, 1024);
    buf_put(&body, STR("IF pg_is_in_recovery() THEN RETURN; END IF;\n"));
    if (str_is_present(r->spec.admin))
        TRY(put_admin(r, &body));
    if (str_is_present(r->spec.replication_password))
        put_role(r, &body, STR("replicator"), r->spec.replication_password, "REPLICATION");
    return block_run(r, STR("SELECT pg_reload_conf(); "), buf_str(&body), &none);
}

static int
replicate(struct engine_run *r)
{
    TRY(check_standby(r));
    return reload(r);
}

// pg_promote would look only every 100 ms whether it is done.
static int
promote(struct engine_run *r)
{
    static const char body[] =
        "IF pg_is_in_recovery() THEN PERFORM pg_promote(false); END IF; "
        "FOR i IN 1..25000 LOOP EXIT WHEN NOT pg_is_in_recovery(); PERFORM pg_sleep(0.002); "
        "END LOOP; ";
    struct str standby = {0};
    TRY(block_run(r, STR(""), str_of(body), &standby));
    return str_eq(standby, STR("f"))
               ? OK
               : engine_fail(r, E_TIMEOUT, "PostgreSQL could not be promoted");
}

const struct engine_kind engine_postgres = {
    .kind = "postgres",
    .program = BIN "postgres",
    .package = "postgresql-15",
    .template = TEMPLATE,
    .create = create,
    .configure = configure,
    .command = command,
    .ready = ready,
    .reconfigure = reconfigure,
    .replicate = replicate,
    .promote = promote,
    .stop_signal = SIGINT, // fast: clients are told to go
    .stop_ms = STOP_MS,
};

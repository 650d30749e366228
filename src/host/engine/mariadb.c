// MariaDB 10.11 as an engine.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "src/base/digest.h"
#include "src/host/engine/folder.h"

#define PROGRAM "/usr/sbin/mariadbd"
#define TEMPLATE "mariadb-10.11-1"
#define CLIENT "mariadb --no-defaults --socket=/engine/run/mariadb.sock --user=root "
enum {
    PORT = 3306,
    SQL_MS = 55 * 1000,
    STOP_MS = 25 * 1000,
    ASK_MS = 5 * 1000,
    GREETING_BYTES_MAX = 1024,
};

static unsigned
port_of(uint16_t port)
{
    return port != 0 ? port : PORT;
}

// A shell script in a sandbox beside the server, with what it needs to know in its environment,
// where nothing has to be quoted. $SQL is the last of it.
static void
script(struct engine_run *r, const char *text, struct str sql, struct engine_command *out)
{
    engine_arg(r, out, "/bin/bash");
    engine_arg(r, out, "-e");
    engine_arg(r, out, "-o");
    engine_arg(r, out, "pipefail");
    engine_arg(r, out, "-c");
    engine_arg(r, out, "%s", text);
    out->env[out->env_count++] = STR("PATH=/usr/sbin:/usr/bin");
    out->env[out->env_count++] = STR("HOME=/tmp");
    out->env[out->env_count++] =
        arena_print(r->arena, "PRIMARY=" STR_FMT, STR_ARG(r->spec.primary_host));
    out->env[out->env_count++] = arena_print(r->arena, "PORT=%u", port_of(r->spec.primary_port));
    out->env[out->env_count++] =
        arena_print(r->arena, "MYSQL_PWD=" STR_FMT, STR_ARG(r->spec.replication_password));
    out->env[out->env_count++] = arena_print(r->arena, "SQL=" STR_FMT, STR_ARG(sql));
}

static int
script_run(struct engine_run *r, const char *text, struct str sql)
{
    struct engine_command c = {0};
    script(r, text, sql, &c);
    return engine_tool(r, &c, SQL_MS);
}

static int
sql(struct engine_run *r, struct str text)
{
    return script_run(r, "unset MYSQL_PWD; " CLIENT "--delimiter=// -e \"$SQL\"", text);
}

// Only its own machine's root, by the socket, is let in at first.
#define INSTALL                                                                                    \
    "mariadb-install-db --no-defaults --datadir=/engine/data --skip-test-db --skip-name-resolve "  \
    "--auth-root-authentication-method=normal >/tmp/log 2>&1 || { tail -n 5 /tmp/log; exit 1; }\n"

static int
fill(struct engine_run *r)
{
    struct engine_command c = {0};
    script(r, INSTALL, STR(""), &c);
    return engine_work(r, &c, "its database");
}

// The primary's contents, with its users, as of one moment, which the last line tells the replica
// as a position. The server that loads them is seen by nobody.
static int
copy_primary(struct engine_run *r)
{
    static const char text[] =
        INSTALL "mariadb-dump --no-defaults --host=\"$PRIMARY\" --port=\"$PORT\" --user=replicator "
                "--all-databases --single-transaction --routines --events --triggers --gtid "
                "--master-data=2 --flush-privileges --ignore-table=mysql.gtid_slave_pos "
                ">/engine/copy.sql\n"
                "unset MYSQL_PWD\n"
                "mariadbd --no-defaults --datadir=/engine/data --socket=/tmp/load.sock "
                "--pid-file=/tmp/load.pid --skip-networking --skip-log-bin --skip-slave-start &\n"
                "load='mariadb --no-defaults --socket=/tmp/load.sock --user=root'\n"
                "for i in $(seq 600); do $load -e 'select 1' >/dev/null 2>&1 && break; sleep .05; "
                "done\n"
                "$load </engine/copy.sql\n"
                "{ grep -m1 -o \"SET GLOBAL gtid_slave_pos='[^']*'\" /engine/copy.sql || true; } | "
                "$load\n"
                "rm /engine/copy.sql\n"
                "$load -e shutdown\n"
                "wait\n";
    struct engine_command c = {0};
    script(r, text, STR(""), &c);
    return engine_work(r, &c, "the copy of its primary");
}

static int
create(struct engine_run *r)
{
    return engine_is_replica(r) ? copy_primary(r) : engine_template(r, TEMPLATE, fill);
}

// What quotes of the file or of SQL would have to hide.
static bool
is_plain(struct str text)
{
    static const char special[] = {'"', '\'', '\\', '`'};
    for (size_t i = 0; i < sizeof(special); i++)
        if (str_find_char(text, special[i]) >= 0)
            return false;
    return engine_text_is_plain(text) && str_find(text, STR("//")) < 0;
}

static int
check(struct engine_run *r)
{
    const struct engine_spec *s = &r->spec;
    for (size_t i = 0; i < s->setting_count; i++)
        if (!engine_name_is_plain(s->settings[i].name, '-') || !is_plain(s->settings[i].value))
            return engine_fail(r, E_INVALID, "the setting " STR_FMT " is none of MariaDB's",
                               STR_ARG(s->settings[i].name));
    if (is_plain(s->admin) && is_plain(s->admin_password) && is_plain(s->replication_password) &&
        is_plain(s->primary_host))
        return OK;
    return engine_fail(r, E_INVALID, "a name or password holds quotes, // or control characters");
}

// Rows that come later win: what makes it an engine cannot be set otherwise.
static int
configure(struct engine_run *r)
{
    struct buf out;
    struct sha256 digest = sha256_of(r->name);
    uint32_t id;
    memcpy(&id, digest.bytes, sizeof(id));
    TRY(check(r));
    buf_init(&out, r->arena, 4096);
    buf_put(&out, STR("[mariadbd]\n"));
    for (size_t i = 0; i < r->spec.setting_count; i++)
        buf_print(&out, STR_FMT " = \"" STR_FMT "\"\n", STR_ARG(r->spec.settings[i].name),
                  STR_ARG(r->spec.settings[i].value));
    buf_print(&out,
              "datadir = /engine/data\nsocket = /engine/run/mariadb.sock\n"
              "pid-file = /tmp/mariadb.pid\nbind-address = *\nport = %u\n"
              "skip-name-resolve\nlog-bin = binlog\nlog-slave-updates = ON\n"
              "gtid-strict-mode = ON\nserver-id = %u\nskip-slave-start\nread-only = %s\n",
              port_of(r->spec.tcp_port), id | 1, engine_is_replica(r) ? "ON" : "OFF");
    return engine_file(r, "my.cnf", buf_str(&out));
}

static int
command(struct engine_run *r, struct engine_command *out)
{
    engine_arg(r, out, PROGRAM);
    engine_arg(r, out, "--defaults-file=/engine/etc/my.cnf");
    return OK;
}

// The server speaks first, and ends its greeting with the name of the way to log in.
static int
ready(struct engine_run *r)
{
    static const char end[] = "mysql_native_password";
    const struct engine_talk talk = {
        .socket = "run/mariadb.sock",
        .request = STR(""),
        .end = {end, sizeof(end)}, // with its zero
        .limit = GREETING_BYTES_MAX,
        .limit_ms = ASK_MS,
    };
    struct str greeting;
    return engine_ask(r, &talk, &greeting) == OK
               ? OK
               : engine_fail(r, E_AGAIN, "MariaDB takes no connections yet");
}

// A setting's value as SQL has it: numbers, also those with a unit, bare.
static void
put_value(struct buf *out, struct str value)
{
    static const char units[] = "KMG";
    int64_t number;
    struct str digits = value;
    int shift = 0;
    for (int i = 0; value.len > 1 && i < 3; i++)
        if ((value.ptr[value.len - 1] & ~0x20) == units[i]) {
            digits = str_slice(value, 0, value.len - 1);
            shift = 10 * (i + 1);
        }
    if (str_to_int64(digits, &number) == OK && number < INT64_C(1) << 32)
        buf_put_int(out, number * (INT64_C(1) << shift));
    else
        buf_print(out, "'" STR_FMT "'", STR_ARG(value));
}

// Settings that only a start can change are refused with 1238 and wait for one.
static int
settings_set(struct engine_run *r)
{
    struct buf out;
    buf_init(&out, r->arena, 1024);
    buf_put(&out, STR("BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR 1238 BEGIN END;\n"));
    for (size_t i = 0; i < r->spec.setting_count; i++) {
        char *name = arena_copy_z(r->arena, r->spec.settings[i].name);
        for (char *c = name; *c != '\0'; c++)
            *c = *c == '-' ? '_' : *c;
        buf_print(&out, "SET GLOBAL %s = ", name);
        put_value(&out, r->spec.settings[i].value);
        buf_put(&out, STR(";\n"));
    }
    buf_put(&out, STR("END"));
    return r->spec.setting_count > 0 ? sql(r, buf_str(&out)) : OK;
}

static void
put_user(struct buf *out, struct str name, struct str password, const char *rights)
{
    buf_print(out,
              "CREATE USER IF NOT EXISTS '" STR_FMT "'@'%%'//\n"
              "ALTER USER '" STR_FMT "'@'%%' IDENTIFIED BY '" STR_FMT "'//\n"
              "GRANT %s TO '" STR_FMT "'@'%%'%s//\n",
              STR_ARG(name), STR_ARG(name), STR_ARG(password), rights, STR_ARG(name),
              str_eq(name, STR("replicator")) ? "" : " WITH GRANT OPTION");
}

// As AWS's master user: everything but what reaches the server's own files and life.
static int
reconfigure(struct engine_run *r)
{
    struct buf out;
    TRY(settings_set(r));
    buf_init(&out, r->arena, 2048);
    if (str_is_present(r->spec.admin))
        put_user(&out, r->spec.admin, r->spec.admin_password,
                 "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, "
                 "INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, "
                 "REPLICATION SLAVE, BINLOG MONITOR, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, "
                 "ALTER ROUTINE, CREATE USER, EVENT, TRIGGER ON *.*");
    if (str_is_present(r->spec.replication_password))
        put_user(&out, STR("replicator"), r->spec.replication_password,
                 "SELECT, RELOAD, PROCESS, SHOW DATABASES, LOCK TABLES, REPLICATION SLAVE, BINLOG "
                 "MONITOR, REPLICATION SLAVE ADMIN, SHOW VIEW, EVENT, TRIGGER, EXECUTE, "
                 "SLAVE MONITOR ON *.*");
    // A replica's users are the primary's.
    return out.len > 0 && !engine_is_replica(r) ? sql(r, buf_str(&out)) : OK;
}

static int
replicate(struct engine_run *r)
{
    struct str text =
        arena_print(r->arena,
                    "STOP SLAVE//\nSET GLOBAL read_only = ON//\nSET GLOBAL gtid_slave_pos = "
                    "@@gtid_current_pos//\nCHANGE MASTER TO master_host = '" STR_FMT
                    "', master_port = %u, master_user = 'replicator', master_password = '" STR_FMT
                    "', master_use_gtid = slave_pos, master_connect_retry = 1//\nSTART SLAVE//\n",
                    STR_ARG(r->spec.primary_host), port_of(r->spec.primary_port),
                    STR_ARG(r->spec.replication_password));
    return sql(r, text);
}

// What it has got from its primary is carried out first.
static int
promote(struct engine_run *r)
{
    static const char text[] =
        "unset MYSQL_PWD\nclient='" CLIENT "'\n"
        "$client -e 'STOP SLAVE IO_THREAD'\n"
        "at=$($client -e 'SHOW SLAVE STATUS\\G' | sed -n 's/^ *Gtid_IO_Pos: //p')\n"
        "[ -z \"$at\" ] || [ \"$($client -Ne \"SELECT MASTER_GTID_WAIT('$at', 50)\")\" = 0 "
        "]\n"
        "$client -e 'STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = OFF'\n";
    return script_run(r, text, STR(""));
}

const struct engine_kind engine_mariadb = {
    .kind = "mariadb",
    .program = PROGRAM,
    .package = "mariadb-server-core (and mariadb-client)",
    .template = TEMPLATE,
    .create = create,
    .configure = configure,
    .command = command,
    .ready = ready,
    .reconfigure = reconfigure,
    .replicate = replicate,
    .promote = promote,
    .stop_signal = SIGTERM,
    .stop_ms = STOP_MS,
};

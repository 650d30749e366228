// c10m backup, restore and fsck: the commands that look after a data directory.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/upkeep.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/encoding.h"
#include "src/cloud/ask.h"
#include "src/cloud/backup.h"
#include "src/cloud/fsck.h"
#include "src/cloud/options.h"
#include "src/cloud/private_file.h"
#include "src/store/data_dir.h"
#include "src/store/tree.h"

#define LISTEN_DEFAULT "127.0.0.1:4566"
#define DATA_DEFAULT "./data"

enum { PROBLEM_BYTES_MAX = 1024 };

struct task {
    const struct command *command;
    const char *dir;   // the backup
    const char *data;  // the data directory
    const char *store; // fsck's, elsewhere; NULL: in the data directory
    const char *token_file;
    struct socket_address address;
    bool is_repair;
    struct runtime *runtime;
    struct log log;
    struct arena arena;
    char problem[PROBLEM_BYTES_MAX];
};

static int64_t
log_now_ms(void *arg)
{
    return clock_wall_ms(arg);
}

static int
fail(const struct task *t)
{
    fprintf(stderr, "c10m: %s\n", *t->problem ? t->problem : "it failed");
    return EXIT_BAD_START;
}

static void
print_url(const struct task *t, char *out, size_t size)
{
    snprintf(out, size, "rocks:%s", t->data);
}

static int
store_open(struct task *t, struct kv **out)
{
    char url[PATH_MAX + 8];
    struct kv_options options = {.runtime = t->runtime, .log = &t->log};
    print_url(t, url, sizeof(url));
    return kv_open(url, &options, out, t->problem, sizeof(t->problem));
}

static bool
has_entry(const char *dir, const char *name)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

// Whether it is a directory that serve has used; kv_open would make one.
static int
data_check(struct task *t, const char *dir, const char *what)
{
    if (has_entry(dir, "c10m.json"))
        return OK;
    snprintf(t->problem, sizeof(t->problem), "%s is not %s: there is no c10m.json in it", dir,
             what);
    return E_INVALID;
}

static void
say_made(const char *dir)
{
    printf("c10m: the backup in %s is whole\n", dir);
}

// Whether the store of a c10m that was started there is elsewhere: its keys are there, and neither
// a mark nor a store. What a restore leaves that was cut short has a store before it has keys.
static bool
has_keys_alone(const char *dir)
{
    return has_entry(dir, "root.key") && !has_entry(dir, "c10m.json") && !has_entry(dir, "store");
}

// Of a data directory that nobody uses.
static int
backup_idle(struct task *t, struct kv *kv)
{
    struct backup b = {.runtime = t->runtime,
                       .kv = kv,
                       .data = t->data,
                       .dir = t->dir,
                       .problem = t->problem,
                       .problem_size = sizeof(t->problem)};
    return backup_make(&b);
}

static int
token_read(struct task *t, struct str *out)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/admin-token", t->data);
    TRY(private_file_read(&t->arena, t->token_file != NULL ? t->token_file : path, out, t->problem,
                          sizeof(t->problem)));
    *out = str_slice(*out, 0, out->len - str_ends(*out, STR("\n")));
    return OK;
}

// The one that has the data directory open makes it, beside its requests.
static int
backup_running(struct task *t)
{
    struct ask a = {.runtime = t->runtime, .address = &t->address, .arena = &t->arena};
    struct buf target;
    TRY(token_read(t, &a.token));
    buf_init(&target, &t->arena, 256);
    buf_put(&target, STR("/_c10m/backup?to="));
    percent_encode(str_of(t->dir), true, &target);
    a.target = buf_str(&target);
    int code = ask_run(&a);
    if (code != OK) {
        snprintf(t->problem, sizeof(t->problem),
                 "the c10m that uses %s does not answer at %s (%s): say where it listens with "
                 "--listen ADDR:PORT",
                 t->data, t->address.text, code_name(code));
        return code;
    }
    if (a.status == 200)
        return OK;
    snprintf(t->problem, sizeof(t->problem), STR_FMT, STR_ARG(str_trim(a.body)));
    return E_IO;
}

// Where it is to be: the server's own folder may be another.
static int
absolute_dir(struct task *t)
{
    char here[PATH_MAX];
    if (*t->dir == '/')
        return OK;
    if (getcwd(here, sizeof(here)) == NULL) {
        snprintf(t->problem, sizeof(t->problem), "cannot tell where this folder is");
        return E_IO;
    }
    t->dir = arena_copy_z(&t->arena, arena_print(&t->arena, "%s/%s", here, t->dir));
    return OK;
}

static int
backup_main(void *arg)
{
    struct task *t = arg;
    struct kv *kv;
    TRY(absolute_dir(t));
    if (has_keys_alone(t->data))
        return backup_running(t);
    TRY(data_check(t, t->data, "a c10m data directory"));
    int code = store_open(t, &kv);
    if (code == E_EXISTS) {
        *t->problem = 0;
        return backup_running(t);
    }
    TRY(code);
    code = backup_idle(t, kv);
    kv_close(kv);
    return code;
}

static int
backup_command(struct task *t)
{
    if (runtime_call(t->runtime, backup_main, t) != OK)
        return fail(t);
    say_made(t->dir);
    return 0;
}

static int
restore_file(const struct tree_copy *all, const char *name, const char *name_there)
{
    char from[PATH_MAX + 16], to[PATH_MAX + 32];
    struct tree_copy one = *all;
    snprintf(from, sizeof(from), "%s/%s", all->from, name);
    snprintf(to, sizeof(to), "%s/%s", all->to, name_there);
    one.from = from;
    one.to = to;
    return tree_copy_file(&one);
}

// The mark comes last, under its own name only when all the rest is durable; the root key before
// it, since a directory with keys alone means another thing.
static int
restore(struct task *t)
{
    static const char *const skip[] = {"c10m.json",   "c10m.json.new", "lock",
                                       "admin-token", "root.key",      NULL};
    struct tree_copy all = {.from = t->dir,
                            .to = t->data,
                            .skip = skip,
                            .problem = t->problem,
                            .problem_size = sizeof(t->problem)};
    TRY(data_check(t, t->dir, "a whole backup"));
    TRY(data_dir_backup_begin(t->data, t->problem, sizeof(t->problem)));
    TRY(tree_copy(&all));
    TRY(restore_file(&all, "root.key", "root.key"));
    TRY(restore_file(&all, "c10m.json", "c10m.json.new"));
    return data_dir_backup_end(t->data, t->problem, sizeof(t->problem));
}

static int
restore_command(struct task *t)
{
    if (restore(t) != OK)
        return fail(t);
    printf("c10m: restored to %s; start c10m serve with it\n", t->data);
    return 0;
}

static void
print_line(void *arg, const char *line)
{
    puts(line);
}

static int
fsck_command(struct task *t)
{
    char url[PATH_MAX + 8], seal_file[PATH_MAX + 16];
    print_url(t, url, sizeof(url));
    snprintf(seal_file, sizeof(seal_file), "%s/root.key", t->data);
    struct fsck f = {.runtime = t->runtime,
                     .log = &t->log,
                     .store_url = t->store != NULL ? t->store : url,
                     .data = t->data,
                     .seal_file = seal_file,
                     .is_repair = t->is_repair,
                     .print = print_line,
                     .problem = t->problem,
                     .problem_size = sizeof(t->problem)};
    const char *what = t->store != NULL ? t->store : t->data;
    if (t->store == NULL && has_keys_alone(t->data)) {
        snprintf(t->problem, sizeof(t->problem),
                 "the store of %s is elsewhere: say where with --store, while no c10m uses it; or "
                 "make a backup of it, and check that",
                 t->data);
        return fail(t);
    }
    if ((t->store == NULL && data_check(t, t->data, "a c10m data directory") != OK) ||
        fsck_run(&f) != OK)
        return fail(t);
    if (f.problems == 0)
        printf("c10m: %s is in order\n", what);
    else
        printf("c10m: %s has %zu problem%s, %zu of them mended\n", what, f.problems,
               f.problems == 1 ? "" : "s", f.mended);
    return f.problems == f.mended ? 0 : EXIT_BAD_START;
}

static const struct command {
    const char *name;
    const char *argument; // NULL: none
    bool can_repair;
    int (*run)(struct task *t);
    const char *help;
} commands[] = {
    {"backup", "DIR", false, backup_command,
     "usage: c10m backup DIR [OPTION]...\n"
     "\n"
     "Makes a backup in DIR, which is made or empty: the state of one moment, with its blobs and\n"
     "the root key, so that DIR is as secret as the data. When a c10m uses the data directory, it\n"
     "makes the backup itself, on its own machine, and goes on answering; else this command does.\n"
     "DIR is a backup when this says so: an unfinished one cannot be restored. A store of --store "
     "is\n"
     "backed up by a c10m that runs on it, as a data directory too.\n"
     "\n"
     "  --data DIR          the data directory (default " DATA_DEFAULT ")\n"
     "  --listen ADDR:PORT  where the running c10m listens (default " LISTEN_DEFAULT ")\n"
     "  --admin-token-file FILE\n"
     "                      its admin token (default: admin-token in the data directory)\n"
     "  --help              this text\n"
     "\n"
     "exit status: 0 when the backup is whole and durable, 1 when not, 2 for a wrong command "
     "line."},
    {"restore", "DIR", false, restore_command,
     "usage: c10m restore DIR [OPTION]...\n"
     "\n"
     "Copies the backup in DIR to a new data directory. The backup stays as it is.\n"
     "\n"
     "  --data DIR          the new data directory, made or empty (default " DATA_DEFAULT ")\n"
     "  --help              this text\n"
     "\n"
     "exit status: 0 when c10m serve can start with it, 1 when not, 2 for a wrong command line."},
    {"fsck", NULL, true, fsck_command,
     "usage: c10m fsck [OPTION]...\n"
     "\n"
     "Checks a data directory that no c10m uses, by the invariants of the store and of each\n"
     "service: blobs without contents and contents without blobs, indexes and counts that do not\n"
     "agree with what they are about, data and timers that belong to nothing. One line for each\n"
     "problem.\n"
     "\n"
     "  --data DIR          the data directory (default " DATA_DEFAULT ")\n"
     "  --store URL         what serve --store uses, while no c10m runs on it; --data has its "
     "root\n"
     "                      key then. A c10m that starts meanwhile is refused\n"
     "  --repair            mend what can be proven; make a backup first\n"
     "  --help              this text\n"
     "\n"
     "exit status: 0 when everything is in order, or was mended, 1 when not, 2 for a wrong "
     "command\n"
     "line."},
};

static const struct option long_options[] = {
    {"data", required_argument, NULL, 'd'},
    {"listen", required_argument, NULL, 'l'},
    {"admin-token-file", required_argument, NULL, 't'},
    {"store", required_argument, NULL, 's'},
    {"repair", no_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int
usage_error(const struct task *t, const char *what, const char *why)
{
    fprintf(stderr, "c10m: %s %s; see c10m %s --help\n", what, why, t->command->name);
    return EXIT_USAGE;
}

// 0, or the exit status; -1: the help was printed.
static int
option_take(struct task *t, int option, char **argv)
{
    switch (option) {
    case 'd':
        t->data = optarg;
        return 0;
    case 'l':
        if (socket_address_parse(str_of(optarg), &t->address) == OK)
            return 0;
        return usage_error(t, optarg, "is not an address and a port");
    case 't':
        t->token_file = optarg;
        return 0;
    case 's':
        t->store = optarg;
        return t->command->can_repair && str_starts(str_of(optarg), STR("postgresql://"))
                   ? 0
                   : usage_error(t, "--store", "takes fsck only, and a postgresql:// URL");
    case 'r':
        t->is_repair = true;
        return t->command->can_repair ? 0 : usage_error(t, "--repair", "is not an option");
    case 'h':
        puts(t->command->help);
        return -1;
    default:
        return usage_error(t, argv[optind - 1],
                           option == ':' ? "needs a value" : "is not an option");
    }
}

static int
arguments_take(struct task *t, int argc, char **argv)
{
    bool wants_dir = t->command->argument != NULL;
    optind = 0;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1;) {
        int status = option_take(t, option, argv);
        if (status != 0)
            return status;
    }
    if (wants_dir && optind < argc)
        t->dir = argv[optind++];
    if (optind < argc)
        return usage_error(t, argv[optind], "is not wanted here");
    if (wants_dir && (t->dir == NULL || *t->dir == 0))
        return usage_error(t, "the directory of the backup", "is wanted");
    return 0;
}

static int
run(struct task *t)
{
    if (runtime_new(&(struct runtime_options){.loops = 1}, &t->runtime) != OK) {
        fprintf(stderr, "c10m: cannot start threads\n");
        return EXIT_BAD_START;
    }
    t->log = (struct log){
        .fd = STDERR_FILENO, .level_min = LOG_WARN, .now_ms = log_now_ms, .now_arg = t->runtime};
    arena_init(&t->arena);
    int status = t->command->run(t);
    arena_fini(&t->arena);
    runtime_free(t->runtime);
    return status;
}

int
upkeep(int argc, char **argv)
{
    struct task t = {.data = DATA_DEFAULT};
    CHECK(socket_address_parse(STR(LISTEN_DEFAULT), &t.address) == OK);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(argv[0], commands[i].name) == 0)
            t.command = &commands[i];
    CHECK(t.command != NULL);
    int status = arguments_take(&t, argc, argv);
    if (status != 0)
        return status < 0 ? 0 : status;
    return run(&t);
}

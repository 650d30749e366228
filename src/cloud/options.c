// Reads the command line with getopt, and says what can be said on it.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/options.h"

#include <getopt.h>
#include <stdio.h>

#define LISTEN_DEFAULT "127.0.0.1:4566"
#define DATA_DEFAULT "./data"

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, 'l'},
    {"data", required_argument, NULL, 'd'},
    {"store", required_argument, NULL, 'S'},
    {"ephemeral", no_argument, NULL, 'e'},
    {"loops", required_argument, NULL, 'n'},
    {"log-level", required_argument, NULL, 'v'},
    {"root-key", required_argument, NULL, 'k'},
    {"root-key-file", required_argument, NULL, 'K'},
    {"development-keys", no_argument, NULL, 'D'},
    {"no-development-keys", no_argument, NULL, 'N'},
    {"admin-token-file", required_argument, NULL, 't'},
    {"allow-host", required_argument, NULL, 'H'},
    {"tls-certificate", required_argument, NULL, 'c'},
    {"tls-key", required_argument, NULL, 'p'},
    {"allow-origin", required_argument, NULL, 'O'},
    {"account-rate", required_argument, NULL, 'a'},
    {"operation-rate", required_argument, NULL, 'o'},
    {"slow-request-ms", required_argument, NULL, 's'},
    {"requests-max", required_argument, NULL, 'q'},
    {"memory-max", required_argument, NULL, 'm'},
    {"socket", required_argument, NULL, 'F'},
    {"leave-running", no_argument, NULL, 'L'},
    {"boot-id-file", required_argument, NULL, 'b'},
    {"ready-fd", required_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

// One letter for two options would give one of them the other's value.
static void
check_letters(void)
{
    for (size_t i = 0; long_options[i].name != NULL; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(long_options[i].val != long_options[k].val);
}

struct reading {
    struct options *out;
    char *problem;
    size_t problem_size;
};

static int
bad_value(const struct reading *r, const char *option, const char *value, const char *expected)
{
    snprintf(r->problem, r->problem_size, "%s %s: %s", option, value, expected);
    return E_INVALID;
}

static int
read_number(const struct reading *r, const char *option, const char *value, int64_t min,
            int64_t max, int *out)
{
    char expected[80];
    int64_t number;
    snprintf(expected, sizeof(expected), "a whole number from %lld to %lld is wanted",
             (long long)min, (long long)max);
    if (str_to_int64(str_of(value), &number) != OK || number < min || number > max)
        return bad_value(r, option, value, expected);
    *out = (int)number;
    return OK;
}

static int
read_level(const struct reading *r, const char *value)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++) {
        if (strcmp(value, level_names[i]) != 0)
            continue;
        r->out->cloud.log_level = (enum log_level)i;
        return OK;
    }
    return bad_value(r, "--log-level", value, "debug, info, warn or error is wanted");
}

static int
read_address(const struct reading *r, const char *value)
{
    if (socket_address_parse(str_of(value), &r->out->cloud.address) == OK)
        return OK;
    return bad_value(r, "--listen", value,
                     "an address and a port are wanted, as in " LISTEN_DEFAULT);
}

static int
read_store(const struct reading *r, const char *value)
{
    r->out->store = value;
    if (str_starts(str_of(value), STR("postgresql://")))
        return OK;
    // Without the value: a mistyped one may hold a password.
    snprintf(r->problem, r->problem_size,
             "--store: a URL that begins with postgresql:// is wanted");
    return E_INVALID;
}

static int
read_text(const struct reading *r, const char *option, struct text_list *out)
{
    if (*optarg == 0)
        return bad_value(r, option, "''", "a value is wanted");
    if (out->count == TEXT_LIST_MAX)
        return bad_value(r, option, optarg, "it is given too often");
    out->items[out->count++] = optarg;
    return OK;
}

// Options of who may ask, and how much.
static int
read_door_option(const struct reading *r, int option)
{
    struct cloud_options *co = &r->out->cloud;
    switch (option) {
    case 'k':
        return read_text(r, "--root-key", &co->root_keys);
    case 'K':
        return read_text(r, "--root-key-file", &co->root_key_files);
    case 'D':
        co->development_keys = DEVELOPMENT_KEYS_ON;
        return OK;
    case 'N':
        co->development_keys = DEVELOPMENT_KEYS_OFF;
        return OK;
    case 't':
        co->admin_token_file = optarg;
        return OK;
    case 'H':
        return read_text(r, "--allow-host", &co->allow_hosts);
    case 'O':
        return read_text(r, "--allow-origin", &co->allow_origins);
    case 'c':
        co->tls.certificate_path = optarg;
        return OK;
    case 'p':
        co->tls.key_path = optarg;
        return OK;
    case 'a':
        return read_number(r, "--account-rate", optarg, 1, 1000 * 1000, &co->account_rate);
    case 'o':
        return read_text(r, "--operation-rate", &co->operation_rates);
    case 's':
        return read_number(r, "--slow-request-ms", optarg, 1, 3600 * 1000, &co->slow_request_ms);
    case 'q':
        return read_number(r, "--requests-max", optarg, 1, 1000 * 1000, &co->requests_max);
    case 'm':
        return read_number(r, "--memory-max", optarg, BUDGET_MIB_MIN, 1024 * 1024,
                           &co->memory_mib_max);
    default:
        r->out->wants_help = true;
        return OK;
    }
}

static int
read_option(const struct reading *r, int option)
{
    switch (option) {
    case 'l':
        return read_address(r, optarg);
    case 'd':
        r->out->data = optarg;
        return *optarg ? OK : bad_value(r, "--data", "''", "a directory is wanted");
    case 'S':
        return read_store(r, optarg);
    case 'e':
        r->out->is_ephemeral = true;
        return OK;
    case 'L':
        r->out->leaves_running = true;
        return OK;
    case 'b':
        r->out->cloud.boot_id_file = optarg;
        return OK;
    case 'n':
        return read_number(r, "--loops", optarg, 1, RUNTIME_LOOPS_MAX, &r->out->cloud.loops);
    case 'v':
        return read_level(r, optarg);
    case 'F':
        return passed_socket_add(&r->out->cloud.passed, str_of(optarg)) == OK
                   ? OK
                   : bad_value(r, "--socket", optarg, "NAME=FD with an open descriptor is wanted");
    case 'r':
        return read_number(r, "--ready-fd", optarg, 3, 1 << 20, &r->out->ready_fd);
    default:
        return read_door_option(r, option);
    }
}

static int
bad_option(const struct reading *r, char **argv, int option)
{
    snprintf(r->problem, r->problem_size, "%s %s; see c10m %s --help", argv[optind - 1],
             option == ':' ? "needs a value" : "is not an option", argv[0]);
    return E_INVALID;
}

int
options_parse(int argc, char **argv, struct options *out, char *problem, size_t problem_size)
{
    struct reading r = {out, problem, problem_size};
    int option;
    *out = (struct options){
        .cloud = {.log_level = LOG_INFO,
                  .requests_max = BUDGET_REQUESTS_DEFAULT,
                  .slow_request_ms = SLOW_REQUEST_MS_DEFAULT,
                  .memory_mib_max = BUDGET_MIB_DEFAULT},
        .data = DATA_DEFAULT,
        .ready_fd = -1,
    };
    check_letters();
    TRY(read_address(&r, LISTEN_DEFAULT));
    optind = 0; // starts getopt anew
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+:h", long_options, NULL)) != -1) {
        if (option == '?' || option == ':')
            return bad_option(&r, argv, option);
        TRY(read_option(&r, option));
    }
    if ((out->cloud.tls.certificate_path == NULL) != (out->cloud.tls.key_path == NULL)) {
        snprintf(problem, problem_size, "--tls-certificate and --tls-key go together");
        return E_INVALID;
    }
    if (out->store != NULL && out->is_ephemeral) {
        snprintf(problem, problem_size, "--store and --ephemeral exclude each other");
        return E_INVALID;
    }
    if (optind == argc)
        return OK;
    snprintf(problem, problem_size, "'%s' is not wanted here; see c10m %s --help", argv[optind],
             argv[0]);
    return E_INVALID;
}

void
options_print_help(void)
{
    puts("usage: c10m COMMAND [OPTION]...\n"
         "\n"
         "A cloud in one program: it answers the AWS APIs on one port.\n"
         "\n"
         "commands:\n"
         "  serve      run the cloud in the foreground\n"
         "  supervise  run `c10m serve` and start it again when it dies\n"
         "  backup     make a backup, also of a c10m that runs\n"
         "  restore    make a data directory of a backup\n"
         "  fsck       check a data directory, and mend it\n"
         "  doctor     look at what this machine lacks, and say how to mend it\n"
         "  ca         print the path of the development CA's certificate, for AWS_CA_BUNDLE\n"
         "\n"
         "options:\n"
         "  --help     this text; `c10m COMMAND --help` has the options of a command\n"
         "  --version  the version\n"
         "\n"
         "exit status: 0 after SIGTERM or SIGINT, when all accepted requests were answered;\n"
         "1 when it cannot start; 2 when the command line is wrong; 3 when a drain took too long.");
}

static void
print_limits_help(void)
{
    printf(
        "how much:\n"
        "  --loops N           event loops, 1 to %d (default: one per core)\n"
        "  --account-rate N    API calls a second of one account; more are throttled (default: "
        "any)\n"
        "  --operation-rate SERVICE:OPERATION=N\n"
        "                      calls a second of one operation by one account in one region; may "
        "be\n"
        "                      repeated\n"
        "  --requests-max N    API calls under way at once; more are refused early (default %d)\n"
        "  --memory-max MIB    what these may take together (default %d)\n"
        "\n"
        "  --log-level LEVEL   debug, info, warn or error (default info)\n"
        "  --slow-request-ms N calls that take longer are logged as warnings; the time of long\n"
        "                      polls does not count (default %d)\n"
        "  --ready-fd FD       serve only: write a line to this open descriptor once requests\n"
        "                      are answered\n"
        "  --socket NAME=FD    an open socket for a service that listens under that name; may be\n"
        "                      repeated. systemd's LISTEN_FDNAMES do the same; supervise\n"
        "                      passes both on, each time it starts serve\n"
        "  --help              this text\n",
        RUNTIME_LOOPS_MAX, BUDGET_REQUESTS_DEFAULT, BUDGET_MIB_DEFAULT, SLOW_REQUEST_MS_DEFAULT);
}

void
options_print_serve_help(const char *subcommand, const char *what)
{
    printf(
        "usage: c10m %s [OPTION]...\n"
        "\n"
        "%s\n"
        "\n"
        "options:\n"
        "  --listen ADDR:PORT  where to answer; port 0 picks a free one (default " LISTEN_DEFAULT
        ")\n"
        "  --data DIR          where everything is kept; made when missing (default " DATA_DEFAULT
        ")\n"
        "  --store URL         keep the state in this PostgreSQL database instead, which other "
        "c10m's\n"
        "                      may share: postgresql://HOST/DATABASE, as libpq has it. --data "
        "keeps\n"
        "                      the root key, which must be the same for all of them, and the "
        "token\n"
        "  --ephemeral         keep everything in memory only and leave --data alone\n"
        "\n"
        "who may ask:\n"
        "  --root-key ACCOUNT:KEY:SECRET\n"
        "                      a key that is root of an account of twelve digits; may be repeated\n"
        "  --root-key-file FILE\n"
        "                      such keys, one a line; only you may read the file; may be repeated\n"
        "  --development-keys  know test/test and ACCOUNT/test, the default on loopback "
        "addresses;\n"
        "                      refused on others, since everybody knows these keys\n"
        "  --no-development-keys\n"
        "                      know them nowhere\n"
        "  --admin-token-file FILE\n"
        "                      the bearer token for the pages under /_c10m/ but health; made when\n"
        "                      missing (default DIR/admin-token; none with --ephemeral)\n"
        "  --allow-host NAME   answer under this name too, or under *.NAME; may be repeated. "
        "Known\n"
        "                      are localhost, *.localhost, localhost.localstack.cloud, all below "
        "it,\n"
        "                      loopback addresses and that of --listen\n"
        "  --allow-origin URL  answer the web pages of this origin too; may be repeated\n"
        "\n"
        "TLS, on the same port:\n"
        "  --tls-certificate FILE, --tls-key FILE\n"
        "                      a certificate with its chain, and its key, both PEM; read again at\n"
        "                      SIGHUP (default: a development CA for localhost makes one; see\n"
        "                      c10m ca --help)\n"
        "\n"
        "what runs on this machine:\n"
        "  --leave-running     leave it running at SIGTERM or SIGINT; the next start finds it "
        "again\n"
        "                      (default: power it off, guests before their networks, and start it\n"
        "                      again the next time)\n"
        "  --boot-id-file FILE where the id of this machine's start is read, 36 bytes; for a "
        "container,\n"
        "                      which starts anew when its kernel does not\n"
        "                      (default /proc/sys/kernel/random/boot_id)\n"
        "\n",
        subcommand, what);
    print_limits_help();
}

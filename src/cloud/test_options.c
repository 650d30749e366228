// The command line: defaults, every option, and one clear sentence for what is wrong.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/options.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 80 };

static int
parse(const char *const *arguments, struct options *out, char *problem, size_t problem_size)
{
    char *argv[ARGUMENTS_MAX + 2] = {(char *)"serve"};
    int argc = 1;
    for (; arguments[argc - 1] != NULL; argc++)
        argv[argc] = (char *)arguments[argc - 1];
    return options_parse(argc, argv, out, problem, problem_size);
}

static void
test_defaults(void **state)
{
    struct options o;
    char problem[256] = "";
    assert_int_equal(parse((const char *[]){NULL}, &o, problem, sizeof(problem)), OK);
    assert_string_equal(o.cloud.address.text, "127.0.0.1:4566");
    assert_true(o.cloud.address.is_loopback);
    assert_string_equal(o.data, "./data");
    assert_false(o.is_ephemeral);
    assert_false(o.wants_help);
    assert_int_equal(o.cloud.loops, 0);
    assert_int_equal(o.cloud.log_level, LOG_INFO);
    assert_int_equal(o.ready_fd, -1);
}

static void
test_everything(void **state)
{
    struct options o;
    char problem[256] = "";
    const char *const arguments[] = {"--listen=[::1]:0", "--data", "/d",          "--ephemeral",
                                     "--loops",          "2",      "--log-level", "debug",
                                     "--ready-fd",       "9",      NULL};
    assert_int_equal(parse(arguments, &o, problem, sizeof(problem)), OK);
    assert_string_equal(o.cloud.address.text, "[::1]:0");
    assert_string_equal(o.data, "/d");
    assert_true(o.is_ephemeral);
    assert_int_equal(o.cloud.loops, 2);
    assert_int_equal(o.cloud.log_level, LOG_DEBUG);
    assert_int_equal(o.ready_fd, 9);
    assert_int_equal(parse((const char *[]){"-h", NULL}, &o, problem, sizeof(problem)), OK);
    assert_true(o.wants_help);
    assert_int_equal(
        parse((const char *[]){"--store", "postgresql://h/d", NULL}, &o, problem, sizeof(problem)),
        OK);
    assert_string_equal(o.store, "postgresql://h/d");
    assert_string_equal(o.data, "./data");
}

static void
test_door(void **state)
{
    struct options o;
    char problem[256] = "", web[32];
    int fd = fcntl(STDERR_FILENO, F_DUPFD, 3);
    snprintf(web, sizeof(web), "web=%d", fd);
    const char *const arguments[] = {"--root-key",
                                     "111111111111:A:s",
                                     "--root-key=222222222222:B:s",
                                     "--root-key-file",
                                     "keys",
                                     "--no-development-keys",
                                     "--admin-token-file",
                                     "token",
                                     "--allow-host",
                                     "*.cloud.example",
                                     "--allow-origin",
                                     "http://app.example",
                                     "--account-rate",
                                     "9",
                                     "--requests-max",
                                     "7",
                                     "--memory-max",
                                     "64",
                                     "--slow-request-ms",
                                     "250",
                                     "--socket",
                                     web,
                                     NULL};
    assert_int_equal(parse(arguments, &o, problem, sizeof(problem)), OK);
    assert_int_equal(o.cloud.root_keys.count, 2);
    assert_string_equal(o.cloud.root_keys.items[1], "222222222222:B:s");
    assert_string_equal(o.cloud.root_key_files.items[0], "keys");
    assert_int_equal(o.cloud.development_keys, DEVELOPMENT_KEYS_OFF);
    assert_string_equal(o.cloud.admin_token_file, "token");
    assert_string_equal(o.cloud.allow_hosts.items[0], "*.cloud.example");
    assert_string_equal(o.cloud.allow_origins.items[0], "http://app.example");
    assert_int_equal(o.cloud.account_rate, 9);
    assert_int_equal(o.cloud.requests_max, 7);
    assert_int_equal(o.cloud.memory_mib_max, 64);
    assert_int_equal(o.cloud.slow_request_ms, 250);
    assert_int_equal(passed_socket_take(&o.cloud.passed, STR("web")), fd);
    close(fd);
    const char *many[2 * TEXT_LIST_MAX + 3] = {NULL};
    for (size_t i = 0; i < 2 * TEXT_LIST_MAX + 2; i++)
        many[i] = i % 2 ? "a" : "--allow-host";
    assert_int_equal(parse(many, &o, problem, sizeof(problem)), E_INVALID);
    assert_string_equal(problem, "--allow-host a: it is given too often");
}

static void
test_problems(void **state)
{
    static const struct {
        const char *arguments[3];
        const char *problem;
    } rows[] = {
        {{"--nope"}, "--nope is not an option; see c10m serve --help"},
        {{"-x"}, "-x is not an option; see c10m serve --help"},
        {{"--listen"}, "--listen needs a value; see c10m serve --help"},
        {{"--listen", "4566"},
         "--listen 4566: an address and a port are wanted, as in 127.0.0.1:4566"},
        {{"--listen", "localhost:1"},
         "--listen localhost:1: an address and a port are wanted, as in 127.0.0.1:4566"},
        {{"--data", ""}, "--data '': a directory is wanted"},
        {{"--loops", "0"}, "--loops 0: a whole number from 1 to 64 is wanted"},
        {{"--loops", "two"}, "--loops two: a whole number from 1 to 64 is wanted"},
        {{"--allow-host", ""}, "--allow-host '': a value is wanted"},
        {{"--requests-max", "0"}, "--requests-max 0: a whole number from 1 to 1000000 is wanted"},
        {{"--memory-max", "x"}, "--memory-max x: a whole number from 32 to 1048576 is wanted"},
        {{"--ready-fd", "2"}, "--ready-fd 2: a whole number from 3 to 1048576 is wanted"},
        {{"--log-level", "loud"}, "--log-level loud: debug, info, warn or error is wanted"},
        {{"--store", "mysql://u:secret@h/d"},
         "--store: a URL that begins with postgresql:// is wanted"},
        {{"--store=postgresql://h/d", "--ephemeral"}, "--store and --ephemeral exclude each other"},
        {{"--ephemeral=yes"}, "--ephemeral=yes is not an option; see c10m serve --help"},
        {{"extra"}, "'extra' is not wanted here; see c10m serve --help"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct options o;
        char problem[256] = "";
        assert_int_equal(parse(rows[i].arguments, &o, problem, sizeof(problem)), E_INVALID);
        assert_string_equal(problem, rows[i].problem);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_door),
        cmocka_unit_test(test_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of result codes and CHECK.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/code.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
names_every_code(void **state)
{
    assert_string_equal(code_name(OK), "ok");
    assert_string_equal(code_name(E_NOT_FOUND), "not_found");
    assert_string_equal(code_name(E_NEWER), "newer");
    for (int code = OK; code >= E_NEWER; code--) {
        assert_non_null(code_name(code));
        for (int other = code - 1; other >= E_NEWER; other--)
            assert_string_not_equal(code_name(code), code_name(other));
    }
}

static void
names_what_is_no_code(void **state)
{
    assert_string_equal(code_name(1), "no_such_code");
    assert_string_equal(code_name(E_NEWER - 1), "no_such_code");
    assert_string_equal(code_name(INT32_MAX), "no_such_code");
    assert_string_equal(code_name(INT32_MIN), "no_such_code");
}

static int
try_it(int code, int *reached)
{
    TRY(code);
    *reached = 1;
    return OK;
}

static void
try_returns_what_failed(void **state)
{
    int reached = 0;
    assert_int_equal(try_it(E_FULL, &reached), E_FULL);
    assert_int_equal(reached, 0);
    assert_int_equal(try_it(OK, &reached), OK);
    assert_int_equal(reached, 1);
}

static void
check_says_where_and_aborts(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        int two = 2;
        CHECK(two == 2);
        CHECK(two == 3);
        _exit(0);
    }
    close(ends[1]);
    char text[200] = {0};
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "test_code.c:"));
    assert_non_null(strstr(text, "check failed: two == 3\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_every_code),
        cmocka_unit_test(names_what_is_no_code),
        cmocka_unit_test(try_returns_what_failed),
        cmocka_unit_test(check_says_where_and_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

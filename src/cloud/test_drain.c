// The drain's limit: a process that hangs is ended, one that ends in time is not.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int
status_of_child(int hangs)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        drain_limit(1);
        if (hangs)
            for (;;)
                pause();
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
test_limit(void **state)
{
    assert_int_equal(status_of_child(1), EXIT_CUT_DRAIN);
    assert_int_equal(status_of_child(0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// What the tests of this folder stand on.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/test_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct arena arena;
struct wire_problem problem;

int
arena_setup(void **state)
{
    arena_init(&arena);
    return 0;
}

int
arena_teardown(void **state)
{
    arena_fini(&arena);
    return 0;
}

void
assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        fail_msg("got " STR_FMT ", want %s", STR_ARG(got), want);
}

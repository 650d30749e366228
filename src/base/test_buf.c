// Tests of growing buffers.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/buf.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int
setup(void **state)
{
    struct arena *a = malloc(sizeof(*a));
    arena_init(a);
    *state = a;
    return 0;
}

static int
teardown(void **state)
{
    arena_fini(*state);
    free(*state);
    return 0;
}

static void
is_empty_but_present_at_first(void **state)
{
    struct arena *a = *state;
    struct buf b;
    buf_init(&b, a, 0);
    assert_int_equal(a->used_bytes, 0);
    assert_true(str_is_present(buf_str(&b)));
    assert_int_equal(buf_str(&b).len, 0);
    buf_put(&b, (struct str){0});
    buf_put(&b, STR(""));
    assert_int_equal(a->used_bytes, 0);
    assert_non_null(buf_reserve(&b, 0));
}

static void
keeps_what_was_written_while_it_grows(void **state)
{
    struct buf b;
    buf_init(&b, *state, 10);
    for (int i = 0; i < 30000; i++) {
        if (i % 1000 == 0)
            arena_alloc(*state, 1); // so that growing in place fails at times
        buf_put(&b, STR("ab"));
        buf_put_char(&b, (char)i);
    }
    struct str s = buf_str(&b);
    assert_int_equal(s.len, 90000);
    for (int i = 0; i < 30000; i++) {
        assert_memory_equal(s.ptr + 3 * i, "ab", 2);
        assert_int_equal((uint8_t)s.ptr[3 * i + 2], i & 255);
    }
}

static void
grows_in_place_when_it_is_the_newest(void **state)
{
    struct buf b;
    buf_init(&b, *state, 8);
    char *start = b.ptr;
    for (int i = 0; i < 500; i++) // within a chunk
        buf_put(&b, STR("0123456789"));
    assert_ptr_equal(b.ptr, start);
}

static void
reserves_room_for_the_caller(void **state)
{
    struct buf b;
    buf_init(&b, *state, 4);
    buf_put(&b, STR("head"));
    char *to = buf_reserve(&b, 100);
    memset(to, 'x', 100);
    b.len += 100;
    buf_put(&b, STR("tail"));
    assert_int_equal(buf_str(&b).len, 108);
    assert_true(str_starts(buf_str(&b), STR("headxxx")));
    assert_true(str_ends(buf_str(&b), STR("xxxtail")));
}

static void
writes_integers(void **state)
{
    const int64_t values[] = {0,   1,  -1,    9,         10,        -10,      99,
                              100, -9, 12345, INT64_MAX, INT64_MIN, INT32_MIN};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        char wanted[30];
        int len = snprintf(wanted, sizeof(wanted), "%" PRId64, values[i]);
        struct buf b;
        buf_init(&b, *state, 0);
        buf_put_int(&b, values[i]);
        assert_true(str_eq(buf_str(&b), (struct str){wanted, (size_t)len}));
    }
}

static void
prints(void **state)
{
    struct buf b;
    buf_init(&b, *state, 3);
    buf_print(&b, "%s=%d", "a", 1);
    buf_print(&b, "%s", "");
    buf_print(&b, ";%5000d", 2);
    struct str s = buf_str(&b);
    assert_int_equal(s.len, 5004);
    assert_true(str_starts(s, STR("a=1;   ")));
    assert_int_equal(s.ptr[5003], '2');
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_empty_but_present_at_first),
        TEST(keeps_what_was_written_while_it_grows),
        TEST(grows_in_place_when_it_is_the_newest),
        TEST(reserves_room_for_the_caller),
        TEST(writes_integers),
        TEST(prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

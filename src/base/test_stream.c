// Tests of streams over memory and of reading to the end.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// Gives one byte at a time, then fails or ends.
struct drip {
    struct stream stream;
    int left;
    int last_code;
    int closed;
};

static int
drip_read(struct stream *s, void *out, size_t size, size_t *got)
{
    struct drip *d = (struct drip *)s;
    *got = 0;
    if (d->left == 0)
        return d->last_code;
    d->left--;
    *(char *)out = 'x';
    *got = 1;
    return OK;
}

static void
drip_close(struct stream *s)
{
    ((struct drip *)s)->closed++;
}

static void
memory_is_read_in_pieces_and_then_ends(void **state)
{
    struct str_stream s;
    char out[4];
    size_t got;
    str_stream_init(&s, STR("abcdef"));
    assert_int_equal(s.stream.length, 6);
    assert_int_equal(stream_read(&s.stream, out, sizeof(out), &got), OK);
    assert_int_equal(got, 4);
    assert_memory_equal(out, "abcd", 4);
    assert_int_equal(stream_read(&s.stream, out, sizeof(out), &got), OK);
    assert_int_equal(got, 2);
    assert_memory_equal(out, "ef", 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stream_read(&s.stream, out, sizeof(out), &got), OK);
        assert_int_equal(got, 0);
    }
}

static void
absent_memory_is_empty(void **state)
{
    struct str_stream s;
    char out[1];
    size_t got = 7;
    str_stream_init(&s, (struct str){0});
    assert_int_equal(stream_read(&s.stream, out, sizeof(out), &got), OK);
    assert_int_equal(got, 0);
}

static void
full_reads_gather_small_ones(void **state)
{
    struct drip d = {.stream = {.read = drip_read}, .left = 5};
    char out[3];
    size_t got;
    assert_int_equal(stream_read_full(&d.stream, out, 3, &got), OK);
    assert_int_equal(got, 3);
    assert_int_equal(stream_read_full(&d.stream, out, 3, &got), OK);
    assert_int_equal(got, 2);
}

static void
full_reads_pass_failures_on(void **state)
{
    struct drip d = {.stream = {.read = drip_read}, .left = 2, .last_code = E_INVALID};
    char out[3];
    size_t got;
    assert_int_equal(stream_read_full(&d.stream, out, 3, &got), E_INVALID);
}

static void
closes_what_can_be_closed(void **state)
{
    struct drip d = {.stream = {.read = drip_read, .close = drip_close}};
    struct str_stream s;
    str_stream_init(&s, STR(""));
    stream_close(NULL);
    stream_close(&s.stream);
    stream_close(&d.stream);
    assert_int_equal(d.closed, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_read_in_pieces_and_then_ends),
        cmocka_unit_test(absent_memory_is_empty),
        cmocka_unit_test(full_reads_gather_small_ones),
        cmocka_unit_test(full_reads_pass_failures_on),
        cmocka_unit_test(closes_what_can_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of arenas.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/arena.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define IS_POISONED(ptr) __asan_address_is_poisoned(ptr)
#define IS_SANITIZED true
#else
#define IS_POISONED(ptr) ((void)(ptr), true) // nothing to ask: agrees with what the tests expect
#define IS_SANITIZED false
#endif

enum { CHUNK_BYTES = 16 * 1024 };

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

static bool
is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0)
            return false;
    }
    return true;
}

static void
gives_zeroed_aligned_memory(void **state)
{
    struct arena *a = *state;
    for (int round = 0; round < 3; round++) {
        size_t sum = 0;
        for (size_t size = 0; size < 300; size++) {
            char *p = arena_alloc(a, size);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_true(is_zero(p, size));
            memset(p, 0xff, size);
            arena_alloc_bytes(a, 1);
            sum += size + 1;
        }
        assert_int_equal(a->used_bytes, sum);
        arena_reset(a);
        assert_int_equal(a->used_bytes, 0);
    }
}

static void
gives_unique_pointers_for_nothing(void **state)
{
    char *p = arena_alloc(*state, 0);
    char *q = arena_alloc(*state, 0);
    char *r = arena_alloc_bytes(*state, 0);
    char *s = arena_alloc_bytes(*state, 0);
    assert_true(p && q && r && s);
    assert_true(p != q && q != r && r != s);
}

static void
gives_disjoint_memory_of_any_size(void **state)
{
    const size_t sizes[] = {1, CHUNK_BYTES - 100, 100, CHUNK_BYTES, 40 * CHUNK_BYTES, 7, 3000};
    char *blocks[COUNT_OF(sizes)];
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        blocks[i] = arena_alloc(*state, sizes[i]);
        assert_true(is_zero(blocks[i], sizes[i]));
        memset(blocks[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_int_equal(blocks[i][0], i + 1);
        assert_int_equal(blocks[i][sizes[i] - 1], i + 1);
    }
}

static void
overflowing_array(void)
{
    struct arena a;
    arena_init(&a);
    arena_alloc_array(&a, SIZE_MAX / 2, 3);
}

static void
huge_allocation(void)
{
    struct arena a;
    arena_init(&a);
    arena_alloc_bytes(&a, SIZE_MAX - 20);
}

static void
huge_growth(void)
{
    struct arena a;
    arena_init(&a);
    arena_grow(&a, arena_alloc(&a, 8), 8, SIZE_MAX - 20);
}

static void
foreign_mark(void)
{
    struct arena a, b;
    arena_init(&a);
    arena_init(&b);
    arena_alloc(&a, 1);
    arena_alloc(&b, 1);
    arena_rewind(&a, arena_mark(&b));
}

static void
assert_aborts(void (*fn)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        fn();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void
aborts_on_sizes_that_cannot_be(void **state)
{
    assert_aborts(overflowing_array);
    assert_aborts(huge_allocation);
    assert_aborts(huge_growth);
    assert_aborts(foreign_mark);
    int *numbers = ARENA_ARRAY((struct arena *)*state, 10, int);
    assert_true(is_zero((char *)numbers, 10 * sizeof(int)));
}

static void
grows_the_newest_in_place(void **state)
{
    struct arena *a = *state;
    char *p = arena_alloc(a, 10);
    memcpy(p, "0123456789", 10);
    assert_ptr_equal(arena_grow(a, p, 10, 1000), p);
    assert_memory_equal(p, "0123456789", 10);
    memset(p, 1, 1000);
    assert_int_equal(a->used_bytes, 1000);
    assert_ptr_equal(arena_grow(a, p, 1000, 5), p);

    char *empty = arena_alloc(a, 0);
    assert_ptr_equal(arena_grow(a, empty, 0, 1), empty);
    assert_ptr_equal(arena_grow(a, empty, 1, 50), empty);
    memset(empty, 1, 50);
    assert_int_equal(a->used_bytes, 1050);
}

static void
copies_what_cannot_grow_in_place(void **state)
{
    struct arena *a = *state;
    char *p = arena_alloc(a, 10);
    memcpy(p, "0123456789", 10);
    arena_alloc(a, 1);
    char *q = arena_grow(a, p, 10, 20);
    assert_ptr_not_equal(p, q);
    assert_int_equal((uintptr_t)q % 16, 0);
    assert_memory_equal(q, "0123456789", 10);

    char *r = arena_grow(a, q, 20, 3 * CHUNK_BYTES);
    assert_ptr_not_equal(r, q);
    assert_memory_equal(r, "0123456789", 10);
    memset(r, 1, 3 * CHUNK_BYTES);
    assert_memory_equal(q, "0123456789", 10);

    char *from_nothing = arena_grow(a, NULL, 0, 8);
    memset(from_nothing, 1, 8);
    assert_non_null(arena_grow(a, NULL, 0, 0));
}

static void
grows_up_to_the_end_of_the_chunk(void **state)
{
    struct arena *a = *state;
    char *p = arena_alloc(a, 1);
    size_t size = 1;
    while (arena_grow(a, p, size, size + 1) == p)
        size++;
    assert_true(size > CHUNK_BYTES - 100 && size < CHUNK_BYTES);
    memset(p, 1, size);

    // That is just what a chunk of the default size holds: reset keeps only those.
    arena_fini(a);
    arena_alloc(a, size + 1);
    arena_reset(a);
    assert_null(a->chunk);
    arena_alloc(a, size);
    arena_reset(a);
    assert_non_null(a->chunk);
}

static void
rewinds_to_a_mark(void **state)
{
    struct arena *a = *state;
    struct arena_mark at_start = arena_mark(a);
    char *kept = arena_alloc(a, 100);
    memset(kept, 7, 100);
    struct arena_mark mark = arena_mark(a);
    char *first = arena_alloc(a, 50);
    for (int i = 0; i < 10; i++)
        memset(arena_alloc(a, CHUNK_BYTES / 2), 1, CHUNK_BYTES / 2);
    arena_rewind(a, mark);
    assert_int_equal(a->used_bytes, 100);
    assert_int_equal(kept[99], 7);
    assert_true(IS_POISONED(first));

    char *again = arena_alloc(a, 50);
    assert_ptr_equal(again, first);
    assert_true(is_zero(again, 50));
    arena_rewind(a, at_start);
    assert_int_equal(a->used_bytes, 0);
    assert_null(a->chunk);
}

static void
reset_keeps_one_chunk(void **state)
{
    struct arena *a = *state;
    arena_reset(a);
    assert_null(a->chunk);
    arena_alloc(a, 10);
    arena_alloc(a, 5 * CHUNK_BYTES);
    for (int i = 0; i < 10; i++)
        arena_alloc(a, CHUNK_BYTES / 2);
    arena_reset(a);
    assert_non_null(a->chunk);
    struct arena_chunk *kept = a->chunk;
    char *again = arena_alloc(a, 10);
    assert_ptr_equal(a->chunk, kept);
    assert_true(is_zero(again, 10));
    arena_rewind(a, (struct arena_mark){0}); // nothing is older than the chunk that was kept
    assert_null(a->chunk);

    // Chunks above the default size are not kept.
    arena_alloc(a, 5 * CHUNK_BYTES);
    arena_reset(a);
    assert_null(a->chunk);
}

static void
poisons_what_is_not_allocated(void **state)
{
    if (!IS_SANITIZED)
        skip();
    struct arena *a = *state;
    char *p = arena_alloc_bytes(a, 13);
    assert_false(IS_POISONED(p + 12));
    assert_true(IS_POISONED(p + 13));
    char *q = arena_alloc_bytes(a, 3);
    assert_true(IS_POISONED(p + 13));
    assert_true(IS_POISONED(q + 3));
    arena_grow(a, q, 3, 30);
    assert_false(IS_POISONED(q + 29));
    assert_true(IS_POISONED(q + 30));
    arena_reset(a);
    assert_true(IS_POISONED(p));
    assert_true(IS_POISONED(q));
}

static void
copies_strings(void **state)
{
    struct arena *a = *state;
    struct str copy = arena_copy(a, STR("a\0b"));
    assert_true(str_eq(copy, STR("a\0b")));
    assert_false(str_is_present(arena_copy(a, (struct str){0})));
    copy = arena_copy(a, STR(""));
    assert_true(str_is_present(copy) && copy.len == 0);
    assert_string_equal(arena_copy_z(a, str_slice(STR("hello"), 1, 3)), "el");
    assert_string_equal(arena_copy_z(a, (struct str){0}), "");
}

static void
prints_of_any_length(void **state)
{
    struct arena *a = *state;
    assert_true(str_eq(arena_print(a, "%d-%s", 5, "x"), STR("5-x")));
    struct str empty = arena_print(a, "%s", "");
    assert_true(str_is_present(empty) && empty.len == 0);
    struct str wide = arena_print(a, "%50000d", 7);
    assert_int_equal(wide.len, 50000);
    assert_int_equal(wide.ptr[49999], '7');
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gives_zeroed_aligned_memory),
        TEST(gives_unique_pointers_for_nothing),
        TEST(gives_disjoint_memory_of_any_size),
        TEST(aborts_on_sizes_that_cannot_be),
        TEST(grows_the_newest_in_place),
        TEST(copies_what_cannot_grow_in_place),
        TEST(grows_up_to_the_end_of_the_chunk),
        TEST(rewinds_to_a_mark),
        TEST(reset_keeps_one_chunk),
        TEST(poisons_what_is_not_allocated),
        TEST(copies_strings),
        TEST(prints_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of tuple keys: their order is that of their elements, and they read back.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/tuple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ELEMENTS_MAX = 4, ROUNDS = 20000, FIXED_BYTES = 4 };

struct element {
    enum { TEXT, INT, FIXED } kind;
    struct str text;
    int64_t value;
};

struct sample {
    struct element elements[ELEMENTS_MAX];
    size_t count;
};

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// Few distinct bytes, so that samples often share prefixes and hold 00 and FF.
static struct str
random_text(uint64_t *state, struct arena *arena, size_t len)
{
    static const char BYTES[] = {0, 1, 'a', (char)0xff};
    char *text = arena_alloc_bytes(arena, len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = BYTES[next_random(state) % sizeof BYTES];
    return (struct str){text, len};
}

static int64_t
random_value(uint64_t *state)
{
    static const int64_t VALUES[] = {INT64_MIN, -256, -1, 0, 1, 255, 256, INT64_MAX};
    return VALUES[next_random(state) % COUNT_OF(VALUES)];
}

static struct element
random_element(uint64_t *state, struct arena *arena)
{
    switch (next_random(state) % 3) {
    case 0:
        return (struct element){.kind = TEXT,
                                .text = random_text(state, arena, next_random(state) % 4)};
    case 1:
        return (struct element){.kind = INT, .value = random_value(state)};
    default:
        return (struct element){.kind = FIXED, .text = random_text(state, arena, FIXED_BYTES)};
    }
}

static struct sample
random_sample(uint64_t *state, struct arena *arena)
{
    struct sample s = {.count = next_random(state) % (ELEMENTS_MAX + 1)};
    for (size_t i = 0; i < s.count; i++)
        s.elements[i] = random_element(state, arena);
    return s;
}

static int
sign_of(int n)
{
    return (n > 0) - (n < 0);
}

static int
compare_elements(const struct element *a, const struct element *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == INT)
        return (a->value > b->value) - (a->value < b->value);
    return sign_of(str_cmp(a->text, b->text));
}

static int
compare_samples(const struct sample *a, const struct sample *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        int order = compare_elements(&a->elements[i], &b->elements[i]);
        if (order != 0)
            return order;
    }
    return (a->count > b->count) - (a->count < b->count);
}

static void
add_sample(struct tuple *t, const struct sample *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct element *e = &s->elements[i];
        if (e->kind == TEXT)
            tuple_add_str(t, e->text);
        else if (e->kind == INT)
            tuple_add_int(t, e->value);
        else
            tuple_add_fixed(t, e->text);
    }
}

static struct str
key_of(const struct sample *s, struct arena *arena)
{
    struct tuple t;
    tuple_init(&t, arena);
    add_sample(&t, s);
    return arena_copy(arena, tuple_key(&t));
}

static void
check_reads_back(const struct sample *s, struct str key, struct arena *arena)
{
    struct tuple_reader r;
    tuple_reader_init(&r, arena, key);
    for (size_t i = 0; i < s->count; i++) {
        const struct element *e = &s->elements[i];
        struct str text = {0};
        int64_t value;
        if (e->kind == INT) {
            assert_int_equal(tuple_read_int(&r, &value), OK);
            assert_true(value == e->value);
            continue;
        }
        if (e->kind == TEXT)
            assert_int_equal(tuple_read_str(&r, &text), OK);
        else
            assert_int_equal(tuple_read_fixed(&r, FIXED_BYTES, &text), OK);
        assert_true(str_eq(text, e->text));
    }
    struct str text;
    assert_int_equal(tuple_read_str(&r, &text), E_NOT_FOUND);
}

static void
byte_order_is_element_order(void **state)
{
    uint64_t random = 0x9e3779b97f4a7c15;
    struct arena arena;
    arena_init(&arena);
    for (int i = 0; i < ROUNDS; i++) {
        struct sample a = random_sample(&random, &arena), b = random_sample(&random, &arena);
        struct str key_a = key_of(&a, &arena), key_b = key_of(&b, &arena);
        assert_int_equal(sign_of(str_cmp(key_a, key_b)), compare_samples(&a, &b));
        check_reads_back(&a, key_a, &arena);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static bool
is_prefix(const struct sample *prefix, const struct sample *s)
{
    for (size_t i = 0; i < prefix->count; i++) {
        if (i == s->count || compare_elements(&prefix->elements[i], &s->elements[i]) != 0)
            return false;
    }
    return true;
}

static void
range_holds_what_begins_so(void **state)
{
    uint64_t random = 88172645463325252;
    struct arena arena;
    arena_init(&arena);
    for (int i = 0; i < ROUNDS; i++) {
        struct sample prefix = random_sample(&random, &arena), s = random_sample(&random, &arena);
        prefix.count %= 3;
        struct tuple t;
        tuple_init(&t, &arena);
        add_sample(&t, &prefix);
        struct str from, to, key = key_of(&s, &arena);
        tuple_range(&t, &arena, &from, &to);
        bool is_inside = str_cmp(from, key) <= 0 && str_cmp(key, to) < 0;
        assert_int_equal(is_inside, s.count > prefix.count && is_prefix(&prefix, &s));
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void
bytes_are_as_documented(void **state)
{
    struct arena arena;
    arena_init(&arena);
    struct tuple t;
    tuple_init(&t, &arena);
    tuple_add_str(&t, STR("a\0b"));
    tuple_add_int(&t, -2);
    tuple_add_fixed(&t, STR("\0\xff"));
    struct str expected = STR("\x02"
                              "a\0\xff"
                              "b\0"
                              "\x15\x7f\xff\xff\xff\xff\xff\xff\xfe"
                              "\x20\0\xff");
    assert_true(str_eq(tuple_key(&t), expected));
    arena_fini(&arena);
}

static void
broken_keys_are_refused(void **state)
{
    static const struct str BROKEN[] = {
        {"\x02", 1},
        {"\x02"
         "abc",
         4},
        {"\x02"
         "a\0\xff",
         4},
        {"\x15\x80\0\0", 4},
        {"\x20"
         "ab",
         3},
        {"\x7f", 1},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < COUNT_OF(BROKEN); i++) {
        struct tuple_reader r;
        struct str text = STR("untouched");
        int64_t value = 7;
        tuple_reader_init(&r, &arena, BROKEN[i]);
        assert_int_equal(tuple_read_str(&r, &text), E_INVALID);
        assert_int_equal(tuple_read_int(&r, &value), E_INVALID);
        assert_int_equal(tuple_read_fixed(&r, FIXED_BYTES, &text), E_INVALID);
        assert_true(str_eq(text, STR("untouched")));
        assert_int_equal(value, 7);
    }
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_documented),
        cmocka_unit_test(byte_order_is_element_order),
        cmocka_unit_test(range_holds_what_begins_so),
        cmocka_unit_test(broken_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

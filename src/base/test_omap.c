// Tests of the ordered map, most of them against a sorted array.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/omap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MODEL_MAX = 2000, OPERATIONS = 20000 };

// The same map as a sorted array.
struct model {
    size_t count;
    struct model_entry {
        char bytes[4];
        size_t len;
        void *value;
    } entries[MODEL_MAX];
};

struct twin {
    struct omap *map;
    struct model model;
    uint64_t random;
};

static uint64_t
draw(struct twin *t, uint64_t below)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return t->random % below;
}

static struct str
model_key(const struct model *m, size_t i)
{
    return (struct str){m->entries[i].bytes, m->entries[i].len};
}

// Index of the first entry with a key >= the given.
static size_t
model_lower_bound(const struct model *m, struct str key)
{
    size_t i = 0;
    while (i < m->count && str_cmp(model_key(m, i), key) < 0)
        i++;
    return i;
}

static bool
model_has(const struct model *m, size_t i, struct str key)
{
    return i < m->count && str_eq(model_key(m, i), key);
}

static void
model_put(struct model *m, struct str key, void *value)
{
    size_t i = model_lower_bound(m, key);
    if (!model_has(m, i, key)) {
        assert_true(m->count < MODEL_MAX);
        memmove(m->entries + i + 1, m->entries + i, (m->count - i) * sizeof(m->entries[0]));
        m->entries[i] = (struct model_entry){.len = key.len};
        memcpy(m->entries[i].bytes, key.ptr, key.len);
        m->count++;
    }
    m->entries[i].value = value;
}

static void *
model_take(struct model *m, struct str key)
{
    size_t i = model_lower_bound(m, key);
    if (!model_has(m, i, key))
        return NULL;
    void *value = m->entries[i].value;
    m->count--;
    memmove(m->entries + i, m->entries + i + 1, (m->count - i) * sizeof(m->entries[0]));
    return value;
}

static void
assert_entry(const struct model *m, bool is_there, size_t i, const struct omap_entry *e)
{
    assert_int_equal(e != NULL, is_there);
    if (e == NULL)
        return;
    assert_true(str_eq(e->key, model_key(m, i)));
    assert_ptr_equal(e->value, m->entries[i].value);
}

static void
assert_searches_agree(const struct twin *t, struct str key)
{
    const struct model *m = &t->model;
    size_t i = model_lower_bound(m, key);
    assert_entry(m, i < m->count, i, omap_lower_bound(t->map, key));
    assert_entry(m, i > 0, i - 1, omap_before(t->map, key));
    assert_entry(m, model_has(m, i, key), i, omap_find(t->map, key));
    assert_int_equal(omap_count(t->map), m->count);
}

static void
assert_iterations_agree(const struct twin *t)
{
    const struct omap_entry *e = omap_first(t->map);
    for (size_t i = 0; i < t->model.count; i++, e = omap_next(e))
        assert_entry(&t->model, true, i, e);
    assert_null(e);
}

// Keys of 0 to 3 bytes of a few values, so that prefixes, zeros and high bytes meet.
static struct str
draw_key(struct twin *t, char bytes[4])
{
    static const char alphabet[] = {'\0', '\1', 'a', 'b', 'c', '\x7f', '\x80', '\xff'};
    size_t len = draw(t, 4);
    for (size_t i = 0; i < len; i++)
        bytes[i] = alphabet[draw(t, sizeof(alphabet))];
    return (struct str){bytes, len};
}

static void
step(struct twin *t, uint64_t puts_of_8)
{
    char bytes[4];
    struct str key = draw_key(t, bytes);
    assert_searches_agree(t, key);
    if (draw(t, 8) < puts_of_8) {
        void *value = (void *)(uintptr_t)(1 + draw(t, 1000000));
        omap_put(t->map, key)->value = value;
        model_put(&t->model, key, value);
    } else {
        assert_ptr_equal(omap_take(t->map, key), model_take(&t->model, key));
    }
    assert_searches_agree(t, key);
}

static void
agrees_with_a_sorted_array(void **state)
{
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct twin *t = calloc(1, sizeof(*t));
        t->map = omap_new(seed);
        t->random = seed + 88172645463325252u;
        for (int i = 0; i < OPERATIONS; i++) {
            // Grows for a while, then shrinks.
            step(t, i / 2000 % 2 == 0 ? 6 : 2);
            if (i % 1000 == 0)
                assert_iterations_agree(t);
        }
        assert_iterations_agree(t);
        omap_free(t->map, NULL);
        free(t);
    }
}

static void
is_empty_at_first(void **state)
{
    struct omap *m = omap_new(1);
    assert_int_equal(omap_count(m), 0);
    assert_null(omap_first(m));
    assert_null(omap_find(m, STR("")));
    assert_null(omap_lower_bound(m, STR("")));
    assert_null(omap_before(m, STR("\xff")));
    assert_null(omap_take(m, STR("a")));
    omap_free(m, NULL);
    omap_free(NULL, NULL);
}

static void
copies_its_keys(void **state)
{
    struct omap *m = omap_new(1);
    char *key = strdup("key");
    struct omap_entry *e = omap_put(m, str_of(key));
    memset(key, 'x', 3);
    free(key);
    assert_null(e->value);
    assert_ptr_equal(omap_find(m, STR("key")), e);
    assert_ptr_equal(omap_put(m, STR("key")), e);
    assert_int_equal(omap_count(m), 1);
    assert_true(omap_put(m, (struct str){0}) == omap_find(m, STR("")));
    omap_free(m, NULL);
}

static void
count_free(void *value)
{
    ++*(int *)value;
}

static void
frees_values_that_are_left(void **state)
{
    int freed[3] = {0};
    struct omap *m = omap_new(1);
    omap_put(m, STR("a"))->value = &freed[0];
    omap_put(m, STR("b"))->value = &freed[1];
    omap_put(m, STR("c"))->value = &freed[2];
    assert_ptr_equal(omap_take(m, STR("b")), &freed[1]);
    omap_free(m, count_free);
    assert_int_equal(freed[0], 1);
    assert_int_equal(freed[1], 0);
    assert_int_equal(freed[2], 1);
}

static void
iterates_over_changes(void **state)
{
    struct omap *m = omap_new(1);
    omap_put(m, STR("b"));
    omap_put(m, STR("d"));
    omap_put(m, STR("f"));
    struct omap_entry *e = omap_find(m, STR("d"));
    omap_take(m, STR("b"));
    omap_take(m, STR("f"));
    omap_put(m, STR("c"));
    omap_put(m, STR("e"));
    e = omap_next(e);
    assert_true(str_eq(e->key, STR("e")));
    assert_null(omap_next(e));
    omap_free(m, NULL);
}

static void
lives_in_an_arena(void **state)
{
    struct arena arena;
    arena_init(&arena);
    struct omap *m = omap_new_in(&arena, 1);
    omap_put(m, STR("b"))->value = m;
    omap_put(m, STR("a"));
    assert_ptr_equal(omap_take(m, STR("b")), m);
    assert_null(omap_find(m, STR("b")));
    assert_int_equal(omap_count(m), 1);
    assert_true(str_eq(omap_first(m)->key, STR("a")));
    arena_fini(&arena);
}

// 100,000 searches among 50,000 entries that came in order: far too slow if they walked.
static void
searches_do_not_walk_the_list(void **state)
{
    enum { ENTRIES = 50000 };
    struct omap *m = omap_new(7);
    uint8_t key[3];
    struct str s = {(const char *)key, sizeof(key)};
    for (uint32_t i = 0; i < ENTRIES; i++) {
        memcpy(key, (uint8_t[]){(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}, 3);
        omap_put(m, s)->value = (void *)(uintptr_t)i;
    }
    for (uint32_t i = 1; i < ENTRIES; i++) {
        memcpy(key, (uint8_t[]){(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}, 3);
        assert_ptr_equal(omap_before(m, s)->value, (uintptr_t)i - 1);
        assert_ptr_equal(omap_lower_bound(m, s)->value, (uintptr_t)i);
    }
    omap_free(m, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_sorted_array),
        cmocka_unit_test(is_empty_at_first),
        cmocka_unit_test(copies_its_keys),
        cmocka_unit_test(frees_values_that_are_left),
        cmocka_unit_test(iterates_over_changes),
        cmocka_unit_test(lives_in_an_arena),
        cmocka_unit_test(searches_do_not_walk_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of contents that are sealed under data keys.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/data_key.h"

#include "src/store/fixture.h"

struct keys {
    struct arena arena;
    struct seal *seal;
    struct aes *aes;
    struct data_keys *ks;
};

static void
keys_init(struct keys *k, struct fixture *f)
{
    arena_init(&k->arena);
    k->seal = seal_new(f->runtime);
    k->aes = aes_new();
    k->ks = data_keys_new(k->seal, k->aes);
}

static void
keys_fini(struct keys *k)
{
    data_keys_free(k->ks);
    aes_free(k->aes);
    seal_free(k->seal);
    arena_fini(&k->arena);
}

static const char ids[2][DATA_ID_BYTES] = {"0123456789abcde", "0123456789abcdf"};

static struct str
sealed_of(struct keys *k, struct str key, int id, struct str content)
{
    struct str sealed;
    CHECK(data_encode(k->ks, key, STR("queue"), ids[id], content, &k->arena, &sealed) == OK);
    return sealed;
}

static int
open_with(struct keys *k, struct str key, int id, struct str sealed, struct str *out)
{
    return data_decode(k->ks, key, STR("queue"), ids[id], sealed, &k->arena, out);
}

static void
contents_are_read_back(struct fixture *f)
{
    struct keys k;
    keys_init(&k, f);
    struct str key = data_key_new(k.ks, STR("queue"), &k.arena), back;
    char *large = arena_alloc_bytes(&k.arena, KV_VALUE_BYTES_MAX);
    memset(large, 'x', KV_VALUE_BYTES_MAX);
    struct str contents[] = {STR(""), STR("hello"), {large, KV_VALUE_BYTES_MAX}};
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        struct str sealed = sealed_of(&k, key, 0, contents[i]);
        CHECK(sealed.len == contents[i].len + DATA_EXTRA_BYTES);
        CHECK(contents[i].len == 0 || str_find(sealed, contents[i]) < 0);
        CHECK(open_with(&k, key, 0, sealed, &back) == OK && str_eq(back, contents[i]));
    }
    keys_fini(&k);
}

static void
ids_have_keys_of_their_own(struct fixture *f)
{
    struct keys k;
    keys_init(&k, f);
    struct str key = data_key_new(k.ks, STR("queue"), &k.arena), back;
    struct str one = sealed_of(&k, key, 0, STR("hello"));
    struct str other = sealed_of(&k, key, 1, STR("hello"));
    CHECK(!str_eq(one, other));
    CHECK(open_with(&k, key, 1, one, &back) == E_INVALID);
    CHECK(open_with(&k, key, 1, other, &back) == OK);
    keys_fini(&k);
}

static void
what_was_changed_is_refused(struct fixture *f)
{
    struct keys k;
    keys_init(&k, f);
    struct str key = data_key_new(k.ks, STR("queue"), &k.arena), back;
    struct str sealed = sealed_of(&k, key, 0, STR("hello"));
    for (size_t i = 0; i < sealed.len; i++) {
        struct str changed = arena_copy(&k.arena, sealed);
        ((char *)changed.ptr)[i] ^= 1;
        CHECK(open_with(&k, key, 0, changed, &back) == E_INVALID);
    }
    ((char *)sealed.ptr)[0] = 2;
    CHECK(open_with(&k, key, 0, sealed, &back) == E_NEWER);
    CHECK(open_with(&k, key, 0, STR("\1short"), &back) == E_INVALID);
    keys_fini(&k);
}

static void
keys_open_only_what_they_are_bound_to(struct fixture *f)
{
    struct keys k;
    keys_init(&k, f);
    struct str key = data_key_new(k.ks, STR("queue"), &k.arena);
    struct str strange = data_key_new(k.ks, STR("another queue"), &k.arena), back;
    struct str sealed = sealed_of(&k, key, 0, STR("hello"));
    CHECK(open_with(&k, strange, 0, sealed, &back) == E_INVALID);
    CHECK(open_with(&k, STR("no key"), 0, sealed, &back) == E_INVALID);
    // More keys than are remembered: each still opens its own.
    struct str keys[600], contents[600];
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        keys[i] = data_key_new(k.ks, STR("queue"), &k.arena);
        contents[i] = sealed_of(&k, keys[i], 0, STR("hello"));
    }
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        CHECK(open_with(&k, keys[i], 0, contents[i], &back) == OK);
        CHECK(open_with(&k, keys[i], 0, sealed, &back) == E_INVALID);
    }
    keys_fini(&k);
}

#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        in_fiber(*state, name);                                                                    \
    }

IN_FIBER(contents_are_read_back)
IN_FIBER(ids_have_keys_of_their_own)
IN_FIBER(what_was_changed_is_refused)
IN_FIBER(keys_open_only_what_they_are_bound_to)

#define ON_MEM(name) {#name, test_##name, fixture_setup, fixture_teardown, (void *)"mem:"}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_MEM(contents_are_read_back),
        ON_MEM(ids_have_keys_of_their_own),
        ON_MEM(what_was_changed_is_refused),
        ON_MEM(keys_open_only_what_they_are_bound_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

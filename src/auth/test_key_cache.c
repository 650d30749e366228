// The cache answers what the computation answers, whatever is in it.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/key_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
check(struct key_cache *cache, const struct sigv4 *sig, struct str secret)
{
    struct sha256 expected = sigv4_signing_key(secret, sig->date, sig->region, sig->service);
    for (int i = 0; i < 2; i++) {
        struct sha256 got = key_cache_get(cache, sig, secret);
        assert_memory_equal(got.bytes, expected.bytes, SHA256_BYTES);
    }
}

static struct sigv4
header(struct str access_key, struct str region)
{
    return (struct sigv4){
        .access_key = access_key, .date = STR("20150830"), .region = region, .service = STR("sqs")};
}

// Many more scopes than slots, so that slots are taken over, and each asked for again later.
static void
test_equals_computation(void **state)
{
    struct key_cache *cache = key_cache_new();
    struct arena arena;
    arena_init(&arena);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2 * KEY_CACHE_SLOTS; i++) {
            struct sigv4 h = header(STR("test"), arena_print(&arena, "region-%d", i));
            check(cache, &h, STR("test"));
        }
    arena_fini(&arena);
    key_cache_free(cache);
}

static void
test_fields_do_not_run_together(void **state)
{
    struct key_cache *cache = key_cache_new();
    struct sigv4 a = header(STR("key"), STR("eu")), b = a;
    b.date = STR("20150830e");
    b.region = STR("u");
    check(cache, &a, STR("one"));
    check(cache, &b, STR("one"));
    check(cache, &a, STR("two"));
    key_cache_free(cache);
}

static void
test_long_scope(void **state)
{
    char text[600];
    memset(text, 'r', sizeof(text));
    struct key_cache *cache = key_cache_new();
    for (size_t len = 150; len < sizeof(text); len++) {
        struct sigv4 h = header(STR("key"), (struct str){text, len});
        check(cache, &h, STR("one"));
    }
    key_cache_free(cache);
    key_cache_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_computation),
        cmocka_unit_test(test_fields_do_not_run_together),
        cmocka_unit_test(test_long_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

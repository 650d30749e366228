// Tests of the index of resources: found by ARN and by tag across services, in their transactions.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/resource.h"

#include <stdio.h>

#include "src/store/check.h"
#include "src/store/ways_fixture.h"

struct change {
    const char *arn;
    const char *tags[6]; // key, value, ...
    bool is_deleted;
    int code; // what the transaction ends with
};

static int
change_body(struct kv_txn *txn, void *arg)
{
    const struct change *c = arg;
    struct arena *a = kv_txn_arena(txn);
    struct store_tag_list_record tags = {0};
    struct arn arn;
    CHECK(arn_parse(str_of(c->arn), &arn) == OK);
    if (c->is_deleted)
        return resource_del(txn, &arn);
    for (size_t i = 0; i < COUNT_OF(c->tags) && c->tags[i]; i += 2)
        CHECK(tag_list_put(a, &tags, str_of(c->tags[i]), str_of(c->tags[i + 1])) == OK);
    TRY(resource_set(txn, &arn, &tags));
    return c->code;
}

static void
change(struct ways *w, struct change c)
{
    assert_int_equal(ways_run(w, change_body, &c), c.code);
}

struct listing {
    const char *service, *key, *value;
    char text[1024];
};

static int
listing_body(struct kv_txn *txn, void *arg)
{
    struct listing *l = arg;
    struct arena *a = kv_txn_arena(txn);
    struct str account = STR("000000000000"), region = STR("eu-west-1"), absent = {0};
    struct index_page p = {.limit = 2};
    l->text[0] = 0;
    if (l->key)
        resource_tagged_range(a, account, region, str_of(l->key),
                              l->value ? str_of(l->value) : absent, &p.from, &p.to);
    else
        resource_range(a, account, region, l->service ? str_of(l->service) : absent, &p.from,
                       &p.to);
    do {
        p.after = p.next;
        TRY(index_page_read(txn, l->key ? resource_by_tag : resource_by_arn, &p));
        for (size_t i = 0; i < p.count; i++) {
            struct arn arn;
            CHECK(resource_parse(a, p.targets[i], &arn) == OK);
            size_t len = strlen(l->text);
            snprintf(l->text + len, sizeof(l->text) - len, STR_FMT " ", STR_ARG(arn.resource));
        }
    } while (str_is_present(p.next));
    return OK;
}

static const char *
list(struct ways *w, struct listing *l)
{
    assert_int_equal(ways_run(w, listing_body, l), OK);
    return l->text;
}

#define LIST(...) list(w, &(struct listing){__VA_ARGS__})
#define SQS "arn:aws:sqs:eu-west-1:000000000000:"
#define SNS "arn:aws:sns:eu-west-1:000000000000:"

static void
resources_are_found_by_arn_and_by_tag(void **state)
{
    struct ways *w = *state;
    change(w, (struct change){SQS "a", {"team", "x", "stage", "prod"}});
    change(w, (struct change){SQS "b", {"team", "y"}});
    change(w, (struct change){SNS "t", {"team", "x"}});
    change(w, (struct change){SQS "plain", {0}});
    change(w, (struct change){"arn:aws:sqs:us-east-1:000000000000:far", {"team", "x"}});
    change(w, (struct change){"arn:aws:sqs:eu-west-1:111111111111:other", {"team", "x"}});
    change(w, (struct change){SQS "never", {"team", "x"}, .code = E_INVALID});
    assert_string_equal(LIST(0), "t a b plain ");
    assert_string_equal(LIST(.service = "sqs"), "a b plain ");
    assert_string_equal(LIST(.key = "team", .value = "x"), "t a ");
    assert_string_equal(LIST(.key = "team"), "t a b ");
    assert_string_equal(LIST(.key = "tea"), "");
    assert_string_equal(LIST(.key = "stage", .value = "prod"), "a ");
    change(w, (struct change){SQS "a", {"team", "y"}});
    assert_string_equal(LIST(.key = "team", .value = "x"), "t ");
    assert_string_equal(LIST(.key = "team", .value = "y"), "a b ");
    assert_string_equal(LIST(.key = "stage"), "");
    change(w, (struct change){SQS "b", .is_deleted = true});
    assert_string_equal(LIST(.key = "team"), "t a ");
    assert_string_equal(LIST(.service = "sqs"), "a plain ");
}

static int
longest_body(struct kv_txn *txn, void *arg)
{
    struct listing *l = arg;
    struct arena *a = kv_txn_arena(txn);
    struct store_tag_list_record tags = {0};
    struct arn arn;
    struct str long_value = arena_print(a, "%0*d", TAG_VALUE_MAX, 7);
    struct str wide = arena_print(a, STR_FMT STR_FMT STR_FMT STR_FMT, STR_ARG(long_value),
                                  STR_ARG(long_value), STR_ARG(long_value), STR_ARG(long_value));
    CHECK(arn_parse(STR(SQS "long"), &arn) == OK);
    for (int i = 0; i < TAGS_MAX; i++)
        CHECK(tag_list_put(a, &tags, arena_print(a, "%0500d", i), wide) == OK);
    CHECK(tag_list_put(a, &tags, STR("more"), wide) == E_LIMIT);
    CHECK(tag_list_put(a, &tags, arena_print(a, "%0500d", 3), wide) == OK);
    CHECK(tags.count == TAGS_MAX);
    TRY(resource_set(txn, &arn, &tags));
    l->key = arena_copy_z(a, arena_print(a, "%0500d", 49));
    l->value = arena_copy_z(a, wide);
    return listing_body(txn, l);
}

// Four bytes a character, and as many tags as there may be.
static void
the_longest_tags_fit(void **state)
{
    struct ways *w = *state;
    struct listing l = {0};
    assert_int_equal(ways_run(w, longest_body, &l), OK);
    assert_string_equal(l.text, "long ");
}

static void
tags_have_limits(void **state)
{
    char text[TAG_VALUE_MAX + 2] = {0};
    memset(text, 'k', sizeof(text) - 1);
    assert_int_equal(tag_key_problem(STR("")), TAG_LENGTH);
    assert_int_equal(tag_key_problem((struct str){text, TAG_KEY_MAX}), TAG_FINE);
    assert_int_equal(tag_key_problem((struct str){text, TAG_KEY_MAX + 1}), TAG_LENGTH);
    assert_int_equal(tag_value_problem(STR("")), TAG_FINE);
    assert_int_equal(tag_value_problem((struct str){text, TAG_VALUE_MAX}), TAG_FINE);
    assert_int_equal(tag_value_problem((struct str){text, TAG_VALUE_MAX + 1}), TAG_LENGTH);
    assert_int_equal(tag_key_problem(STR("a b_.:/=+-@9\xc3\xa4")), TAG_FINE);
    assert_int_equal(tag_key_problem(STR("a?")), TAG_CHARACTERS);
    assert_int_equal(tag_key_problem(STR("AWS:x")), TAG_RESERVED);
    assert_int_equal(tag_key_problem(STR("aws")), TAG_FINE);
}

static void
print_nothing(void *arg, const char *line)
{
}

static int
check_main(void *arg)
{
    struct ways *w = arg;
    struct check c = {
        .kv = w->store.kv, .part = "store", .is_repair = true, .print = print_nothing};
    TRY(resource_check(&c));
    return c.problems == 1 && c.mended == 1 ? OK : c.problems == 0 ? E_NOT_FOUND : E_INVALID;
}

static int
lose_body(struct kv_txn *txn, void *arg)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    resource_tagged_range(a, STR("000000000000"), STR("eu-west-1"), STR("team"), STR("x"),
                          &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    TRY(kv_iter_next(it, &key, &value));
    kv_iter_close(it);
    return kv_del(txn, key);
}

static void
fsck_mends_the_index(void **state)
{
    struct ways *w = *state;
    change(w, (struct change){SQS "a", {"team", "x", "stage", "prod"}});
    assert_int_equal(runtime_call(w->store.runtime, check_main, w), E_NOT_FOUND);
    assert_int_equal(ways_run(w, lose_body, NULL), OK);
    assert_string_equal(LIST(.key = "team", .value = "x"), "");
    assert_int_equal(runtime_call(w->store.runtime, check_main, w), OK);
    assert_string_equal(LIST(.key = "team", .value = "x"), "a ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(resources_are_found_by_arn_and_by_tag),
        ON_EACH(the_longest_tags_fit),
        cmocka_unit_test(tags_have_limits),
        ON_EACH(fsck_mends_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

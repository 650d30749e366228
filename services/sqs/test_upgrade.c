// Tests of what an older build left: its bytes are read, and brought to today's records.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fixture.h"
#include "services/sqs/listed.h"
#include "services/sqs/queue.h"
#include "services/sqs/tags.h"
#include "services/sqs/upgrade.h"
#include "src/store/check.h"

// As 0.1.0-a wrote them: a version, then CBOR.
static const char old_generation[] = "0123456789abcdef";
static const char old_queue[] = "\x01\xa5\x01\x50"
                                "0123456789abcdef"
                                "\x02\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x00"
                                "\x03\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x00"
                                "\x05\x18\x1e\x07\x1a\x00\x05\x46\x00";
static const char old_tags[] = "\x01\xa1\x01\x82"
                               "\xa2\x01\x64team\x02\x67storage"
                               "\xa2\x01\x65"
                               "empty\x02\x60";

static const struct queue_name old_name = {{"000000000000", 12}, {"us-east-1", 9}, {"old", 3}};

static int
old_body(struct kv_txn *txn, void *arg)
{
    struct arena *a = kv_txn_arena(txn);
    struct place p = {old_name.account, old_name.region, {old_generation, GENERATION_BYTES}};
    TRY(kv_set(txn, key_known(a, &old_name), STR("")));
    TRY(kv_set(txn, key_tags(a, &p), (struct str){old_tags, sizeof(old_tags) - 1}));
    return kv_set(txn, key_queue(a, old_name.account, old_name.region, old_name.name),
                  (struct str){old_queue, sizeof(old_queue) - 1});
}

struct look {
    struct queue queue;
    struct store_tag_list_record tags;
    int resource; // what looking for it gave
    size_t tagged;
};

static int
look_body(struct kv_txn *txn, void *arg)
{
    struct look *l = arg;
    struct arena *a = kv_txn_arena(txn);
    struct arn arn = listed_arn(&old_name);
    struct store_resource_record resource;
    struct index_page p = {.limit = 10};
    TRY(queue_find(txn, NULL, &old_name, &l->queue));
    TRY(listed_tags(txn, &old_name, &l->queue.record, &l->tags));
    l->resource = resource_get(txn, &arn, &resource);
    resource_tagged_range(a, old_name.account, old_name.region, STR("team"), STR("storage"),
                          &p.from, &p.to);
    TRY(index_page_read(txn, resource_by_tag, &p));
    l->tagged = p.count;
    return OK;
}

static struct look
look(struct fixture *f)
{
    struct look l = {0};
    CHECK(kv_run(f->cloud.kv, &f->arena, look_body, &l) == OK);
    CHECK(l.queue.record.visibility_timeout_s.value == 30);
    CHECK(l.tags.count == 2 && str_eq(l.tags.items[0].key, STR("team")));
    CHECK(str_eq(l.tags.items[0].value, STR("storage")) && l.tags.items[1].value.len == 0);
    return l;
}

static int
set_body(struct kv_txn *txn, void *arg)
{
    return queue_set(txn, arg);
}

static void
print_nothing(void *arg, const char *line)
{
}

static size_t
problems(struct fixture *f)
{
    struct check c = {.kv = f->cloud.kv,
                      .runtime = f->cloud.runtime,
                      .reaper = f->cloud.reaper,
                      .part = "sqs",
                      .print = print_nothing};
    CHECK(sqs_check(&c) == OK && resource_check(&c) == OK);
    return c.problems;
}

static void
an_old_queue_is_read_and_listed_once_it_is_written(struct fixture *f)
{
    CHECK(kv_run(f->cloud.kv, &f->arena, old_body, NULL) == OK);
    struct look l = look(f);
    CHECK(l.queue.record.is_unlisted.value && l.resource == E_NOT_FOUND && l.tagged == 0);
    CHECK(problems(f) == 0);
    CHECK(kv_run(f->cloud.kv, &f->arena, set_body, &l.queue) == OK);
    l = look(f);
    CHECK(!l.queue.record.is_unlisted.is_present && l.resource == OK && l.tagged == 1);
    CHECK(problems(f) == 0);
}

static void
test_old_queue(void **state)
{
    in_fiber(*state, an_old_queue_is_read_and_listed_once_it_is_written);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_old_queue, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

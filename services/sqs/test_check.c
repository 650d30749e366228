// Tests of SQS's invariants: a store that is in order has none broken, and each that is broken is
// found, and mended where that can be proven.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fixture.h"
#include "services/sqs/queue.h"
#include "src/store/check.h"

#include <stdio.h>

struct result {
    size_t problems, mended;
    char first[256];
};

static void
note(void *arg, const char *line)
{
    struct result *r = arg;
    if (*r->first == 0)
        snprintf(r->first, sizeof(r->first), "%s", line);
}

static struct result
check(struct fixture *f, bool is_repair)
{
    struct result r = {0};
    struct check c = {.kv = f->cloud.kv,
                      .runtime = f->cloud.runtime,
                      .reaper = f->cloud.reaper,
                      .part = "sqs",
                      .is_repair = is_repair,
                      .print = note,
                      .print_arg = &r};
    CHECK(sqs_check(&c) == OK);
    r.problems = c.problems;
    r.mended = c.mended;
    return r;
}

// Found, and after a repair no more.
static void
is_mended(struct fixture *f, const char *text)
{
    struct result r = check(f, false);
    CHECK(r.problems > 0 && strstr(r.first, text) != NULL);
    r = check(f, true);
    CHECK(r.problems > 0 && r.mended == r.problems);
    CHECK(check(f, false).problems == 0);
}

static struct str
fill(struct fixture *f)
{
    static const char *const fifo[][2] = {{"FifoQueue", "true"}};
    static const char *const redrive[][2] = {
        {"RedrivePolicy", "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:dead\","
                          "\"maxReceiveCount\":1}"}};
    struct str standard = queue_make(f, "standard", NULL, 0);
    struct str ordered = queue_make(f, "ordered.fifo", fifo, 1);
    queue_make(f, "dead", NULL, 0);
    struct str source = queue_make(f, "source", redrive, 1);
    for (int i = 0; i < 30; i++) {
        message_send(f, standard, "x", NULL);
        message_send(f, source, "x", NULL);
        message_send(f, ordered, arena_copy_z(&f->arena, arena_print(&f->arena, "%d", i)),
                     i % 2 ? "odd" : "even");
    }
    CHECK(message_receive(f, standard, 30) == 10 && message_receive(f, ordered, 30) > 0);
    CHECK(message_receive(f, source, 0) == 10);
    message_receive(f, source, 0); // some go to the dead-letter queue
    return standard;
}

struct finding {
    char kind; // of data, or 0
    const char *name_kind;
    struct str key;
};

// The first key of that kind.
static int
find_body(struct kv_txn *txn, void *arg)
{
    struct finding *s = arg;
    struct kv_range range = {.from = STR(""), .to = STR("\xff"), .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str value, element;
    int code;
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &s->key, &value)) == OK) {
        struct tuple_reader r;
        tuple_reader_init(&r, kv_txn_arena(txn), s->key);
        CHECK(tuple_read_str(&r, &element) == OK);
        if (!str_eq(element, STR("sqs")))
            continue;
        bool is_data = tuple_read_fixed(&r, GENERATION_BYTES, &element) == OK;
        for (int i = 0; i < (is_data ? 1 : 3); i++)
            CHECK(tuple_read_str(&r, &element) == OK);
        if (is_data ? element.ptr[0] == s->kind
                    : s->name_kind != NULL && str_eq(element, str_of(s->name_kind)))
            break;
    }
    kv_iter_close(it);
    return code;
}

static int
del_body(struct kv_txn *txn, void *arg)
{
    const struct finding *s = arg;
    return kv_del(txn, s->key);
}

static void
lose(struct fixture *f, char kind, const char *name_kind)
{
    struct finding s = {.kind = kind, .name_kind = name_kind};
    CHECK(kv_run(f->cloud.kv, &f->arena, find_body, &s) == OK);
    CHECK(kv_run(f->cloud.kv, &f->arena, del_body, &s) == OK);
}

static void
in_order(struct fixture *f)
{
    fill(f);
    CHECK(check(f, false).problems == 0);
}

static void
broken_indexes(struct fixture *f)
{
    fill(f);
    lose(f, 0, "known");
    is_mended(f, "is not in the list of all queues");
    lose(f, 0, "source");
    is_mended(f, "is not in the list of its dead-letter queue");
    lose(f, 'r', NULL);
    is_mended(f, "a message group that is never read");
    lose(f, 'g', NULL);
    is_mended(f, "a message group is read at a time that is not its own");
    lose(f, 'c', NULL);
    is_mended(f, "counts 0 messages and has");
}

static void
lost_queue(struct fixture *f)
{
    fill(f);
    lose(f, 0, "queue");
    is_mended(f, "the list of all queues has");
}

// What stands for a message that is gone goes; a message without a place cannot be given one.
static void
lost_messages(struct fixture *f)
{
    fill(f);
    lose(f, 'b', NULL);
    CHECK(check(f, false).problems > 0);
    struct result r = check(f, true);
    CHECK(r.problems > 0 && r.mended == r.problems);
    CHECK(check(f, false).problems == 0);
    lose(f, 'd', NULL);
    r = check(f, true);
    CHECK(r.problems == 1 && r.mended == 0 && strstr(r.first, "places for") != NULL);
}

#define CHECK_TEST(name)                                                                           \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        in_fiber(*state, name);                                                                    \
    }
CHECK_TEST(in_order)
CHECK_TEST(broken_indexes)
CHECK_TEST(lost_queue)
CHECK_TEST(lost_messages)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_order, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_broken_indexes, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_lost_queue, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_lost_messages, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

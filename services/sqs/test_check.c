// Tests of SQS's invariants: a store that is in order has none broken, and each that is broken is
// found, and mended where that can be proven.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fixture.h"
#include "services/sqs/mover.h"
#include "services/sqs/queue.h"
#include "services/sqs/sqs_records.h"
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
                      .data_keys = f->cloud.data_keys,
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

// Found, and still there after a repair, which says so.
static void
is_reported(struct fixture *f, const char *text)
{
    struct result r = check(f, true);
    CHECK(r.problems == 1 && r.mended == 0 && strstr(r.first, text) != NULL);
}

static void
visibility_change(struct fixture *f, struct str url)
{
    struct sqs_receive_message_request in = {.QueueUrl = url, .VisibilityTimeout = OPT_INT(30)};
    struct sqs_receive_message_result out = {0};
    CHECK(sqs_receive_message(call_of(f), &in, &out) == OK && out.Messages.count == 1);
    struct sqs_change_message_visibility_request change = {.QueueUrl = url,
                                                           .ReceiptHandle =
                                                               out.Messages.items[0].ReceiptHandle,
                                                           .VisibilityTimeout = OPT_INT(600)};
    CHECK(sqs_change_message_visibility(call_of(f), &change) == OK);
}

static void
attempt_make(struct fixture *f, struct str url)
{
    struct sqs_receive_message_request in = {.QueueUrl = url,
                                             .ReceiveRequestAttemptId = STR("attempt")};
    struct sqs_receive_message_result out = {0};
    CHECK(sqs_receive_message(call_of(f), &in, &out) == OK && out.Messages.count == 1);
}

static void
queue_remove(struct fixture *f, const char *name)
{
    struct sqs_delete_queue_request in = {.QueueUrl = queue_make(f, name, NULL, 0)};
    CHECK(sqs_delete_queue(call_of(f), &in) == OK);
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
    attempt_make(f, ordered);
    CHECK(message_receive(f, standard, 30) == 10 && message_receive(f, ordered, 30) > 0);
    visibility_change(f, standard);
    queue_remove(f, "removed");
    CHECK(message_receive(f, source, 0) == 10);
    message_receive(f, source, 0); // some go to the dead-letter queue
    return standard;
}

struct finding {
    char kind; // of data, or 0
    const char *name_kind;
    struct str key, value;
};

// The first key of that kind.
static int
find_body(struct kv_txn *txn, void *arg)
{
    struct finding *s = arg;
    struct kv_range range = {.from = STR(""), .to = STR("\xff"), .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str element;
    int code;
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &s->key, &s->value)) == OK) {
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
write_body(struct kv_txn *txn, void *arg)
{
    const struct finding *s = arg;
    return str_is_present(s->value) ? kv_set(txn, s->key, s->value) : kv_del(txn, s->key);
}

// An absent value deletes.
static void
change(struct fixture *f, struct str key, struct str value)
{
    struct finding s = {.key = key, .value = value};
    CHECK(kv_run(f->cloud.kv, &f->arena, write_body, &s) == OK);
}

static struct finding
find(struct fixture *f, char kind, const char *name_kind)
{
    struct finding s = {.kind = kind, .name_kind = name_kind};
    CHECK(kv_run(f->cloud.kv, &f->arena, find_body, &s) == OK);
    return s;
}

static void
lose(struct fixture *f, char kind, const char *name_kind)
{
    change(f, find(f, kind, name_kind).key, (struct str){0});
}

static void
record_change(struct fixture *f, struct str key, const struct record_type *type, const void *record)
{
    struct buf value;
    buf_init(&value, &f->arena, 64);
    record_encode(type, record, &value);
    change(f, key, buf_str(&value));
}

struct placing {
    const char *name;
    struct place place;
};

static int
place_body(struct kv_txn *txn, void *arg)
{
    struct placing *s = arg;
    struct queue queue;
    struct queue_name name = {STR("000000000000"), STR("us-east-1"), str_of(s->name)};
    TRY(queue_find(txn, NULL, &name, &queue));
    s->place = queue.place;
    return OK;
}

static struct place
place_of(struct fixture *f, const char *name)
{
    struct placing s = {.name = name};
    CHECK(kv_run(f->cloud.kv, &f->arena, place_body, &s) == OK);
    return s.place;
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
    is_mended(f, "index known: dead is missing");
    lose(f, 0, "source");
    is_mended(f, "index source: source is missing");
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
    is_mended(f, "index known: dead stands where");
}

static void
changed_visibility(struct fixture *f)
{
    struct sqs_delivery_record delivery = {0};
    struct message_id id;
    int64_t due_ms;
    fill(f);
    struct finding flight = find(f, 'f', NULL);
    change(f, flight.key, (struct str){0});
    is_mended(f, "a changed visibility timeout that receipts do not find");
    CHECK(str_eq(find(f, 'f', NULL).value, flight.value));
    // The entry of that message: the one that is due last.
    struct finding due = {0};
    struct str from, to;
    struct place p = place_of(f, "standard");
    struct sqs_flight_record record = {0};
    CHECK(record_decode(&sqs_flight_record_type, flight.value, &f->arena, &record) == OK);
    key_due_range(&f->arena, &p, record.due_ms.value, NULL, &from, &to);
    memcpy(id.bytes, flight.key.ptr + flight.key.len - MESSAGE_ID_BYTES, MESSAGE_ID_BYTES);
    due.key = key_due(&f->arena, &p, record.due_ms.value, &id);
    CHECK(key_due_parse(&f->arena, due.key, &due_ms, &id) == OK);
    delivery.receive_count = record.receive_count;
    record_change(f, due.key, &sqs_delivery_record_type, &delivery);
    is_mended(f, "a visibility timeout of a message that does not say so");
}

static void
groups_and_slots(struct fixture *f)
{
    struct sqs_group_record ghost = {.due_ms = OPT_LONG(1000)};
    fill(f);
    struct place p = place_of(f, "ordered.fifo");
    record_change(f, key_group(&f->arena, &p, STR("ghost")), &sqs_group_record_type, &ghost);
    change(f, key_ready(&f->arena, &p, 1000, STR("ghost")), STR(""));
    is_mended(f, "a message group without messages");
    lose(f, 'g', NULL);
    lose(f, 'r', NULL);
    is_mended(f, "messages of a group that does not exist");
    change(f, key_ready(&f->arena, &p, 5, STR("odd")), STR(""));
    is_mended(f, "a message group is read at a time that is not its own");
}

// A body that does not open is lost: nobody can prove what it was.
static void
sealed_bodies(struct fixture *f)
{
    struct sqs_message_record m = {.sent_ms = OPT_LONG(1)};
    fill(f);
    struct finding body = find(f, 'b', NULL);
    char *broken = arena_alloc_bytes(&f->arena, body.value.len);
    memcpy(broken, body.value.ptr, body.value.len);
    broken[body.value.len - 1] ^= 1;
    change(f, body.key, (struct str){broken, body.value.len});
    is_reported(f, "has a sealed body that does not open");
    record_change(f, body.key, &sqs_message_record_type, &m);
    is_reported(f, "has a message without a body, or with two");
    change(f, body.key, STR("\x01nonsense"));
    is_reported(f, "has a message that cannot be read");
    change(f, body.key, body.value);
    CHECK(check(f, false).problems == 0);
}

static void
forgotten_in_time(struct fixture *f)
{
    fill(f);
    lose(f, 'E', NULL);
    is_mended(f, "a deduplication id that would never be forgotten");
    lose(f, 'A', NULL);
    is_mended(f, "a receive attempt that would never be forgotten");
    lose(f, 0, "release");
    is_mended(f, "the name removed would never be free again");
}

static void
move_tasks(struct fixture *f)
{
    struct sqs_move_record move = {.status = STR(MOVE_RUNNING), .moved = OPT_LONG(0)};
    struct queue_name name = {STR("000000000000"), STR("us-east-1"), STR("dead")};
    fill(f);
    struct place p = place_of(f, "dead");
    struct str key = key_move(&f->arena, &p, 1000, STR("0123456789abcdef"));
    record_change(f, key, &sqs_move_record_type, &move);
    is_mended(f, "queue dead has a move task that nobody works on");
    struct finding moving = find(f, 0, "moving");
    move.status = STR(MOVE_COMPLETED);
    record_change(f, key, &sqs_move_record_type, &move);
    is_mended(f, "queue dead is worked on by a move task that has ended");
    // That of a queue which was deleted meanwhile is right.
    struct queue_name gone = name;
    gone.name = STR("gone");
    change(f, key_moving(&f->arena, &gone), moving.value);
    CHECK(check(f, false).problems == 0);
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
CHECK_TEST(changed_visibility)
CHECK_TEST(groups_and_slots)
CHECK_TEST(sealed_bodies)
CHECK_TEST(forgotten_in_time)
CHECK_TEST(move_tasks)
CHECK_TEST(lost_messages)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_order, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_broken_indexes, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_lost_queue, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_changed_visibility, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_groups_and_slots, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sealed_bodies, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_forgotten_in_time, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_move_tasks, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_lost_messages, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

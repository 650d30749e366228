// Tests of what happens when time passes: it is moved, nobody waits for it.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fixture.h"

#define MAKE(f, name, ...)                                                                         \
    queue_make((f), (name), (const char *const[][2]){__VA_ARGS__},                                 \
               COUNT_OF(((const char *const[][2]){__VA_ARGS__})))

#define DEAD_LETTERS(name)                                                                         \
    "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:" name                          \
    "\",\"maxReceiveCount\":1}"

enum { SETTLE_MS_MAX = 20000 };

static bool
is_empty(struct fixture *f, void *url)
{
    return message_count(f, *(struct str *)url) == 0;
}

static bool
is_clean(struct fixture *f, void *arg)
{
    return key_count_of(f, "b") + key_count_of(f, "d") + key_count_of(f, "f") +
               key_count_of(f, "s") + key_count_of(f, "g") + key_count_of(f, "r") ==
           0;
}

static bool
is_swept(struct fixture *f, void *arg)
{
    return key_count_of(f, "garbage") == 0 && is_clean(f, arg);
}

static bool
is_released(struct fixture *f, void *arg)
{
    return key_count_of(f, "deleted") + key_count_of(f, "release") == 0;
}

static int
purge(struct fixture *f, struct str url)
{
    return sqs_purge_queue(call_of(f), &(struct sqs_purge_queue_request){.QueueUrl = url});
}

static int delete(struct fixture *f, struct str url)
{
    return sqs_delete_queue(call_of(f), &(struct sqs_delete_queue_request){.QueueUrl = url});
}

static int
create_again(struct fixture *f, const char *name)
{
    struct sqs_create_queue_result out = {0};
    return sqs_create_queue(call_of(f), &(struct sqs_create_queue_request){str_of(name)}, &out);
}

static void
purges(struct fixture *f)
{
    struct str url = MAKE(f, "q", {"DelaySeconds", "0"});
    CHECK(purge(f, url) == OK);
    clock_move(f, 59);
    CHECK(purge(f, url) == E_FAULT);
    clock_move(f, 2);
    CHECK(purge(f, url) == OK);
    CHECK(purge(f, url) == E_FAULT);
}

static void
a_purge_may_follow_after_a_minute(void **state)
{
    in_fiber(*state, purges);
}

static void
names(struct fixture *f)
{
    struct str url = MAKE(f, "q", {"DelaySeconds", "0"});
    CHECK(delete (f, url) == OK);
    clock_move(f, 59);
    CHECK(create_again(f, "q") == E_FAULT);
    clock_move(f, 2);
    CHECK(create_again(f, "q") == OK);
    keep_until(f, is_released, NULL);
    // Deleted again, it waits anew.
    CHECK(delete (f, url) == OK);
    CHECK(create_again(f, "q") == E_FAULT);
    CHECK(key_count_of(f, "known") == 0);
}

static void
a_name_is_free_after_a_minute(void **state)
{
    in_fiber(*state, names);
}

static void
garbage(struct fixture *f)
{
    struct str url = MAKE(f, "q", {"DelaySeconds", "0"});
    struct str fifo = MAKE(f, "q.fifo", {"FifoQueue", "true"});
    for (int i = 0; i < 700; i++) {
        message_send(f, url, "x", NULL);
        message_send(f, fifo, arena_copy_z(&f->arena, arena_print(&f->arena, "%d", i)), "g");
    }
    CHECK(message_receive(f, url, 30) == 10 && message_receive(f, fifo, 30) == 10);
    CHECK(purge(f, url) == OK && purge(f, fifo) == OK);
    keep_until(f, is_swept, NULL);
    CHECK(key_count_of(f, "e") == 700);
    message_send(f, url, "kept", NULL);
    CHECK(delete (f, fifo) == OK);
    clock_move(f, 61);
    message_send(f, url, "kept", NULL);
    CHECK(purge(f, url) == OK);
    keep_until(f, is_swept, NULL);
    CHECK(key_count_of(f, "e") + key_count_of(f, "E") == 0);
    message_send(f, url, "stays", NULL);
    CHECK(message_count(f, url) == 1);
}

static void
what_was_purged_and_deleted_leaves_the_store(void **state)
{
    in_fiber(*state, garbage);
}

static void
retention_standard(struct fixture *f)
{
    struct str url = MAKE(f, "q", {"MessageRetentionPeriod", "60"});
    struct str other = MAKE(f, "r", {"MessageRetentionPeriod", "61"});
    for (int i = 0; i < 20; i++)
        message_send(f, url, "x", NULL);
    message_send(f, other, "x", NULL);
    CHECK(message_receive(f, url, 43200) == 10); // would be hidden for longer
    CHECK(message_count(f, url) == 20);
    clock_move(f, 60);
    keep_until(f, is_empty, &url);
    CHECK(message_count(f, other) == 1);
    clock_move(f, 60);
    keep_until(f, is_clean, NULL);
    CHECK(message_count(f, other) == 0);
}

static void
messages_past_their_retention_go_though_nobody_receives(void **state)
{
    in_fiber(*state, retention_standard);
}

static void
retention_fifo(struct fixture *f)
{
    struct str url = MAKE(f, "q.fifo", {"FifoQueue", "true"}, {"MessageRetentionPeriod", "60"});
    for (int i = 0; i < 25; i++)
        message_send(f, url, arena_copy_z(&f->arena, arena_print(&f->arena, "%d", i)), "g");
    message_send(f, url, "h", "h");
    CHECK(message_receive(f, url, 43200) == 10);
    clock_move(f, 60);
    keep_until(f, is_clean, NULL);
}

static bool
has_one(struct fixture *f, void *url)
{
    return message_count(f, *(struct str *)url) == 1;
}

static void
retention_fifo_some(struct fixture *f)
{
    struct str url = MAKE(f, "q.fifo", {"FifoQueue", "true"}, {"MessageRetentionPeriod", "120"});
    for (int i = 0; i < 25; i++)
        message_send(f, url, arena_copy_z(&f->arena, arena_print(&f->arena, "%d", i)), "g");
    CHECK(message_receive(f, url, 43200) == 10);
    clock_move(f, 119);
    message_send(f, url, "young", "g");
    clock_move(f, 61);
    keep_until(f, has_one, &url);
    // The old ones do not block the group any more.
    CHECK(message_receive(f, url, 30) == 1);
}

static void
a_fifo_group_goes_on_behind_what_has_expired(void **state)
{
    in_fiber(*state, retention_fifo_some);
}

static void
fifo_groups_go_with_their_last_message(void **state)
{
    in_fiber(*state, retention_fifo);
}

static void
dead_letters(struct fixture *f)
{
    struct str dead = MAKE(f, "dead", {"MessageRetentionPeriod", "120"});
    struct str url = MAKE(f, "q", {"RedrivePolicy", DEAD_LETTERS("dead")});
    struct str fifo_dead =
        MAKE(f, "dead.fifo", {"FifoQueue", "true"}, {"MessageRetentionPeriod", "120"});
    struct str fifo =
        MAKE(f, "q.fifo", {"FifoQueue", "true"}, {"RedrivePolicy", DEAD_LETTERS("dead.fifo")});
    message_send(f, url, "x", NULL);
    message_send(f, fifo, "x", "g");
    CHECK(message_receive(f, url, 0) == 1 && message_receive(f, fifo, 0) == 1);
    clock_move(f, 100);
    CHECK(message_receive(f, url, 0) == 0 && message_receive(f, fifo, 0) == 0);
    CHECK(message_count(f, dead) == 1 && message_count(f, fifo_dead) == 1);
    // 120 s after it was sent, the standard one expires; the FIFO one counts from its move.
    clock_move(f, 60);
    keep_until(f, is_empty, &dead);
    CHECK(message_count(f, fifo_dead) == 1);
    clock_move(f, 60);
    keep_until(f, is_empty, &fifo_dead);
}

static void
dead_letters_of_standard_queues_keep_their_age(void **state)
{
    in_fiber(*state, dead_letters);
}

// Queues that have nothing to clean up, and one that has.
static void
settling(struct fixture *f)
{
    struct str url = MAKE(f, "q", {"MessageRetentionPeriod", "60"});
    struct str fifo = MAKE(f, "q.fifo", {"FifoQueue", "true"}, {"MessageRetentionPeriod", "60"});
    struct str other = MAKE(f, "other", {"DelaySeconds", "0"});
    int64_t deadline_ns = deadline_in_ms(f->cloud.runtime, SETTLE_MS_MAX);
    message_send(f, other, "stays", NULL);
    message_send(f, other, "purged", NULL);
    CHECK(purge(f, other) == OK);
    message_send(f, other, "stays", NULL);
    message_send(f, url, "x", NULL);
    message_send(f, fifo, "x", "g");
    clock_move(f, 61);
    CHECK(background_settle(f->cloud.background, deadline_ns) == OK);
    CHECK(key_count_of(f, "garbage") == 0);
    CHECK(message_count(f, url) == 0 && message_count(f, fifo) == 0);
    CHECK(message_count(f, other) == 1);
    CHECK(background_settle(f->cloud.background, deadline_ns) == OK);
}

static void
the_background_settles_after_the_clock_was_moved(void **state)
{
    in_fiber(*state, settling);
}

static size_t
receive_attempt(struct fixture *f, struct str url)
{
    struct sqs_receive_message_request in = {
        .QueueUrl = url,
        .MaxNumberOfMessages = OPT_INT(10),
        .VisibilityTimeout = OPT_INT(3600),
        .ReceiveRequestAttemptId = STR("attempt"),
    };
    struct sqs_receive_message_result out = {0};
    CHECK(sqs_receive_message(call_of(f), &in, &out) == OK);
    return out.Messages.count;
}

static void
attempts(struct fixture *f)
{
    struct str url = MAKE(f, "q.fifo", {"FifoQueue", "true"});
    message_send(f, url, "x", "g");
    CHECK(receive_attempt(f, url) == 1);
    clock_move(f, 299);
    CHECK(receive_attempt(f, url) == 1);
    clock_move(f, 2);
    CHECK(receive_attempt(f, url) == 0);
    // The second receive hid it anew.
    clock_move(f, 3600 - 3);
    CHECK(message_receive(f, url, 30) == 0);
    clock_move(f, 3);
    CHECK(receive_attempt(f, url) == 1);
    CHECK(key_count_of(f, "a") == 1 && key_count_of(f, "A") == 1);
}

static void
an_attempt_is_good_for_five_minutes(void **state)
{
    in_fiber(*state, attempts);
}

static int
receive_short(struct fixture *f, struct str url, size_t *count)
{
    struct sqs_receive_message_request in = {
        .QueueUrl = url,
        .MaxNumberOfMessages = OPT_INT(10),
        .WaitTimeSeconds = OPT_INT(0),
    };
    struct sqs_receive_message_result out = {0};
    int code = sqs_receive_message(call_of(f), &in, &out);
    *count = out.Messages.count;
    return code;
}

static void
flights_standard(struct fixture *f)
{
    struct str url = MAKE(f, "q", {"VisibilityTimeout", "30"});
    size_t count;
    ((struct sqs *)f->state)->flights_max = 15;
    for (int i = 0; i < 30; i++)
        message_send(f, url, "x", NULL);
    CHECK(receive_short(f, url, &count) == OK && count == 10);
    CHECK(receive_short(f, url, &count) == OK && count == 5);
    CHECK(receive_short(f, url, &count) == E_FAULT);
    CHECK(str_eq(f->call.fault.name, STR("OverLimit")));
    CHECK(str_starts(f->call.fault.message, STR("Too many messages have been received without ")));
    // Their timeout over, they are not in flight; and they are counted anew.
    clock_move(f, 31);
    CHECK(receive_short(f, url, &count) == OK && count == 10);
}

static void
standard_queues_limit_what_is_in_flight(void **state)
{
    in_fiber(*state, flights_standard);
}

static void
flights_fifo(struct fixture *f)
{
    struct str url = MAKE(f, "q.fifo", {"FifoQueue", "true"});
    const char *const groups[] = {"a", "b", "c", "d"};
    size_t count;
    ((struct sqs *)f->state)->flights_max = 15;
    for (int i = 0; i < 40; i++)
        message_send(f, url, arena_copy_z(&f->arena, arena_print(&f->arena, "%d", i)),
                     groups[i % 4]);
    CHECK(receive_short(f, url, &count) == OK && count == 10);
    CHECK(receive_short(f, url, &count) == OK && count == 5);
    CHECK(receive_short(f, url, &count) == OK && count == 0);
    clock_move(f, 31);
    CHECK(receive_short(f, url, &count) == OK && count == 10);
}

static void
fifo_queues_limit_what_is_in_flight_silently(void **state)
{
    in_fiber(*state, flights_fifo);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(a_purge_may_follow_after_a_minute),
        TEST(a_name_is_free_after_a_minute),
        TEST(what_was_purged_and_deleted_leaves_the_store),
        TEST(messages_past_their_retention_go_though_nobody_receives),
        TEST(a_fifo_group_goes_on_behind_what_has_expired),
        TEST(fifo_groups_go_with_their_last_message),
        TEST(dead_letters_of_standard_queues_keep_their_age),
        TEST(the_background_settles_after_the_clock_was_moved),
        TEST(an_attempt_is_good_for_five_minutes),
        TEST(standard_queues_limit_what_is_in_flight),
        TEST(fifo_queues_limit_what_is_in_flight_silently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of several long polls on one queue.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fixture.h"
#include "services/sqs/queue.h"

enum { POLLS = 3, SWITCHES_MAX = 200 };

struct poll {
    struct fixture *f;
    struct str url, generation;
    int *left;
};

static void
poll(void *arg)
{
    struct poll *p = arg;
    struct arena arena;
    arena_init(&arena);
    struct http_request http = {.arena = &arena};
    struct call call = *call_of(p->f);
    call.arena = &arena;
    call.http = &http;
    struct sqs_receive_message_request in = {.QueueUrl = p->url, .WaitTimeSeconds = OPT_INT(1)};
    struct sqs_receive_message_result out = {0};
    CHECK(sqs_receive_message(&call, &in, &out) == OK && out.Messages.count == 0);
    arena_fini(&arena);
    --*p->left;
}

static uint64_t
switches(struct fixture *f)
{
    struct fiber_stats stats;
    fiber_stats_get(f->cloud.runtime, &stats);
    return stats.switches;
}

static int
queue_body(struct kv_txn *txn, void *arg)
{
    struct poll *p = arg;
    struct queue q;
    TRY(queue_get(call_of(p->f), txn, p->url, &q));
    p->generation = q.place.generation;
    return OK;
}

// What was announced is gone when they look: another receiver was faster.
static void
wake_in_vain(struct fixture *f)
{
    int left = POLLS;
    struct poll p = {.f = f, .url = queue_make(f, "q", NULL, 0), .left = &left};
    CHECK(kv_run(f->cloud.kv, &f->arena, queue_body, &p) == OK);
    for (int i = 0; i < POLLS; i++)
        CHECK(fiber_start(fiber_loop(fiber_self()), "poll", poll, &p, NULL) == OK);
    uint64_t before = switches(f);
    while (left > 0) {
        lot_wake(((struct sqs *)f->state)->receivers, p.generation, 1);
        CHECK(fiber_sleep_until(deadline_in_ms(f->cloud.runtime, 100)) == OK);
    }
    CHECK(switches(f) - before < SWITCHES_MAX);
}

static void
a_wake_in_vain_does_not_go_around(void **state)
{
    in_fiber(*state, wake_in_vain);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wake_in_vain_does_not_go_around, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of the reconciler with a driver that fails when told to, on a store in memory.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/reconciler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KIND STR("toy")
enum { WAIT_MS = 30 * 1000, STEP_MS = 5 };

// The toys that run on the machine; they outlive the reconciler.
struct machine {
    enum unit_seen seen;
    int starts, stops, removes;
    int failures_left;
};

struct fixture {
    struct runtime *runtime;
    struct kv *kv;
    struct log log;
    struct background *background;
    struct jobs_options jobs;
    struct unit_driver driver;
    struct reconciler *reconciler;
    struct machine machine;
    struct arena arena;
    struct unit_wish wish;
    struct unit unit;
    int code;
};

static int
toy_probe(void *arg, const struct unit *u, enum unit_seen *out, char *problem)
{
    *out = ((struct machine *)arg)->seen;
    if (*out == UNIT_SEEN_ENDED)
        snprintf(problem, UNIT_PROBLEM_BYTES, "it has ended");
    return OK;
}

static int
toy_start(void *arg, const struct unit *u, char *problem)
{
    struct machine *m = arg;
    if (m->failures_left > 0) {
        m->failures_left--;
        snprintf(problem, UNIT_PROBLEM_BYTES, "it will not");
        return E_IO;
    }
    m->starts++;
    m->seen = UNIT_SEEN_UP;
    return OK;
}

static int
toy_stop(void *arg, const struct unit *u, char *problem)
{
    struct machine *m = arg;
    m->stops++;
    m->seen = UNIT_SEEN_ENDED;
    return OK;
}

static int
toy_remove(void *arg, const struct unit *u, char *problem)
{
    struct machine *m = arg;
    m->removes++;
    m->seen = UNIT_SEEN_NOTHING;
    return OK;
}

static void
begin(struct fixture *f)
{
    f->background = background_new(f->runtime);
    f->jobs = (struct jobs_options){.runtime = f->runtime, .log = &f->log, .kv = f->kv};
    f->jobs.background = f->background;
    struct reconciler_options options = {
        .runtime = f->runtime,
        .log = &f->log,
        .kv = f->kv,
        .jobs = &f->jobs,
        .drivers = &f->driver,
        .driver_count = 1,
    };
    f->reconciler = reconciler_new(&options);
}

static void
end(struct fixture *f)
{
    background_stop(f->background);
    reconciler_free(f->reconciler);
    background_free(f->background);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char problem[256];
    f->log = (struct log){.fd = 2, .level_min = LOG_ERROR};
    f->driver = (struct unit_driver){.kind = "toy",
                                     .probe = toy_probe,
                                     .start = toy_start,
                                     .stop = toy_stop,
                                     .remove = toy_remove,
                                     .arg = &f->machine};
    arena_init(&f->arena);
    struct runtime_options options = {.loops = 1};
    assert_int_equal(runtime_new(&options, &f->runtime), OK);
    struct kv_options kv = {.runtime = f->runtime, .log = &f->log, .run_twice = true};
    assert_int_equal(kv_open("mem:", &kv, &f->kv, problem, sizeof(problem)), OK);
    begin(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    end(f);
    kv_close(f->kv);
    runtime_free(f->runtime);
    arena_fini(&f->arena);
    free(f);
    return 0;
}

static int
want_body(struct kv_txn *txn, void *arg)
{
    return unit_want(txn, &((struct fixture *)arg)->wish);
}

static int
want_in_fiber(void *arg)
{
    struct fixture *f = arg;
    return kv_run(f->kv, &f->arena, want_body, f);
}

static void
want(struct fixture *f, enum unit_desired desired, bool restarts)
{
    f->wish = (struct unit_wish){.kind = KIND,
                                 .name = STR("one"),
                                 .spec = STR("a spec"),
                                 .desired = desired,
                                 .restarts = restarts};
    assert_int_equal(runtime_call(f->runtime, want_in_fiber, f), OK);
}

static int
get_body(struct kv_txn *txn, void *arg)
{
    struct fixture *f = arg;
    return unit_get(txn, KIND, STR("one"), &f->unit);
}

// Until the unit is in that state, or gone (-1).
static int
wait_in_fiber(void *arg)
{
    struct fixture *f = arg;
    int state = f->code;
    int64_t deadline_ns = deadline_in_ms(f->runtime, WAIT_MS);
    while (clock_mono_ns(f->runtime) < deadline_ns) {
        int code = kv_run(f->kv, &f->arena, get_body, f);
        if (code == E_NOT_FOUND ? state == -1 : code == OK && (int)f->unit.state == state)
            return OK;
        TRY(fiber_sleep_until(deadline_in_ms(f->runtime, STEP_MS)));
    }
    return E_TIMEOUT;
}

static void
wait_for(struct fixture *f, int state)
{
    f->code = state;
    assert_int_equal(runtime_call(f->runtime, wait_in_fiber, f), OK);
}

static void
starts_stops_and_removes(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 1);
    assert_true(str_eq(f->unit.spec, STR("a spec")));
    assert_int_equal(f->unit.boot.len, 36);
    want(f, UNIT_STOP, false);
    wait_for(f, UNIT_DOWN);
    assert_int_equal(f->machine.stops, 1);
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 2);
    want(f, UNIT_GONE, false);
    wait_for(f, -1);
    assert_int_equal(f->machine.removes, 1);
    assert_int_equal(f->machine.seen, UNIT_SEEN_NOTHING);
}

static void
what_runs_is_adopted_by_the_next(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    end(f); // as after kill -9: the toy runs on
    assert_int_equal(f->machine.stops, 0);
    begin(f);
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 1);
}

static void
what_the_machine_has_lost_is_started_again(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    end(f);
    f->machine.seen = UNIT_SEEN_LOST;
    begin(f);
    for (int i = 0; i < 2000 && f->machine.starts < 2; i++)
        wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 2);
}

static void
failures_are_tried_again(void **state)
{
    struct fixture *f = *state;
    f->machine.failures_left = 3;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_FAILED);
    assert_true(str_eq(f->unit.problem, STR("it will not")));
    wait_for(f, UNIT_UP);
    assert_int_equal(f->unit.failures, 0);
    assert_int_equal(f->unit.problem.len, 0);
    assert_int_equal(f->machine.starts, 1);
}

static void
what_ends_by_itself_stays_ended_unless_it_restarts(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    f->machine.seen = UNIT_SEEN_ENDED;
    wait_for(f, UNIT_ENDED);
    assert_true(str_eq(f->unit.problem, STR("it has ended")));
    assert_int_equal(f->machine.starts, 1);
    want(f, UNIT_RUN, true);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(starts_stops_and_removes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_runs_is_adopted_by_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_machine_has_lost_is_started_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(failures_are_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_by_itself_stays_ended_unless_it_restarts, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

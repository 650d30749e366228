// Tests of the reconciler with a driver that fails when told to, on a store in memory.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/reconciler.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define KIND STR("toy")
enum { WAIT_MS = 30 * 1000, STEP_MS = 5, CALL_MS_MAX = 2000 };

// The toys that run on the machine; they outlive the reconciler.
struct machine {
    enum unit_seen seen;
    int starts, stops, removes, adopts, changes, fails;
    int64_t zones_number; // whose faults were last brought into force
    int failures_left;
    int agains_left;
    bool hangs; // the next start waits until it is cancelled
    int32_t row;
    struct str spec; // as it was last started with
    char spec_bytes[16];
    const struct machine *other;
    int stopped_after; // as many stops of the other
    int failed_before; // and changes of what fails there
    bool is_zone_dead; // at the last stop
};

struct fixture {
    struct runtime *runtime;
    struct kv *kv;
    struct seal *seal;
    struct log log;
    struct background *background;
    struct unit_driver drivers[2]; // toy, and a base that toys need
    struct ids ids;
    char boot_path[32];
    struct reconciler *reconciler;
    struct machine machine, base;
    struct arena arena;
    struct unit_wish wish;
    struct unit unit;
    int code;
    const int *counter;
    enum zone_state zone_state;
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
    if (m->agains_left > 0) {
        m->agains_left--;
        snprintf(problem, UNIT_PROBLEM_BYTES, "it waits");
        return E_AGAIN;
    }
    if (m->hangs) {
        m->hangs = false;
        return fiber_sleep_until(DEADLINE_NEVER);
    }
    m->starts++;
    m->seen = UNIT_SEEN_UP;
    m->row = u->ids_row;
    memcpy(m->spec_bytes, u->spec.ptr, u->spec.len < 16 ? u->spec.len : 16);
    m->spec = (struct str){m->spec_bytes, u->spec.len};
    return OK;
}

static int
toy_adopt(void *arg, const struct unit *u, char *problem)
{
    ((struct machine *)arg)->adopts++;
    return OK;
}

static int
toy_change(void *arg, const struct unit *u, char *problem)
{
    ((struct machine *)arg)->changes++;
    return OK;
}

static int
toy_fail(void *arg, const struct unit *u, char *problem)
{
    struct machine *m = arg;
    m->fails++;
    m->zones_number = u->zones->number;
    return OK;
}

static int
toy_stop(void *arg, const struct unit *u, char *problem)
{
    struct machine *m = arg;
    m->stops++;
    m->stopped_after = m->other->stops;
    m->failed_before = m->other->fails;
    m->is_zone_dead = u->is_zone_dead;
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

static int
look_in_fiber(void *arg)
{
    return reconciler_look(((struct fixture *)arg)->reconciler);
}

static void
begin(struct fixture *f)
{
    f->background = background_new(f->runtime);
    ids_init(&f->ids);
    struct reconciler_options options = {
        .runtime = f->runtime,
        .log = &f->log,
        .kv = f->kv,
        .seal = f->seal,
        .background = f->background,
        .drivers = f->drivers,
        .driver_count = COUNT_OF(f->drivers),
        .ids = &f->ids,
        .boot_path = f->boot_path,
        .call_ms_max = CALL_MS_MAX,
    };
    f->reconciler = reconciler_new(&options);
    assert_int_equal(runtime_call(f->runtime, look_in_fiber, f), OK);
}

static void
end(struct fixture *f, enum reconciler_end how)
{
    reconciler_stop(f->reconciler, how, deadline_in_ms(f->runtime, WAIT_MS));
    background_stop(f->background);
    reconciler_free(f->reconciler);
    background_free(f->background);
    ids_fini(&f->ids);
}

static struct unit_driver
toy_driver(const char *kind, struct machine *m)
{
    return (struct unit_driver){.kind = kind,
                                .takes_ids = true,
                                .probe = toy_probe,
                                .start = toy_start,
                                .adopt = toy_adopt,
                                .change = toy_change,
                                .stop = toy_stop,
                                .remove = toy_remove,
                                .arg = m};
}

// As if the machine had been started anew.
static void
boot(struct fixture *f, char id)
{
    char text[36];
    memset(text, id, sizeof(text));
    int fd = open(f->boot_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, text, sizeof(text)), (int)sizeof(text));
    close(fd);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char problem[256];
    f->log = (struct log){.fd = 2, .level_min = LOG_ERROR};
    f->drivers[0] = toy_driver("toy", &f->machine);
    f->machine.other = &f->base;
    f->base.other = &f->machine;
    f->drivers[1] = toy_driver("base", &f->base);
    snprintf(f->boot_path, sizeof(f->boot_path), "/tmp/c10m-boot-XXXXXX");
    close(mkstemp(f->boot_path));
    boot(f, 'a');
    arena_init(&f->arena);
    struct runtime_options options = {.loops = 1};
    assert_int_equal(runtime_new(&options, &f->runtime), OK);
    struct kv_options kv = {.runtime = f->runtime, .log = &f->log, .run_twice = true};
    assert_int_equal(kv_open("mem:", &kv, &f->kv, problem, sizeof(problem)), OK);
    f->seal = seal_new(f->runtime);
    begin(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    end(f, RECONCILER_LEAVES);
    kv_close(f->kv);
    seal_free(f->seal);
    runtime_free(f->runtime);
    arena_fini(&f->arena);
    unlink(f->boot_path);
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
    TRY(kv_run(f->kv, &f->arena, want_body, f));
    return reconciler_look(f->reconciler);
}

static void
wish(struct fixture *f, const struct unit_wish *wish)
{
    f->wish = *wish;
    f->wish.name = STR("one");
    const struct unit_id id = {f->wish.kind, f->wish.name};
    assert_int_equal(unit_seal(f->seal, &id, STR("a spec"), &f->arena, &f->wish.spec), OK);
    assert_int_equal(runtime_call(f->runtime, want_in_fiber, f), OK);
}

static void
want(struct fixture *f, enum unit_desired desired, bool restarts)
{
    wish(f, &(struct unit_wish){.kind = KIND, .desired = desired, .restarts = restarts});
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

static int
until_in_fiber(void *arg)
{
    struct fixture *f = arg;
    int64_t deadline_ns = deadline_in_ms(f->runtime, WAIT_MS);
    while (*f->counter < f->code) {
        if (clock_mono_ns(f->runtime) > deadline_ns)
            return E_TIMEOUT;
        TRY(fiber_sleep_until(deadline_in_ms(f->runtime, STEP_MS)));
    }
    return OK;
}

// The toys are of the same loop as this fiber.
static void
wait_until(struct fixture *f, const int *counter, int count)
{
    f->counter = counter;
    f->code = count;
    assert_int_equal(runtime_call(f->runtime, until_in_fiber, f), OK);
    assert_int_equal(*counter, count);
}

static void
starts_stops_and_removes(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 1);
    assert_true(str_eq(f->machine.spec, STR("a spec")));
    assert_int_equal(f->unit.spec.len, 0); // in the store it is sealed
    assert_true(str_find(f->unit.sealed, STR("spec")) < 0);
    assert_int_equal(unit_open(f->seal, &f->unit, &f->arena), OK);
    f->unit.name = STR("other");
    assert_int_equal(unit_open(f->seal, &f->unit, &f->arena), E_INVALID);
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
    end(f, RECONCILER_LEAVES); // as after kill -9: the toy runs on
    assert_int_equal(f->machine.stops, 0);
    begin(f);
    want(f, UNIT_RUN, false);
    wait_until(f, &f->machine.adopts, 1);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 1);
}

static void
what_the_machine_has_lost_is_started_again(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    end(f, RECONCILER_LEAVES);
    f->machine.seen = UNIT_SEEN_LOST;
    begin(f);
    wait_until(f, &f->machine.starts, 2);
    wait_for(f, UNIT_UP);
}

static void
what_ended_with_the_machine_did_not_end_by_itself(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    end(f, RECONCILER_LEAVES);
    f->machine.seen = UNIT_SEEN_ENDED; // told to, by the machine that went down
    boot(f, 'b');
    begin(f);
    wait_until(f, &f->machine.starts, 2);
    wait_for(f, UNIT_UP);
    f->machine.seen = UNIT_SEEN_ENDED;
    wait_for(f, UNIT_ENDED);
    end(f, RECONCILER_LEAVES);
    boot(f, 'c'); // but what had ended before stays so
    begin(f);
    wait_for(f, UNIT_ENDED);
    assert_int_equal(f->machine.starts, 2);
}

static void
power_off_stops_what_runs_and_the_next_starts_it(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    end(f, RECONCILER_POWERS_OFF);
    assert_int_equal(f->machine.stops, 1);
    begin(f);
    wait_until(f, &f->machine.starts, 2);
    wait_for(f, UNIT_UP);
}

static void
what_had_ended_before_power_off_stays_ended(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    f->machine.seen = UNIT_SEEN_ENDED;
    wait_for(f, UNIT_ENDED);
    end(f, RECONCILER_POWERS_OFF);
    assert_int_equal(f->machine.stops, 0);
    begin(f);
    wait_for(f, UNIT_ENDED);
    assert_int_equal(f->machine.starts, 1);
}

static void
want_toy_on_base(struct fixture *f, enum unit_desired desired)
{
    static const struct unit_id base = {{"base", 4}, {"one", 3}};
    wish(f, &(struct unit_wish){.kind = KIND, .desired = desired, .needs = &base, .need_count = 1});
}

static void
what_is_needed_comes_first_and_goes_last(void **state)
{
    struct fixture *f = *state;
    want_toy_on_base(f, UNIT_RUN);
    wait_for(f, UNIT_PENDING);
    while (f->unit.problem.len == 0)
        wait_for(f, UNIT_PENDING);
    assert_true(str_eq(f->unit.problem, STR("it waits for the base one")));
    f->base.failures_left = 1;
    wish(f, &(struct unit_wish){.kind = STR("base"), .desired = UNIT_RUN});
    wait_for(f, UNIT_UP);
    assert_int_equal(f->base.starts, 1);
    wish(f, &(struct unit_wish){.kind = STR("base"), .desired = UNIT_GONE});
    for (int i = 0; i < 20; i++)
        wait_for(f, UNIT_UP);
    assert_int_equal(f->base.stops, 0);
    want_toy_on_base(f, UNIT_STOP);
    wait_until(f, &f->base.removes, 1);
    assert_int_equal(f->machine.stops, 1);
    wish(f, &(struct unit_wish){.kind = STR("base"), .desired = UNIT_RUN});
    want_toy_on_base(f, UNIT_RUN);
    wait_until(f, &f->machine.starts, 2);
    end(f, RECONCILER_POWERS_OFF);
    assert_int_equal(f->base.stops, 2);
    assert_true(f->base.stopped_after == f->machine.stops);
    begin(f);
}

static int
zone_body(struct kv_txn *txn, void *arg)
{
    return zones_set_state(txn, STR("us-east-1a"), ((struct fixture *)arg)->zone_state);
}

static int
set_zone_in_fiber(void *arg)
{
    struct fixture *f = arg;
    arena_reset(&f->arena);
    return kv_run(f->kv, &f->arena, zone_body, f);
}

static void
set_zone(struct fixture *f, enum zone_state state)
{
    f->zone_state = state;
    assert_int_equal(runtime_call(f->runtime, set_zone_in_fiber, f), OK);
}

static void
a_dead_zone_ends_what_is_there_after_those_that_it_needs_know(void **state)
{
    static const struct unit_id base = {{"base", 4}, {"one", 3}};
    struct fixture *f = *state;
    end(f, RECONCILER_POWERS_OFF);
    f->drivers[1].fail = toy_fail;
    begin(f);
    wish(f, &(struct unit_wish){.kind = STR("base"), .desired = UNIT_RUN});
    wish(f, &(struct unit_wish){.kind = KIND,
                                .desired = UNIT_RUN,
                                .zone = STR("us-east-1a"),
                                .needs = &base,
                                .need_count = 1});
    wait_for(f, UNIT_UP);
    set_zone(f, ZONE_CUT);
    wait_until(f, &f->base.fails, 1);
    assert_int_equal(f->machine.stops, 0);
    set_zone(f, ZONE_DEAD);
    wait_for(f, UNIT_DOWN);
    assert_true(str_eq(f->unit.problem, STR("its zone us-east-1a is dead")));
    assert_true(f->machine.is_zone_dead);
    assert_int_equal(f->machine.failed_before, 2);
    assert_int_equal(f->base.stops, 0);
    end(f, RECONCILER_LEAVES); // the record stays
    begin(f);
    wait_until(f, &f->base.adopts, 1);
    wait_for(f, UNIT_DOWN);
    assert_int_equal(f->machine.starts, 1);
    set_zone(f, ZONE_HEALTHY);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 2);
    wait_until(f, &f->base.fails, 3);
    assert_int_equal(f->base.zones_number, 3);
    assert_int_equal(f->base.changes, 0);
}

static void
a_change_is_applied_once_while_it_runs(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    want(f, UNIT_RUN, false);
    wait_until(f, &f->machine.changes, 1);
    end(f, RECONCILER_LEAVES);
    begin(f);
    wait_until(f, &f->machine.adopts, 1);
    assert_int_equal(f->machine.changes, 1);
    assert_int_equal(f->machine.starts, 1);
}

static void
what_was_being_started_is_finished_by_the_next(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    end(f, RECONCILER_POWERS_OFF);
    f->machine.seen = UNIT_SEEN_UP; // c10m was killed while it started it
    begin(f);
    wait_until(f, &f->machine.changes, 1);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 1);
}

static int
stopping_body(struct kv_txn *txn, void *arg)
{
    struct fixture *f = arg;
    TRY(unit_get(txn, KIND, STR("one"), &f->unit));
    f->unit.state = UNIT_STOPPING;
    return unit_found(txn, &f->unit);
}

static int
stopping_in_fiber(void *arg)
{
    struct fixture *f = arg;
    return kv_run(f->kv, &f->arena, stopping_body, f);
}

static void
what_was_being_stopped_is_not_taken_for_up(void **state)
{
    struct fixture *f = *state;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    end(f, RECONCILER_LEAVES);
    // c10m was killed when it had told it to end, and it has not done so yet.
    assert_int_equal(runtime_call(f->runtime, stopping_in_fiber, f), OK);
    begin(f);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.stops, 1);
    assert_int_equal(f->machine.starts, 2);
    assert_int_equal(f->machine.adopts, 0);
}

static void
what_waits_is_no_failure(void **state)
{
    struct fixture *f = *state;
    f->machine.agains_left = 3;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.agains_left, 0);
    assert_int_equal(f->unit.failures, 0);
}

static void
a_call_that_takes_too_long_is_ended_and_made_again(void **state)
{
    struct fixture *f = *state;
    f->machine.hangs = true;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_FAILED);
    assert_true(str_eq(f->unit.problem, STR("it took longer than 2000 ms")));
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.starts, 1);
}

// A row is given back just after its unit is gone.
static int
row_0_in_fiber(void *arg)
{
    struct fixture *f = arg;
    int32_t row;
    int64_t deadline_ns = deadline_in_ms(f->runtime, WAIT_MS);
    for (;;) {
        TRY(ids_take(&f->ids, &row));
        if (row == 0)
            return OK;
        ids_give(&f->ids, row);
        if (clock_mono_ns(f->runtime) > deadline_ns)
            return E_TIMEOUT;
        TRY(fiber_sleep_until(deadline_in_ms(f->runtime, STEP_MS)));
    }
}

static void
rows_of_ids_are_kept_until_the_unit_is_gone(void **state)
{
    struct fixture *f = *state;
    int32_t row;
    want(f, UNIT_RUN, false);
    wait_for(f, UNIT_UP);
    assert_int_equal(f->machine.row, 0);
    end(f, RECONCILER_LEAVES);
    begin(f);
    assert_int_equal(ids_take(&f->ids, &row), OK);
    assert_int_equal(row, 1);
    want(f, UNIT_GONE, false);
    wait_for(f, -1);
    assert_int_equal(runtime_call(f->runtime, row_0_in_fiber, f), OK);
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
        cmocka_unit_test_setup_teardown(what_ended_with_the_machine_did_not_end_by_itself, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(power_off_stops_what_runs_and_the_next_starts_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_had_ended_before_power_off_stays_ended, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_needed_comes_first_and_goes_last, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_dead_zone_ends_what_is_there_after_those_that_it_needs_know, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_is_applied_once_while_it_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_being_started_is_finished_by_the_next, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_being_stopped_is_not_taken_for_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_waits_is_no_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(a_call_that_takes_too_long_is_ended_and_made_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(rows_of_ids_are_kept_until_the_unit_is_gone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(failures_are_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_by_itself_stays_ended_unless_it_restarts, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

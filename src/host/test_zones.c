// Tests of what fails in zones, as a record.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct runtime *runtime;
    struct log log;
    struct kv *kv;
    struct arena arena;
    struct zones zones;
    struct str place, other;
    enum zone_state state;
    uint32_t delay_us, loss_ppm;
    kv_body_fn *body;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char problem[256];
    f->log = (struct log){.fd = 2, .level_min = LOG_ERROR};
    struct runtime_options options = {.loops = 1};
    assert_int_equal(runtime_new(&options, &f->runtime), OK);
    struct kv_options kv = {.runtime = f->runtime, .log = &f->log, .run_twice = true};
    assert_int_equal(kv_open("mem:", &kv, &f->kv, problem, sizeof(problem)), OK);
    arena_init(&f->arena);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    kv_close(f->kv);
    runtime_free(f->runtime);
    arena_fini(&f->arena);
    free(f);
    return 0;
}

static int
state_body(struct kv_txn *txn, void *arg)
{
    struct fixture *f = arg;
    return zones_set_state(txn, f->place, f->state);
}

static int
way_body(struct kv_txn *txn, void *arg)
{
    struct fixture *f = arg;
    return zones_set_way(txn, f->place, f->other, f->delay_us, f->loss_ppm);
}

static int
get_body(struct kv_txn *txn, void *arg)
{
    return zones_get(txn, &((struct fixture *)arg)->zones);
}

static int
run_in_fiber(void *arg)
{
    struct fixture *f = arg;
    return kv_run(f->kv, &f->arena, f->body, f);
}

static int
run(struct fixture *f, kv_body_fn *body)
{
    f->body = body;
    int code = runtime_call(f->runtime, run_in_fiber, f);
    f->body = get_body;
    assert_int_equal(runtime_call(f->runtime, run_in_fiber, f), OK);
    return code;
}

static int
set(struct fixture *f, const char *place, enum zone_state state)
{
    f->place = str_of(place);
    f->state = state;
    return run(f, state_body);
}

static int
slow(struct fixture *f, const char *place, const char *other, uint32_t delay_us, uint32_t loss_ppm)
{
    f->place = str_of(place);
    f->other = str_of(other);
    f->delay_us = delay_us;
    f->loss_ppm = loss_ppm;
    return run(f, way_body);
}

static void
a_region_is_all_zones_that_begin_with_its_name(void **state)
{
    assert_true(zone_lies_in(STR("us-east-1a"), STR("us-east-1a")));
    assert_true(zone_lies_in(STR("us-east-1a"), STR("us-east-1")));
    assert_true(zone_lies_in(STR("us-west-2-lax-1a"), STR("us-west-2")));
    assert_false(zone_lies_in(STR("us-east-1a"), STR("us-east-1b")));
    assert_false(zone_lies_in(STR("us-east-10a"), STR("us-east-1")));
    assert_false(zone_lies_in(STR("us-east-1"), STR("us-east-1a")));
    assert_false(zone_lies_in((struct str){0}, STR("us-east-1")));
}

static void
the_worst_counts_until_it_is_healed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(zones_state(&f->zones, STR("us-east-1a")), ZONE_HEALTHY);
    assert_int_equal(set(f, "us-east-1a", ZONE_DEAD), OK);
    assert_int_equal(set(f, "us-east-1", ZONE_CUT), OK);
    int64_t number = f->zones.number;
    assert_int_equal(zones_state(&f->zones, STR("us-east-1a")), ZONE_DEAD);
    assert_int_equal(zones_state(&f->zones, STR("us-east-1b")), ZONE_CUT);
    assert_int_equal(zones_state(&f->zones, STR("us-east-2a")), ZONE_HEALTHY);
    assert_int_equal(set(f, "us-east-1a", ZONE_HEALTHY), OK);
    assert_int_equal(zones_state(&f->zones, STR("us-east-1a")), ZONE_CUT);
    assert_int_equal(set(f, "us-east-1", ZONE_HEALTHY), OK);
    assert_int_equal(zones_state(&f->zones, STR("us-east-1a")), ZONE_HEALTHY);
    assert_int_equal(f->zones.fault_count, 0);
    assert_int_equal(f->zones.number, number + 2);
    assert_int_equal(set(f, "no such/name", ZONE_CUT), E_INVALID);
}

static void
a_way_has_one_name_and_keeps_its_queue(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(slow(f, "us-east-1b", "us-east-1a", 1000, 0), OK);
    assert_int_equal(slow(f, "us-east-1a", "us-east-1c", 2000, 0), OK);
    assert_int_equal(slow(f, "us-east-1a", "us-east-1b", 0, 500), OK);
    assert_int_equal(f->zones.way_count, 2);
    assert_true(str_eq(f->zones.ways[0].place, STR("us-east-1a")));
    assert_true(str_eq(f->zones.ways[0].other, STR("us-east-1b")));
    assert_int_equal(f->zones.ways[0].delay_us, 0);
    assert_int_equal(f->zones.ways[0].loss_ppm, 500);
    assert_int_equal(f->zones.ways[1].queue, 1);
    assert_int_equal(slow(f, "us-east-1a", "us-east-1b", 0, 0), OK);
    assert_int_equal(f->zones.way_count, 1);
    assert_int_equal(f->zones.ways[0].queue, 1);
    assert_int_equal(slow(f, "us-east-1", "eu-west-1", 40000, 0), OK);
    assert_int_equal(f->zones.ways[1].queue, 0);
}

static void
ways_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(slow(f, "us-east-1a", "us-east-1a", 1, 0), E_INVALID);
    assert_int_equal(slow(f, "us-east-1", "us-east-1a", 1, 0), E_INVALID);
    assert_int_equal(slow(f, "a", "b", ZONES_DELAY_US_MAX + 1, 0), E_INVALID);
    assert_int_equal(slow(f, "a", "b", 1, 1000001), E_INVALID);
    assert_int_equal(slow(f, "a", "", 1, 0), E_INVALID);
}

static void
there_are_limits(void **state)
{
    struct fixture *f = *state;
    char name[16];
    for (int i = 0; i < ZONES_FAULTS_MAX; i++) {
        snprintf(name, sizeof(name), "zone-%c%c", 'a' + i / 26, 'a' + i % 26);
        assert_int_equal(set(f, name, ZONE_CUT), OK);
        assert_int_equal(slow(f, "other", name, 1, 0), OK);
    }
    assert_int_equal(set(f, "more", ZONE_CUT), E_LIMIT);
    assert_int_equal(slow(f, "other", "more", 1, 0), E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_is_all_zones_that_begin_with_its_name),
        cmocka_unit_test_setup_teardown(the_worst_counts_until_it_is_healed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_way_has_one_name_and_keeps_its_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(ways_that_are_none_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(there_are_limits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of the keys' order and of what is read back from them.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/keys.h"

#include <setjmp.h>
#include <stdarg.h>
// cmocka needs the two above first.
#include <cmocka.h>

static const struct place place = {
    {"000000000000", 12}, {"us-east-1", 9}, {"0123456789abcdef", GENERATION_BYTES}};

static struct message_id
id_of(char fill)
{
    struct message_id id;
    memset(id.bytes, fill, sizeof(id.bytes));
    return id;
}

static void
due_entries_sort_by_time_then_id(void **state)
{
    struct arena a;
    struct message_id low = id_of(1), high = id_of(-1);
    arena_init(&a);
    struct str keys[] = {key_due(&a, &place, 5, &low), key_due(&a, &place, 5, &high),
                         key_due(&a, &place, 6, &low), key_due(&a, &place, 1LL << 40, &low)};
    for (size_t i = 1; i < COUNT_OF(keys); i++)
        assert_true(str_cmp(keys[i - 1], keys[i]) < 0);
    arena_fini(&a);
}

static void
due_range_begins_after_the_entry(void **state)
{
    struct arena a;
    struct str from, to;
    struct message_id low = id_of(1), high = id_of(2);
    arena_init(&a);
    key_due_range(&a, &place, 5, &low, &from, &to);
    assert_true(str_cmp(key_due(&a, &place, 5, &low), from) < 0);
    assert_true(str_cmp(from, key_due(&a, &place, 5, &high)) <= 0);
    assert_true(str_cmp(key_due(&a, &place, INT64_MAX, &high), to) < 0);
    key_due_range(&a, &place, 5, NULL, &from, &to);
    assert_true(str_cmp(from, key_due(&a, &place, 5, &low)) <= 0);
    assert_true(str_cmp(key_due(&a, &place, 4, &high), from) < 0);
    arena_fini(&a);
}

static void
due_and_ready_are_read_back(void **state)
{
    struct arena a;
    int64_t due_ms;
    struct str group;
    struct message_id id = id_of(7), parsed;
    arena_init(&a);
    assert_int_equal(key_due_parse(&a, key_due(&a, &place, 1234, &id), &due_ms, &parsed), OK);
    assert_int_equal(due_ms, 1234);
    assert_memory_equal(&id, &parsed, sizeof(id));
    assert_int_equal(key_ready_parse(&a, key_ready(&a, &place, 99, STR("a\0b")), &due_ms, &group),
                     OK);
    assert_int_equal(due_ms, 99);
    assert_true(str_eq(group, STR("a\0b")));
    arena_fini(&a);
}

// A group whose name begins with another's must not be within its range.
static void
slots_of_groups_are_apart(void **state)
{
    struct arena a;
    struct str from, to;
    struct sequence sequence = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
    arena_init(&a);
    key_slot_range(&a, &place, STR("g"), &from, &to);
    struct str own = key_slot(&a, &place, STR("g"), &sequence);
    struct str longer = key_slot(&a, &place, STR("g1"), &sequence);
    assert_true(str_cmp(from, own) <= 0 && str_cmp(own, to) < 0);
    assert_false(str_cmp(from, longer) <= 0 && str_cmp(longer, to) < 0);
    struct sequence back = key_slot_sequence(own);
    assert_memory_equal(&sequence, &back, sizeof(back));
    arena_fini(&a);
}

static bool
is_listed(struct arena *a, const char *prefix, const char *after, const char *name)
{
    struct str from, to;
    key_queue_range(a, place.account, place.region, str_of(prefix), str_of(after), &from, &to);
    struct str key = key_queue(a, place.account, place.region, str_of(name));
    return str_cmp(from, key) <= 0 && str_cmp(key, to) < 0;
}

static void
queue_lists_begin_at_prefix_or_token(void **state)
{
    struct arena a;
    struct str name;
    arena_init(&a);
    assert_true(is_listed(&a, "", "", "a"));
    assert_true(is_listed(&a, "jobs", "", "jobs"));
    assert_true(is_listed(&a, "jobs", "", "jobs-1"));
    assert_false(is_listed(&a, "jobs", "", "job"));
    assert_false(is_listed(&a, "jobs", "jobs-1", "jobs-1"));
    assert_true(is_listed(&a, "jobs", "jobs-1", "jobs-10"));
    assert_int_equal(
        key_queue_name(&a, key_queue(&a, place.account, place.region, STR("q.fifo")), &name), OK);
    assert_true(str_eq(name, STR("q.fifo")));
    arena_fini(&a);
}

static void
a_purge_leaves_the_lasting_place(void **state)
{
    struct arena a;
    arena_init(&a);
    struct place purged = {place.account, place.region, STR("01234567ZZZZZZZZ")};
    struct place other = {place.account, place.region, STR("X1234567ZZZZZZZZ")};
    assert_true(str_eq(key_tags(&a, &place), key_tags(&a, &purged)));
    assert_true(str_eq(key_seen(&a, &place, STR("g"), STR("d")),
                       key_seen(&a, &purged, STR("g"), STR("d"))));
    assert_false(str_eq(key_tags(&a, &place), key_tags(&a, &other)));
    assert_false(str_eq(key_count(&a, &place), key_count(&a, &purged)));
    arena_fini(&a);
}

static void
sources_are_of_one_queue(void **state)
{
    struct arena a;
    struct str from, to;
    struct queue_name name;
    arena_init(&a);
    struct str key = key_source(&a, STR("1"), STR("r"), STR("dead"), STR("b"));
    assert_int_equal(key_source_parse(&a, key, &name), OK);
    assert_true(str_eq(name.name, STR("b")) && str_eq(name.account, STR("1")));
    assert_int_equal(key_queue_parse(&a, key, &name), E_INVALID);
    assert_int_equal(key_known_parse(&a, key, &name), E_INVALID);
    assert_int_equal(key_source_parse(&a, key_known(&a, &name), &name), E_INVALID);
    key_source_range(&a, STR("1"), STR("r"), STR("dead"), &from, &to);
    assert_true(str_cmp(from, key) <= 0 && str_cmp(key, to) < 0);
    struct str next = key_source(&a, STR("1"), STR("r"), STR("dead"), STR("b-"));
    assert_true(str_cmp(from, next) <= 0 && str_cmp(next, to) < 0);
    struct str longer = key_source(&a, STR("1"), STR("r"), STR("dead2"), STR("a"));
    assert_false(str_cmp(from, longer) <= 0 && str_cmp(longer, to) < 0);
    arena_fini(&a);
}

static void
work_of_all_accounts_is_read_back(void **state)
{
    struct arena a;
    struct queue_name in = {STR("000000000000"), STR("us-east-1"), STR("q.fifo")}, out;
    struct str from, to;
    arena_init(&a);
    assert_int_equal(key_known_parse(&a, key_known(&a, &in), &out), OK);
    assert_true(str_eq(out.name, in.name) && str_eq(out.region, in.region));
    assert_int_equal(key_moving_parse(&a, key_moving(&a, &in), &out), OK);
    assert_true(str_eq(out.account, in.account));
    assert_int_equal(key_release_parse(&a, key_release(&a, 7, &in), &out), OK);
    assert_true(str_eq(out.name, in.name));
    key_release_range(&a, 7, &from, &to);
    assert_true(str_cmp(key_release(&a, 7, &in), to) < 0);
    assert_true(str_cmp(to, key_release(&a, 8, &in)) < 0);
    key_known_range(&a, &in, &from, &to);
    assert_true(str_cmp(key_known(&a, &in), from) < 0);
    arena_fini(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_entries_sort_by_time_then_id),
        cmocka_unit_test(due_range_begins_after_the_entry),
        cmocka_unit_test(due_and_ready_are_read_back),
        cmocka_unit_test(slots_of_groups_are_apart),
        cmocka_unit_test(queue_lists_begin_at_prefix_or_token),
        cmocka_unit_test(a_purge_leaves_the_lasting_place),
        cmocka_unit_test(sources_are_of_one_queue),
        cmocka_unit_test(work_of_all_accounts_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

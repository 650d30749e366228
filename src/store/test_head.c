// Tests of the queue head: every entry is handed out once, none is missed.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/head_ring.h"
#include "src/store/head_state.h"

#include <setjmp.h>
#include <stdarg.h>
// cmocka needs the two above first.
#include <cmocka.h>
#include <stdlib.h>

static struct head_entry
entry_of(int64_t due_ms, char fill)
{
    struct head_entry e = {.due_ms = due_ms};
    memset(e.id, fill, sizeof(e.id));
    return e;
}

struct fixture {
    struct heads *heads;
    struct head *head;
};

enum { NOISY = 7, QUIET = 9 };

// The state is the share that stands aside.
static bool
is_the_share(const void *state, int32_t share)
{
    return *(const int32_t *)state == share;
}

static void
state_end(void *state)
{
    *(int32_t *)state = 0; // as long as it is still there
}

static void
put_aside(struct head *h, int32_t share)
{
    *(int32_t *)head_lock(h) = share;
    head_unlock(h);
}

static void
fixture_init(struct fixture *f)
{
    f->heads = heads_new(&(struct heads_options){
        .state_bytes = sizeof(int32_t), .state_fini = state_end, .is_aside = is_the_share});
    f->head = heads_ref(f->heads, STR("0123456789abcdef"));
}

static void
fixture_fini(struct fixture *f)
{
    head_unref(f->heads, f->head);
    heads_free(f->heads);
}

static void
swept_entries_are_handed_out_once(void **state)
{
    struct fixture f;
    struct head_entry from, out[4];
    struct head_entry found[] = {entry_of(10, 1), entry_of(10, 2), entry_of(11, 1)};
    fixture_init(&f);
    head_sweep_begin(f.head, 20, &from);
    assert_int_equal(from.due_ms, 0);
    head_sweep_end(f.head, found, 3, false, false);
    assert_int_equal(head_claim_ready(f.head, 20, out, 2), 2);
    assert_memory_equal(out, found, 2 * sizeof(found[0]));
    assert_int_equal(head_claim_ready(f.head, 20, out, 4), 1);
    assert_int_equal(head_claim_ready(f.head, 20, out, 4), 0);
    fixture_fini(&f);
}

static void
entries_behind_the_mark_are_added_others_left_to_the_sweep(void **state)
{
    struct fixture f;
    struct head_entry from, out[4];
    struct head_entry behind = entry_of(20, 1), ahead = entry_of(21, 1);
    fixture_init(&f);
    head_sweep_begin(f.head, 20, &from);
    head_sweep_end(f.head, NULL, 0, false, false);
    head_add(f.head, &behind);
    head_add(f.head, &ahead);
    assert_int_equal(head_claim_ready(f.head, 30, out, 4), 1);
    assert_int_equal(out[0].due_ms, 20);
    head_sweep_begin(f.head, 30, &from);
    assert_int_equal(from.due_ms, 20);
    fixture_fini(&f);
}

static void
cut_and_failed_sweeps_go_on_where_they_stopped(void **state)
{
    struct fixture f;
    struct head_entry from, found[] = {entry_of(5, 1), entry_of(6, 1)};
    fixture_init(&f);
    head_sweep_begin(f.head, 20, &from);
    head_sweep_end(f.head, found, 2, true, false);
    head_sweep_begin(f.head, 20, &from);
    assert_memory_equal(&from, &found[1], sizeof(from));
    head_sweep_end(f.head, NULL, 0, false, true);
    head_sweep_begin(f.head, 20, &from);
    assert_memory_equal(&from, &found[1], sizeof(from));
    fixture_fini(&f);
}

static void
a_clock_moved_back_begins_at_the_start(void **state)
{
    struct fixture f;
    struct head_entry from, out[1], found[] = {entry_of(100000, 1)};
    fixture_init(&f);
    head_sweep_begin(f.head, 100000, &from);
    head_sweep_end(f.head, found, 1, false, false);
    assert_int_equal(head_claim_ready(f.head, 50000, out, 1), 0);
    head_sweep_begin(f.head, 50000, &from);
    assert_int_equal(from.due_ms, 0);
    fixture_fini(&f);
}

static void
next_due_is_never_later_than_what_was_added(void **state)
{
    struct fixture f;
    struct head_entry from, ahead = entry_of(60, 1);
    fixture_init(&f);
    assert_int_equal(head_next_due_known(f.head, 10), 0);
    head_sweep_begin(f.head, 20, &from);
    head_sweep_end(f.head, NULL, 0, false, false);
    head_next_due_begin(f.head);
    head_add(f.head, &ahead); // commits while the index is read
    head_next_due_end(f.head, 90);
    assert_int_equal(head_next_due_known(f.head, 20), 60);
    assert_int_equal(head_next_due_known(f.head, 60), 0); // its time has come: not known any more
    head_next_due_begin(f.head);
    head_next_due_end(f.head, INT64_MAX);
    assert_int_equal(head_next_due_known(f.head, 60), INT64_MAX);
    fixture_fini(&f);
}

static void
a_full_list_is_forgotten_not_cut(void **state)
{
    struct fixture f;
    struct head_entry from;
    fixture_init(&f);
    head_sweep_begin(f.head, 20, &from);
    head_sweep_end(f.head, NULL, 0, false, false);
    for (int i = 0; i <= HEAD_READY_MAX; i++)
        head_add(f.head, &(struct head_entry){.due_ms = 1});
    head_sweep_begin(f.head, 20, &from);
    assert_int_equal(from.due_ms, 0);
    fixture_fini(&f);
}

static void
a_deleted_head_lives_until_it_is_given_back(void **state)
{
    struct fixture f;
    struct head_entry out[1];
    fixture_init(&f);
    heads_del(f.heads, STR("0123456789abcdef"));
    assert_int_equal(head_claim_ready(f.head, 1, out, 1), 0);
    fixture_fini(&f);
}

static void
entries_are_put_aside_and_none_is_lost(void **state)
{
    enum { COUNT = HEAD_READY_MAX + 1000 };
    struct fixture f;
    struct head_entry from, to, out[10], found[HEAD_SWEEP_MAX];
    size_t at = 0, taken = 0;
    bool is_cut = true;
    fixture_init(&f);
    put_aside(f.head, NOISY);
    // The index: noisy ones, one a millisecond, then a quiet one.
    while (is_cut) {
        size_t count = 0;
        head_sweep_begin(f.head, COUNT + 1, &from);
        at = (size_t)from.due_ms;
        for (; count < HEAD_SWEEP_MAX && at <= COUNT; count++) {
            found[count] = entry_of((int64_t)++at, 1);
            found[count].share = at > COUNT ? QUIET : NOISY;
        }
        is_cut = at <= COUNT;
        head_sweep_end(f.head, found, count, is_cut, false);
    }
    assert_int_equal(head_claim_ready(f.head, COUNT + 1, out, 10), 1);
    assert_int_equal(out[0].due_ms, COUNT + 1);
    while ((at = head_claim_aside(f.head, COUNT + 1, out, 10)) > 0)
        for (size_t i = 0; i < at; i++)
            assert_int_equal(out[i].due_ms, ++taken);
    assert_int_equal(taken, HEAD_READY_MAX);
    // What did not fit is read once more.
    while (head_aside_begin(f.head, &from, &to)) {
        size_t count = 0;
        assert_int_equal(to.due_ms, COUNT + 1);
        for (at = (size_t)from.due_ms; count < HEAD_SWEEP_MAX && at < COUNT; count++) {
            found[count] = entry_of((int64_t)++at, 1);
            found[count].share = NOISY;
        }
        head_aside_end(f.head, found, count, at < COUNT, false);
        while (head_claim_aside(f.head, COUNT + 1, out, 1) > 0)
            assert_int_equal(out[0].due_ms, ++taken);
    }
    assert_int_equal(taken, COUNT);
    fixture_fini(&f);
}

static uint32_t
rank_is_share(const void *arg, int32_t share)
{
    return (uint32_t)share;
}

static void
the_lowest_rank_that_is_due_comes_first(void **state)
{
    static const int32_t shares[] = {7, 3, 9, 3, 1};
    struct head_ring r = {0};
    struct head_entry e;
    for (size_t i = 0; i < COUNT_OF(shares); i++)
        assert_true(
            head_ring_push(&r, &(struct head_entry){.due_ms = (int64_t)i, .share = shares[i]}));
    // The last one is not due yet; of equals the first comes first, and the others keep their
    // order.
    static const int64_t order[] = {1, 3, 0, 2};
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        assert_true(head_ring_take_lowest(&r, 3, rank_is_share, NULL, &e));
        assert_int_equal(e.due_ms, order[i]);
    }
    assert_false(head_ring_take_lowest(&r, 3, rank_is_share, NULL, &e));
    assert_true(head_ring_take_lowest(&r, 4, rank_is_share, NULL, &e));
    free(r.entries);
}

static void
what_need_not_stand_aside_any_more_is_claimed(void **state)
{
    struct fixture f;
    struct head_entry from, out[2];
    fixture_init(&f);
    head_sweep_begin(f.head, 20, &from);
    put_aside(f.head, NOISY);
    struct head_entry e = entry_of(10, 1);
    e.share = NOISY;
    head_add(f.head, &e);
    assert_int_equal(head_claim_ready(f.head, 20, out, 2), 0);
    put_aside(f.head, 0);
    head_add(f.head, &e);
    assert_int_equal(head_claim_ready(f.head, 20, out, 2), 2);
    assert_int_equal(head_claim_aside(f.head, 20, out, 2), 0);
    fixture_fini(&f);
}

// A sweep has come to 20,000. Another process commits an entry behind it, and one of ours waits.
static void
looking_back_finds_what_others_wrote_behind_the_mark(void **state)
{
    struct fixture f;
    struct head_entry from, out[4];
    struct head_entry ours = entry_of(19000, 1), theirs = entry_of(18000, 2);
    struct head_entry old = entry_of(100, 3), both[] = {theirs, ours};
    fixture_init(&f);
    head_look_back(f.head, 15000, 0);
    head_sweep_begin(f.head, 20000, &from);
    head_sweep_end(f.head, (struct head_entry[]){old, ours}, 2, false, false);
    head_look_back(f.head, 15500, 1000); // too early
    head_sweep_begin(f.head, 20000, &from);
    assert_int_equal(from.due_ms, 20000);
    head_sweep_end(f.head, NULL, 0, false, false);
    head_look_back(f.head, 20500, 1000);
    head_sweep_begin(f.head, 20500, &from);
    assert_int_equal(from.due_ms, 15000 - HEAD_LOOK_BACK_MS);
    head_sweep_end(f.head, both, 2, false, false);
    assert_int_equal(head_claim_ready(f.head, 20500, out, 4), 3);
    assert_memory_equal(&out[0], &old, sizeof(old));
    assert_memory_equal(&out[1], both, sizeof(both));
    // The next one goes back to 10,500 only, and never forward.
    head_look_back(f.head, 20600, 0);
    head_sweep_begin(f.head, 20600, &from);
    assert_int_equal(from.due_ms, 20500 - HEAD_LOOK_BACK_MS);
    head_sweep_end(f.head, &ours, 1, true, false);
    head_look_back(f.head, 90000, 0);
    head_look_back(f.head, 90000, 0);
    head_sweep_begin(f.head, 90000, &from);
    assert_in_range(from.due_ms, 0, 19000);
    head_sweep_end(f.head, NULL, 0, false, true);
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swept_entries_are_handed_out_once),
        cmocka_unit_test(entries_behind_the_mark_are_added_others_left_to_the_sweep),
        cmocka_unit_test(cut_and_failed_sweeps_go_on_where_they_stopped),
        cmocka_unit_test(a_clock_moved_back_begins_at_the_start),
        cmocka_unit_test(next_due_is_never_later_than_what_was_added),
        cmocka_unit_test(a_full_list_is_forgotten_not_cut),
        cmocka_unit_test(a_deleted_head_lives_until_it_is_given_back),
        cmocka_unit_test(entries_are_put_aside_and_none_is_lost),
        cmocka_unit_test(what_need_not_stand_aside_any_more_is_claimed),
        cmocka_unit_test(the_lowest_rank_that_is_due_comes_first),
        cmocka_unit_test(looking_back_finds_what_others_wrote_behind_the_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

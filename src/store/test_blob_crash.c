// Tests of kill -9 before every step of making, linking, unlinking and collecting a blob.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/store/blob_fixture.h"

enum {
    SIZE = 200000,
    STEPS_MAX = 100,
    STEP_NAME_MAX = 32,
    ARG_BYTES = 16,
    CROWD = 6,         // lives at once
    CROWD_STRIDE = 19, // of their steps, killed before
    SOON_MS = 60 * 1000,
};

// What the process that is killed tells: it has no other way.
struct note {
    enum { KEPT, BEGAN, LINKED, UNLINKING, UNLINKED, STEP } what;
    struct blob_id id;
    char step[STEP_NAME_MAX];
};

// What its parent knows of one blob.
struct life {
    struct blob_id id;
    bool is_linked, is_unlinking, is_unlinked;
};

struct story {
    struct life lives[CROWD + 1]; // the first is that of the one that is kept
    size_t count;
    char step[STEP_NAME_MAX]; // the last
    bool is_exact;            // one life: nothing happened between its last word and its end
};

// Counts the steps down, and ends in the last one.
struct bomb {
    int pipe;
    atomic_int steps_left;
};

static void
tell(int pipe, const struct note *note)
{
    CHECK(write(pipe, note, sizeof *note) == sizeof *note);
}

static void
on_step(void *arg, const char *step)
{
    struct bomb *b = arg;
    if (atomic_fetch_sub(&b->steps_left, 1) > 0)
        return;
    struct note note = {.what = STEP};
    snprintf(note.step, sizeof note.step, "%s", step);
    tell(b->pipe, &note);
    raise(SIGKILL);
}

static void
tell_of(struct bomb *b, int what, const struct blob_id *id)
{
    struct note note = {.what = what, .id = *id};
    tell(b->pipe, &note);
}

static void
live_a_life(struct fixture *f, size_t i)
{
    struct blob_fixture *g = (struct blob_fixture *)f;
    struct bomb *b = g->options.hook.arg;
    struct arena arena;
    size_t count;
    arena_init(&arena);
    struct blob_new *blob = put_blob(g, &arena, reference(g, SIZE));
    tell_of(b, BEGAN, &blob->id);
    on_step(b, "link");
    CHECK(link_blob(g, blob) == OK);
    tell_of(b, LINKED, &blob->id);
    on_step(b, "linked");
    tell_of(b, UNLINKING, &blob->id);
    CHECK(unlink_blob(g, &blob->id) == OK);
    tell_of(b, UNLINKED, &blob->id);
    on_step(b, "unlinked");
    // What the others have put and not linked yet stays.
    int64_t now_ms = clock_wall_ms(f->runtime) + SOON_MS;
    CHECK(blob_collect(g->blobs, now_ms, BLOB_COLLECT_MAX, &count) == OK);
    on_step(b, "collected");
    arena_fini(&arena);
}

static void
keep_one(struct blob_fixture *g)
{
    struct blob_id id = make_blob(g, reference(g, SIZE));
    tell_of(g->options.hook.arg, KEPT, &id);
}

static void
live(struct blob_fixture *g)
{
    in_fibers(&g->store, *(const size_t *)g->shared, live_a_life);
}

// The process that is killed: everything comes from its arguments.
static int
run_child(const char *dir, int steps, size_t lives)
{
    struct bomb b = {STDOUT_FILENO, INT32_MAX};
    struct blob_fixture *g = blob_fixture_open("rocks:", dir, (struct blob_hook){on_step, &b});
    blob_in_fiber(g, keep_one);
    atomic_store(&b.steps_left, steps);
    g->shared = &lives;
    blob_in_fiber(g, live);
    blob_fixture_close(g);
    return 0;
}

static struct life *
find_life(struct story *s, const struct blob_id *id)
{
    size_t i = 0;
    while (i < s->count && memcmp(&s->lives[i].id, id, sizeof *id) != 0)
        i++;
    if (i == s->count) {
        CHECK(s->count < COUNT_OF(s->lives));
        s->lives[s->count++].id = *id;
    }
    return &s->lives[i];
}

static void
read_story(int pipe, struct story *out)
{
    struct note note;
    while (read(pipe, &note, sizeof note) == sizeof note) {
        if (note.what == STEP) {
            memcpy(out->step, note.step, sizeof out->step);
            continue;
        }
        struct life *l = find_life(out, &note.id);
        l->is_linked |= note.what == KEPT || note.what == LINKED;
        l->is_unlinking |= note.what == UNLINKING;
        l->is_unlinked |= note.what == UNLINKED;
    }
}

// Runs this program again and kills it before its step `steps`. False: it had fewer.
static bool
run_killed(const char *dir, int steps, size_t lives, struct story *out)
{
    int ends[2], status;
    char steps_text[ARG_BYTES], lives_text[ARG_BYTES];
    char *const args[] = {(char *)"test", (char *)dir, steps_text, lives_text, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    snprintf(steps_text, sizeof steps_text, "%d", steps);
    snprintf(lives_text, sizeof lives_text, "%zu", lives);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, args, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    read_story(ends[0], out);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : status == 0);
    return WIFSIGNALED(status);
}

static bool
is_there(struct blob_fixture *g, const struct life *l)
{
    int code = compare_blob(g, &l->id, reference(g, SIZE));
    CHECK(code == OK || code == E_NOT_FOUND); // whole or gone
    CHECK(code == OK || !l->is_linked || l->is_unlinking);
    return code == OK;
}

static void
check_story(struct blob_fixture *g)
{
    const struct story *s = g->shared;
    size_t left = 0;
    CHECK(s->count > 0);
    for (size_t i = 0; i < s->count; i++)
        is_there(g, &s->lives[i]);
    collect_all(g);
    for (size_t i = 0; i < s->count; i++) {
        bool is_left = is_there(g, &s->lives[i]);
        CHECK(!is_left || !s->lives[i].is_unlinked);
        CHECK(!is_left || !s->is_exact || s->lives[i].is_linked);
        left += is_left;
    }
    CHECK(count_files(g) == left && count_records(g) == left);
}

static void
check_after(const char *dir, struct story *s)
{
    struct blob_fixture *g = blob_fixture_open("rocks:", dir, (struct blob_hook){0});
    g->shared = s;
    blob_in_fiber(g, check_story);
    blob_fixture_close(g);
}

// False: it had fewer steps.
static bool
kill_and_check(int steps, size_t lives, struct story *out)
{
    char dir[FIXTURE_PATH_MAX];
    const char *parent = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/c10m-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(dir));
    bool is_killed = run_killed(dir, steps, lives, out);
    check_after(dir, out);
    dir_remove(dir);
    return is_killed;
}

static void
test_killed_before_every_step(void **state)
{
    static const char *const NAMES[] = {"create",          "append",   "sync",           "head",
                                        "publish",         "rename",   "sync directory", "link",
                                        "linked",          "unlinked", "collect heads",  "remove",
                                        "collect entries", "collected"};
    bool is_seen[COUNT_OF(NAMES)] = {false};
    for (int steps = 0, is_killed = true; is_killed; steps++) {
        struct story s = {.is_exact = true};
        assert_true(steps < STEPS_MAX);
        is_killed = kill_and_check(steps, 1, &s);
        for (size_t i = 0; i < COUNT_OF(NAMES); i++)
            is_seen[i] |= strcmp(s.step, NAMES[i]) == 0;
    }
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        if (!is_seen[i])
            print_error("no step \"%s\"\n", NAMES[i]);
        assert_true(is_seen[i]);
    }
}

static void
test_killed_with_many_under_way(void **state)
{
    for (int steps = 0, is_killed = true; is_killed; steps += CROWD_STRIDE) {
        struct story s = {0};
        assert_true(steps < CROWD * STEPS_MAX);
        is_killed = kill_and_check(steps, CROWD, &s);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_before_every_step),
        cmocka_unit_test(test_killed_with_many_under_way),
    };
    if (argc == 4)
        return run_child(argv[1], (int)strtol(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of opening: what is made, what is refused, and what the refusal says.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/data_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/store/fixture.h"
#include "src/store/rocks.h"

enum { RESERVE_BYTES = 1024 * 1024 };

struct place {
    char root[FIXTURE_PATH_MAX]; // a fresh directory
    char dir[2 * FIXTURE_PATH_MAX];
    char problem[1024];
};

static int
setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    const char *parent = getenv("TMPDIR");
    snprintf(p->root, sizeof p->root, "%s/c10m-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(p->root));
    snprintf(p->dir, sizeof p->dir, "%s/data", p->root);
    *state = p;
    return 0;
}

static int
teardown(void **state)
{
    struct place *p = *state;
    dir_remove(p->root);
    free(p);
    return 0;
}

static int
open_it(struct place *p, struct data_dir *out)
{
    p->problem[0] = 0;
    return data_dir_open(p->dir, RESERVE_BYTES, out, p->problem, sizeof p->problem);
}

static void
write_file(const struct place *p, const char *name, const char *text)
{
    char path[3 * FIXTURE_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void
assert_refused(struct place *p, int code, const char *said)
{
    struct data_dir d;
    assert_int_equal(open_it(p, &d), code);
    if (strstr(p->problem, said) == NULL || strstr(p->problem, p->dir) == NULL)
        print_error("problem: %s\n", p->problem);
    assert_non_null(strstr(p->problem, said));
    assert_non_null(strstr(p->problem, p->dir));
}

static void
directory_is_made_with_its_parents(void **state)
{
    struct place *p = *state;
    struct data_dir d;
    struct stat st;
    snprintf(p->dir, sizeof p->dir, "%s//a/b/data/", p->root);
    assert_int_equal(open_it(p, &d), OK);
    assert_int_equal(stat(p->dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(d.store_path, &st), 0);
    assert_true(d.is_new);
    data_dir_close(&d);
    assert_int_equal(open_it(p, &d), OK); // and opens again
    assert_false(d.is_new);
    data_dir_close(&d);
}

static void
count_call(void *arg)
{
    ++*(int *)arg;
}

static void
on_new_is_called_once_in_the_life_of_a_directory(void **state)
{
    struct place *p = *state;
    struct log log = {.fd = STDERR_FILENO, .level_min = LOG_ERROR};
    struct runtime *rt;
    struct kv *kv;
    char url[3 * FIXTURE_PATH_MAX];
    int calls = 0;
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = 1}, &rt), OK);
    struct kv_options options = {
        .runtime = rt, .log = &log, .on_new = count_call, .on_new_arg = &calls};
    snprintf(url, sizeof url, "rocks:%s", p->dir);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kv_open(url, &options, &kv, p->problem, sizeof p->problem), OK);
        assert_int_equal(calls, 1);
        kv_close(kv);
    }
    runtime_free(rt);
}

static void
second_opening_is_refused(void **state)
{
    struct place *p = *state;
    struct data_dir d;
    assert_int_equal(open_it(p, &d), OK);
    assert_refused(p, E_EXISTS, "another c10m uses");
    data_dir_close(&d);
    assert_int_equal(open_it(p, &d), OK);
    data_dir_close(&d);
}

static void
foreign_directory_is_left_alone(void **state)
{
    struct place *p = *state;
    struct stat st;
    assert_int_equal(mkdir(p->dir, 0755), 0);
    write_file(p, "thesis.txt", "mine");
    assert_refused(p, E_INVALID, "thesis.txt");
    char path[3 * FIXTURE_PATH_MAX];
    snprintf(path, sizeof path, "%s/lock", p->dir);
    assert_int_not_equal(stat(path, &st), 0);
}

static void
start_cut_short_is_repeated(void **state)
{
    struct place *p = *state;
    struct data_dir d;
    char store[3 * FIXTURE_PATH_MAX];
    snprintf(store, sizeof store, "%s/store", p->dir);
    assert_int_equal(mkdir(p->dir, 0700), 0);
    write_file(p, "lock", "");
    write_file(p, "c10m.json.new", "{\"for");
    assert_int_equal(mkdir(store, 0700), 0);
    assert_int_equal(open_it(p, &d), OK);
    data_dir_close(&d);
}

static void
store_without_a_mark_is_left_alone(void **state)
{
    struct place *p = *state;
    char store[3 * FIXTURE_PATH_MAX];
    snprintf(store, sizeof store, "%s/store", p->dir);
    assert_int_equal(mkdir(p->dir, 0700), 0);
    assert_int_equal(mkdir(store, 0700), 0);
    write_file(p, "store/CURRENT", "MANIFEST-000001\n");
    assert_refused(p, E_INVALID, "store");
}

static void
marks_are_read(void **state)
{
    static const struct {
        const char *mark;
        int code;
        const char *said;
    } CASES[] = {
        {"{\"format\":2}\n", E_NEWER, "format 2"},
        {"{\"format\":0}\n", E_INVALID, "damaged"},
        {"{\"format\":}\n", E_INVALID, "damaged"},
        {"{\"format\":1", E_INVALID, "damaged"},
        {"", E_INVALID, "damaged"},
    };
    struct place *p = *state;
    assert_int_equal(mkdir(p->dir, 0700), 0);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        write_file(p, "c10m.json", CASES[i].mark);
        assert_refused(p, CASES[i].code, CASES[i].said);
    }
}

static void
file_in_its_place_is_refused(void **state)
{
    struct place *p = *state;
    int fd = open(p->dir, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_refused(p, E_IO, "Not a directory");
    snprintf(p->dir, sizeof p->dir, "%s/data/below", p->root);
    assert_refused(p, E_IO, "Not a directory");
}

static void
unwritable_directory_is_refused(void **state)
{
    if (geteuid() == 0)
        skip(); // root writes everywhere
    struct place *p = *state;
    assert_int_equal(mkdir(p->dir, 0500), 0);
    assert_refused(p, E_IO, "Permission denied");
}

static void
full_disk_is_refused(void **state)
{
    struct place *p = *state;
    struct data_dir d;
    p->problem[0] = 0;
    assert_int_equal(data_dir_open(p->dir, INT64_MAX, &d, p->problem, sizeof p->problem), E_FULL);
    assert_non_null(strstr(p->problem, "MiB"));
    assert_int_equal(open_it(p, &d), OK); // nothing stands in the way later
    data_dir_close(&d);
}

static int
put_body(struct kv_txn *txn, void *arg)
{
    return kv_set(txn, STR("a"), STR("1"));
}

static int
put_for_room_body(struct kv_txn *txn, void *arg)
{
    kv_makes_room(txn);
    return kv_set(txn, STR("b"), STR("1"));
}

static int
del_body(struct kv_txn *txn, void *arg)
{
    TRY(kv_add(txn, STR("n"), -1));
    return kv_del(txn, STR("a"));
}

// The reserve is what starting takes; it grows while the store is open.
static void
full_store(struct fixture *f)
{
    struct arena arena;
    arena_init(&arena);
    put(f, STR("a"), STR("1"));
    struct rocks *r = (struct rocks *)f->kv->backend;
    r->reserve_bytes = 2 * r->free_bytes; // of which deletions leave one half
    CHECK(kv_run(f->kv, &arena, put_body, NULL) == E_FULL);
    CHECK(has(f, STR("a"), STR("1")));
    CHECK(kv_run(f->kv, &arena, del_body, NULL) == OK);
    CHECK(has(f, STR("a"), (struct str){0}));
    CHECK(kv_run(f->kv, &arena, put_for_room_body, NULL) == OK);
    r->reserve_bytes = INT64_MAX;
    CHECK(kv_run(f->kv, &arena, del_body, NULL) == E_FULL);
    CHECK(kv_run(f->kv, &arena, put_for_room_body, NULL) == E_FULL);
    r->reserve_bytes = RESERVE_BYTES;
    CHECK(kv_run(f->kv, &arena, put_body, NULL) == OK);
    arena_fini(&arena);
}

static void
full_store_reads_and_deletes(void **state)
{
    in_fiber(*state, full_store);
}

static void
other_urls_are_refused(void **state)
{
    static const char *const URLS[] = {"", "rocks:", "rocks", "mem", "mem:x", "mysql://x"};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(URLS); i++) {
        char problem[256] = "";
        struct kv *kv;
        assert_int_equal(kv_open(URLS[i], &f->options, &kv, problem, sizeof problem), E_INVALID);
        assert_non_null(strstr(problem, "rocks:DIRECTORY"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(directory_is_made_with_its_parents, setup, teardown),
        cmocka_unit_test_setup_teardown(on_new_is_called_once_in_the_life_of_a_directory, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(second_opening_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_directory_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(start_cut_short_is_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(store_without_a_mark_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(marks_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(file_in_its_place_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(unwritable_directory_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(full_disk_is_refused, setup, teardown),
        {"full_store_reads_and_deletes", full_store_reads_and_deletes, fixture_setup,
         fixture_teardown, (void *)"rocks:"},
        {"other_urls_are_refused", other_urls_are_refused, fixture_setup, fixture_teardown,
         (void *)"mem:"},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

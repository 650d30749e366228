// Tests of the removal of folders, whatever a guest has made in them.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/fixture.h"

enum { LEVELS = 100, NAME_BYTES = 200, FILES = 3000 };

static char *
path_of(struct fixture *f, const char *name)
{
    return arena_copy_z(&f->arena, arena_print(&f->arena, "%s/%s", f->dir, name));
}

static void
file_make(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

// Far longer than a path may be.
static void
removes_what_is_deep(struct fixture *f)
{
    char name[NAME_BYTES + 1];
    const char *top = path_of(f, "deep");
    memset(name, 'd', NAME_BYTES);
    name[NAME_BYTES] = '\0';
    assert_int_equal(mkdir(top, 0700), 0);
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < LEVELS; i++) {
        file_make(fd, ".moved-1"); // a name that the removal itself would like
        assert_int_equal(mkdirat(fd, name, 0700), 0);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(fd);
        fd = next;
    }
    close(fd);
    assert_int_equal(tree_remove(f->runtime, top), OK);
    assert_int_not_equal(access(top, F_OK), 0);
}

static void
removes_many_and_unreadable_ones_and_follows_no_link(struct fixture *f)
{
    char name[32];
    const char *top = path_of(f, "wide"), *kept = path_of(f, "kept");
    assert_int_equal(mkdir(top, 0700), 0);
    assert_int_equal(mkdir(kept, 0700), 0);
    int kept_fd = open(kept, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    file_make(kept_fd, "file");
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "%d", i);
        file_make(fd, name);
    }
    assert_int_equal(symlinkat(kept, fd, "link"), 0);
    assert_int_equal(mkdirat(fd, "inner", 0700), 0);
    assert_int_equal(mkdirat(fd, "inner/work", 0700), 0);
    assert_int_equal(symlinkat(kept, fd, "inner/work/link"), 0);
    assert_int_equal(fchmodat(fd, "inner/work", 0, 0), 0);
    close(fd);
    assert_int_equal(tree_remove(f->runtime, top), OK);
    assert_int_not_equal(access(top, F_OK), 0);
    assert_int_equal(faccessat(kept_fd, "file", F_OK, 0), 0);
    close(kept_fd);
    assert_int_equal(tree_remove(f->runtime, top), OK); // it is gone already
}

static void
test_removes_what_is_deep(void **state)
{
    fixture_run(*state, removes_what_is_deep);
}

static void
test_removes_many_and_unreadable_ones_and_follows_no_link(void **state)
{
    fixture_run(*state, removes_many_and_unreadable_ones_and_follows_no_link);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(removes_what_is_deep),
        TEST(removes_many_and_unreadable_ones_and_follows_no_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

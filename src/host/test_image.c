// Tests of images from tarballs, and of snapshots.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/host/image_store.h"

// A small root; its programs are the host's.
#define ROOT                                                                                       \
    "mkdir -p r/etc r/usr r/proc r/sys r/dev r/run r/tmp r/home && ln -s usr/bin r/bin && "        \
    "ln -s usr/lib r/lib && ln -s usr/lib64 r/lib64 && echo first >r/etc/name && "                 \
    "{ chown 7:8 r/etc/name 2>/dev/null || true; } && chmod 4755 r/etc/name; "

static void
shell(const char *command)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static const char *
tarball_make(struct fixture *f, const char *name, const char *commands)
{
    char *path = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/%s.tar.gz", f->dir, name));
    char *command = arena_copy_z(
        &f->arena, arena_print(&f->arena,
                               "cd %s && mkdir make && cd make && %s tar -cPzf %s -C r . && cd .. "
                               "&& rm -rf make",
                               f->dir, commands, path));
    shell(command);
    return path;
}

static struct sandbox_spec
guest_of(struct fixture *f, const char *name, const char *id, const char *command)
{
    struct sandbox_spec spec = fixture_guest(f, name, command);
    struct sandbox_mount *mounts = arena_alloc_array(&f->arena, 2, sizeof(*mounts));
    char *dir = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/changes-%s", f->dir, name));
    assert_int_equal(image_root(f->host, id, dir, 1, &f->arena, &mounts[0]), OK);
    mounts[1] = (struct sandbox_mount){
        .kind = SANDBOX_READ_ONLY, .at = STR("/usr"), .outside = STR("/usr")};
    spec.mounts = mounts;
    spec.mount_count = 2;
    return spec;
}

static void
import(struct fixture *f, const char *tarball, char id[IMAGE_ID_BYTES])
{
    char problem[IMAGE_PROBLEM_BYTES] = "";
    int code = image_import(f->host, tarball, id, problem);
    if (code != OK)
        print_error("%s\n", problem);
    assert_int_equal(code, OK);
}

static void
guests_boot_from_a_tarball(struct fixture *f)
{
    char id[IMAGE_ID_BYTES], again[IMAGE_ID_BYTES];
    struct str out = {0};
    import(f, tarball_make(f, "one", ROOT), id);
    import(f, arena_copy_z(&f->arena, arena_print(&f->arena, "%s/one.tar.gz", f->dir)), again);
    assert_string_equal(id, again);
    struct sandbox_spec one =
        guest_of(f, "one", id, "cat /etc/name; stat -c '%u %g %a' /etc/name; echo mine >/etc/name");
    fixture_start(f, &one);
    assert_int_equal(fixture_end(f, "one", &out).code, 0);
    assert_true(
        str_eq(out, f->host->is_root ? STR("first\n7 8 4755\n") : STR("first\n0 0 4755\n")));
    // The next guest sees nothing of what that one wrote.
    struct sandbox_spec two = guest_of(f, "two", id, "cat /etc/name");
    fixture_start(f, &two);
    assert_int_equal(fixture_end(f, "two", &out).code, 0);
    assert_true(str_eq(out, STR("first\n")));
    assert_int_equal(sandbox_remove(f->host, STR("one")), OK);
    assert_int_equal(sandbox_remove(f->host, STR("two")), OK);
}

static void
nothing_escapes_from_a_tarball(struct fixture *f)
{
    char id[IMAGE_ID_BYTES], problem[IMAGE_PROBLEM_BYTES] = "";
    char *victim = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/victim", f->dir));
    assert_int_equal(mkdir(victim, 0777), 0);
    // A link out of the tree, then a file through it; and names that climb.
    char *commands = arena_copy_z(
        &f->arena,
        arena_print(&f->arena,
                    ROOT
                    "mkdir t && ln -s %s r/out && tar -cPf ../evil.tar -C r . && rm r/out && "
                    "mkdir r/out && echo x >r/out/file && tar -rPf ../evil.tar -C r ./out/file "
                    "&& tar -rPf ../evil.tar --transform='s,^.*file,../../../../../..%s/climbed,' "
                    "r/out/file; ",
                    victim, victim));
    (void)tarball_make(f, "evil-base", commands);
    char *evil = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/evil.tar", f->dir));
    int code = image_import(f->host, evil, id, problem);
    assert_true(code == OK || code == E_INVALID);
    char *file = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/file", victim));
    char *climbed = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/climbed", victim));
    assert_int_equal(access(file, F_OK), -1);
    assert_int_equal(access(climbed, F_OK), -1);
    // What is no tarball says so.
    char *text = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/no.tar", f->dir));
    FILE *out = fopen(text, "we");
    assert_non_null(out);
    fputs("this is no tarball", out);
    fclose(out);
    assert_int_equal(image_import(f->host, text, id, problem), E_INVALID);
    assert_non_null(strstr(problem, "does not look like a tar archive"));
    assert_int_equal(image_import(f->host, "/no/such/file", id, problem), E_NOT_FOUND);
}

static void
is_kept_while_it_is_held(struct fixture *f)
{
    char id[IMAGE_ID_BYTES];
    size_t removed;
    struct sandbox_mount mount;
    import(f, tarball_make(f, "one", ROOT), id);
    assert_int_equal(image_hold(f->host, id, STR("a")), OK);
    assert_int_equal(image_hold(f->host, id, STR("b")), OK);
    assert_int_equal(image_release(f->host, id, STR("a")), OK);
    assert_int_equal(image_collect(f->host, &removed), OK);
    assert_int_equal(removed, 0);
    assert_int_equal(image_release(f->host, id, STR("b")), OK);
    assert_int_equal(image_collect(f->host, &removed), OK);
    assert_int_equal(removed, 1);
    assert_int_equal(image_hold(f->host, id, STR("a")), E_NOT_FOUND);
    assert_int_equal(image_root(f->host, id, f->dir, 1, &f->arena, &mount), E_NOT_FOUND);
}

static void
snapshots_are_images(struct fixture *f)
{
    char id[IMAGE_ID_BYTES], new[IMAGE_ID_BYTES], problem[IMAGE_PROBLEM_BYTES] = "";
    struct str out = {0};
    import(f, tarball_make(f, "one", ROOT "echo gone >r/etc/gone; mkdir r/srv; echo x >r/srv/x; "),
           id);
    struct sandbox_spec one =
        guest_of(f, "one", id,
                 "echo changed >/etc/name; rm /etc/gone; rm -r /srv; mkdir /srv; echo y >/srv/y; "
                 "echo written; while :; do sleep 1; done");
    fixture_start(f, &one);
    fixture_hear(f, "one", "written");
    const struct image_snapshot snapshot = {
        .sandbox = STR("one"),
        .id = id,
        .dir = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/changes-one", f->dir)),
        .ids_row = 1,
    };
    int code = image_snapshot(f->host, &snapshot, new, problem);
    if (f->host->cgroups.roots[CGROUP_FREEZER] == NULL)
        assert_int_equal(code, E_INVALID); // only a stopped one
    else
        assert_int_equal(code, OK);
    assert_int_equal(sandbox_stop(f->host, STR("one"), 0), OK);
    code = image_snapshot(f->host, &snapshot, new, problem);
    if (code != OK)
        print_error("%s\n", problem);
    assert_int_equal(code, OK);
    assert_string_not_equal(id, new);
    struct sandbox_spec two =
        guest_of(f, "two", new, "cat /etc/name; ls /srv; ls /etc/gone 2>/dev/null || echo no");
    fixture_start(f, &two);
    assert_int_equal(fixture_end(f, "two", &out).code, 0);
    assert_true(str_eq(out, STR("changed\ny\nno\n")));
    assert_int_equal(sandbox_remove(f->host, STR("one")), OK);
    assert_int_equal(sandbox_remove(f->host, STR("two")), OK);
}

#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        fixture_run(*state, name);                                                                 \
    }
IN_FIBER(guests_boot_from_a_tarball)
IN_FIBER(nothing_escapes_from_a_tarball)
IN_FIBER(is_kept_while_it_is_held)
IN_FIBER(snapshots_are_images)

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(guests_boot_from_a_tarball),
        TEST(nothing_escapes_from_a_tarball),
        TEST(is_kept_while_it_is_held),
        TEST(snapshots_are_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

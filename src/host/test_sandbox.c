// Tests of sandboxes: what a guest sees, what limits it, how it ends and is found again.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/disk.h"
#include "src/host/fixture.h"

enum { MIB = 1024 * 1024 };

static bool
says(struct str console, const char *what)
{
    bool is_there = str_find(console, str_of(what)) >= 0;
    if (!is_there)
        print_error("no \"%s\" in:\n" STR_FMT "\n", what, STR_ARG(console));
    return is_there;
}

static void
remove_guest(struct fixture *f, const char *name)
{
    assert_int_equal(sandbox_remove(f->host, str_of(name)), OK);
}

static void
sees_itself(struct fixture *f)
{
    struct str console;
    struct sandbox_spec spec = fixture_guest(
        f, "g",
        "id -u; hostname; head -1 /proc/meminfo; grep -c ^processor /proc/cpuinfo; "
        // Its clock begins within a second of 0.
        "echo $(($(cut -d. -f1 /proc/uptime) / 60)); nproc; getconf _NPROCESSORS_ONLN;"
        "ls /sys; ls /sys/devices/system/cpu | tr '\\n' ' '; ls /dev | tr '\\n' ' '; "
        "ls -A /root /home; ls /proc | grep -c '^[0-9]'; awk 'BEGIN {print \"awk\" "
        "6*7}'; cat /etc/passwd | head -1;"
        "echo hello > /dev/console; touch /srv/mine && echo can-write; exit 7");
    spec.limits = (struct limits){.memory_bytes = 256 * (uint64_t)MIB, .cpu_millis = 1000};
    fixture_start(f, &spec);
    struct sandbox_status status = fixture_end(f, "g", &console);
    assert_int_equal(status.state, SANDBOX_EXITED);
    assert_int_equal(status.code, 7);
    assert_int_equal(status.signal, 0);
    assert_true(says(console, "0\nguest-1\nMemTotal:       262144 kB\n1\n0\n1\n1\n"));
    assert_true(says(console, "awk42\nroot:x:0:0"));
    assert_true(says(console, "hello\ncan-write\n"));
    // Its own /sys and /dev.
    assert_true(says(console, "devices\nonline possible present "));
    assert_true(says(console, "console fd full null ptmx pts random shm stderr stdin stdout tty "
                              "urandom zero "));
    remove_guest(f, "g");
}

static void
keeps_its_disk(struct fixture *f)
{
    struct str console;
    struct sandbox_spec first = fixture_guest(f, "g", "echo kept > /srv/file; rm /etc/shells");
    fixture_start(f, &first);
    (void)fixture_end(f, "g", &console);
    remove_guest(f, "g");
    struct sandbox_spec second = fixture_guest(f, "g", "cat /srv/file; ls /etc/shells");
    fixture_start(f, &second);
    (void)fixture_end(f, "g", &console);
    assert_true(says(console, "kept\n"));
    assert_true(says(console, "No such file"));
    remove_guest(f, "g");
}

static void
is_alone(struct fixture *f)
{
    struct str console;
    char command[512];
    // Neither processes nor files nor networks of the host are in sight, and none of the means to
    // get at them.
    snprintf(command, sizeof(command),
             "kill -0 %d && echo sees-host; ls %s && echo sees-data; cat /etc/shadow && echo "
             "sees-shadow;"
             "cat /sys/class/net/eth0/address && echo sees-net; mount -t tmpfs none /mnt && echo "
             "can-mount;"
             "unshare -Ur true && echo can-unshare; mknod /srv/sda b 8 0 && echo can-mknod;"
             "umount /proc/meminfo && echo can-uncover; date -s 2001-01-01 && echo can-set-time;"
             "echo 1 > /proc/sys/kernel/panic && echo can-sysctl; hostname other && echo "
             "can-rename; echo end",
             (int)getpid(), f->dir);
    struct sandbox_spec spec = fixture_guest(f, "g", command);
    fixture_start(f, &spec);
    (void)fixture_end(f, "g", &console);
    assert_true(says(console, "end\n"));
    assert_true(str_find(console, STR("sees-")) < 0 || !says(console, "nothing of the host"));
    assert_true(str_find(console, STR("can-")) < 0 || !says(console, "no rights"));
    remove_guest(f, "g");
}

static void
ends_when_told(struct fixture *f)
{
    struct sandbox_status status;
    struct sandbox_spec spec = fixture_guest(
        f, "g", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done");
    fixture_start(f, &spec);
    fixture_hear(f, "g", "up\n");
    assert_int_equal(sandbox_status_get(f->host, STR("g"), &status), OK);
    assert_int_equal(status.state, SANDBOX_RUNNING);
    assert_int_equal(sandbox_remove(f->host, STR("g")), E_EXISTS);
    char problem[256];
    assert_int_equal(sandbox_start(f->host, &spec, problem, sizeof(problem)), E_EXISTS);
    assert_int_equal(sandbox_stop(f->host, STR("g"), 20 * 1000), OK);
    assert_int_equal(sandbox_status_get(f->host, STR("g"), &status), OK);
    assert_int_equal(status.state, SANDBOX_EXITED);
    assert_int_equal(status.code, 3);
    remove_guest(f, "g");
    assert_int_equal(sandbox_status_get(f->host, STR("g"), &status), OK);
    assert_int_equal(status.state, SANDBOX_ABSENT);
}

static void
is_killed_when_it_will_not_end(struct fixture *f)
{
    struct sandbox_status status;
    struct sandbox_spec spec =
        fixture_guest(f, "g", "trap '' TERM; echo up; while :; do sleep 0.05; done");
    fixture_start(f, &spec);
    fixture_hear(f, "g", "up\n");
    assert_int_equal(sandbox_stop(f->host, STR("g"), 100), OK);
    assert_int_equal(sandbox_status_get(f->host, STR("g"), &status), OK);
    assert_int_equal(status.state, SANDBOX_EXITED);
    assert_int_equal(status.signal, SIGKILL);
    remove_guest(f, "g");
}

static void
says_why_it_cannot_start(struct fixture *f)
{
    char problem[512] = "";
    struct sandbox_status status;
    struct sandbox_spec spec = fixture_guest(f, "g", "true");
    ((struct str *)spec.args)[0] = STR("/no/such/program");
    assert_int_equal(sandbox_start(f->host, &spec, problem, sizeof(problem)), E_INVALID);
    assert_true(says(str_of(problem), "/no/such/program: No such file or directory"));
    assert_int_equal(sandbox_stop(f->host, STR("g"), 0), OK);
    assert_int_equal(sandbox_status_get(f->host, STR("g"), &status), OK);
    assert_int_equal(status.state, SANDBOX_LOST); // it never ran, and left no exit
    remove_guest(f, "g");
}

static pid_t
shim_of(int guest)
{
    char path[64], line[256];
    int parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", guest);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "PPid: %d", &parent) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return parent;
}

static void
goes_with_its_shim(struct fixture *f)
{
    struct sandbox_status status;
    struct sandbox_spec spec = fixture_guest(f, "g", "sleep 1000");
    fixture_start(f, &spec);
    assert_int_equal(sandbox_status_get(f->host, STR("g"), &status), OK);
    int guest = status.pid;
    assert_int_equal(kill(shim_of(guest), SIGKILL), 0);
    for (int i = 0; i < 1000 && (kill(guest, 0) == 0 || status.state == SANDBOX_RUNNING); i++) {
        assert_int_equal(fiber_sleep_until(deadline_in_ms(f->runtime, 10)), OK);
        assert_int_equal(sandbox_status_get(f->host, STR("g"), &status), OK);
    }
    assert_int_equal(status.state, SANDBOX_LOST);
    assert_int_not_equal(kill(guest, 0), 0);
    remove_guest(f, "g");
}

static void
is_found_by_another_host(struct fixture *f)
{
    char problem[512];
    struct host *other;
    struct sandbox_status status;
    struct host_options options = {.runtime = f->runtime, .log = &f->log, .dir = f->dir};
    struct sandbox_spec spec = fixture_guest(f, "g", "sleep 1000");
    fixture_start(f, &spec);
    assert_int_equal(host_new(&options, &other, problem, sizeof(problem)), OK);
    assert_int_equal(sandbox_status_get(other, STR("g"), &status), OK);
    assert_int_equal(status.state, SANDBOX_RUNNING);
    assert_int_equal(sandbox_stop(other, STR("g"), 0), OK);
    assert_int_equal(sandbox_remove(other, STR("g")), OK);
    host_free(other);
}

static void
keeps_the_end_of_a_long_console(struct fixture *f)
{
    struct str console;
    struct sandbox_spec spec =
        fixture_guest(f, "g", "yes 0123456789abcdef | head -c 3000000; echo; echo the-end");
    spec.console_bytes = 100 * 1000;
    fixture_start(f, &spec);
    (void)fixture_end(f, "g", &console);
    assert_true(str_ends(console, STR("the-end\n")));
    assert_in_range(console.len, 100 * 1000, 300 * 1000);
    remove_guest(f, "g");
}

static void
memory_is_limited(struct fixture *f)
{
    struct str console;
    struct sandbox_spec spec = fixture_guest(
        f, "g", "perl -e '$x = \"x\" x (400 << 20); print \"got-it\"' || echo refused; echo end");
    spec.limits.memory_bytes = 64 * (uint64_t)MIB;
    fixture_start(f, &spec);
    (void)fixture_end(f, "g", &console);
    assert_true(says(console, "refused\nend\n"));
    assert_true(str_find(console, STR("got-it")) < 0);
    remove_guest(f, "g");
}

static void
processes_are_limited(struct fixture *f)
{
    struct str console;
    struct sandbox_spec spec =
        fixture_guest(f, "g",
                      "perl -e '$| = 1; for (1..200) { my $p = fork; last unless "
                      "defined $p; if (!$p) { sleep 60; exit } $n++ }"
                      "print \"made $n.\\n\"; kill 9, -1' ; echo end");
    spec.limits.pids = 40;
    fixture_start(f, &spec);
    (void)fixture_end(f, "g", &console);
    int made = 200;
    ptrdiff_t at = str_find(console, STR("made "));
    assert_true(at >= 0);
    assert_int_equal(sscanf(console.ptr + at, "made %d.", &made), 1);
    assert_in_range(made, 10, 40);
    remove_guest(f, "g");
}

// The time that its processes had, of the machine's, while a second went by.
static void
cpu_is_limited(struct fixture *f)
{
    struct str console;
    struct sandbox_spec spec = fixture_guest(
        f, "g",
        "perl -MTime::HiRes=time -e 'for (1..3) { fork or last } $at = time; 1 while time - $at < "
        "2;"
        "1 while wait > 0; @t = times; printf \"used %d ms\\n\", 1000 * ($t[0] + $t[2])'");
    spec.limits.cpu_millis = 200;
    fixture_start(f, &spec);
    (void)fixture_end(f, "g", &console);
    remove_guest(f, "g");
    int ms = 0;
    ptrdiff_t at = str_find(console, STR("used "));
    assert_true(at >= 0);
    if (f->host->cgroups.roots[CGROUP_CPU] == NULL)
        return; // as c10m says
    assert_int_equal(sscanf(console.ptr + at, "used %d", &ms), 1);
    assert_in_range(ms, 50, 700); // of two seconds a fifth, and what a period has to give at once
}

// A limited disk of its own.
static void
disk_give(struct fixture *f, struct sandbox_spec *spec)
{
    static const char *const states[] = {"root", "usr"};
    struct sandbox_mount *mounts = (struct sandbox_mount *)spec->mounts;
    const struct disk_order order = {
        .path = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/disk", f->dir)),
        .bytes = 32 * (uint64_t)MIB,
        .files = 1000,
        .states = states,
        .state_count = COUNT_OF(states),
        .ids_row = spec->ids_row,
    };
    char problem[512];
    assert_int_equal(disk_make(f->host, &order, problem), OK);
    mounts[0].state = STR("root");
    mounts[1].state = STR("usr");
    spec->disk = str_of(order.path);
}

static void
io_is_limited_on(struct fixture *f, bool is_on_disk)
{
    struct stat status;
    struct str console;
    struct sandbox_spec spec = fixture_guest(
        f, "g",
        "perl -MTime::HiRes=time -e '$at = time; system(\"dd if=/dev/zero of=/srv/file bs=256k "
        "count=16 oflag=direct 2>&1\") and die; printf \"took %d ms\\n\", 1000 * (time - $at)'");
    assert_int_equal(stat(f->dir, &status), 0);
    spec.limits.io_bytes_per_second = 2 * (uint64_t)MIB;
    spec.limits.io_device = status.st_dev;
    if (is_on_disk)
        disk_give(f, &spec);
    fixture_start(f, &spec);
    (void)fixture_end(f, "g", &console);
    remove_guest(f, "g");
    int ms = 0;
    ptrdiff_t at = str_find(console, STR("took "));
    if (at < 0)
        print_error(STR_FMT "\n", STR_ARG(console));
    assert_true(at >= 0);
    assert_int_equal(sscanf(console.ptr + at, "took %d", &ms), 1);
    if (f->host->cgroups.roots[CGROUP_IO] != NULL)
        assert_true(ms > 1200); // 4 MiB, of which the first may go at once
}

static void
io_is_limited(struct fixture *f)
{
    io_is_limited_on(f, false);
    if (f->host->can_limit_disks)
        io_is_limited_on(f, true);
}

static struct sandbox_spec
guest_with_disk(struct fixture *f, const char *command)
{
    struct sandbox_spec spec = fixture_guest(f, "g", command);
    disk_give(f, &spec);
    return spec;
}

static void
disk_is_limited(struct fixture *f)
{
    struct str console;
    if (!f->host->can_limit_disks)
        return; // an ordinary user, as c10m says
    struct sandbox_spec spec = guest_with_disk(
        f,
        "echo kept > /srv/kept; head -c 64M /dev/zero > /srv/big; stat -c 'big %s' /srv/big;"
        "rm /srv/big; i=0; while echo > /srv/f$i; do i=$((i+1)); done 2>/dev/null; echo files $i;"
        "rm -f /srv/f1*; rm /etc/shells; while echo > /srv/g$i; do i=$((i+1)); done 2>/dev/null");
    fixture_start(f, &spec);
    (void)fixture_end(f, "g", &console);
    int bytes = 0, files = 0;
    assert_true(says(console, "No space left on device"));
    assert_int_equal(sscanf(console.ptr + str_find(console, STR("big ")), "big %d", &bytes), 1);
    assert_in_range(bytes, 16 * MIB, 32 * MIB);
    assert_int_equal(sscanf(console.ptr + str_find(console, STR("files ")), "files %d", &files), 1);
    assert_in_range(files, 500, 1000);
    remove_guest(f, "g");
    spec = guest_with_disk(f, "cat /srv/kept; ls /etc/shells || echo gone");
    fixture_start(f, &spec);
    (void)fixture_end(f, "g", &console);
    assert_true(says(console, "kept\n") && says(console, "gone\n"));
    remove_guest(f, "g");
}

static void
a_function_gains_no_rights(struct fixture *f)
{
    struct str console;
    struct sandbox_spec spec = fixture_guest(
        f, "g", "grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status | tr -d '\\t '; id -u");
    spec.rights = SANDBOX_FUNCTION;
    fixture_start(f, &spec);
    (void)fixture_end(f, "g", &console);
    assert_true(says(console, "CapEff:0000000000000000\nCapBnd:0000000000000000\nNoNewPrivs:1\n"));
    remove_guest(f, "g");
}

static void
is_frozen_and_thawed(struct fixture *f)
{
    struct str console;
    struct sandbox_spec spec = fixture_guest(
        f, "g", "i=0; while [ $i -lt 20 ]; do i=$((i+1)); sleep 0.01; done; echo done");
    fixture_start(f, &spec);
    int code = sandbox_freeze(f->host, STR("g"), true);
    if (code == E_NOT_FOUND && !f->host->is_root) {
        (void)fixture_end(f, "g", &console); // without a group of our own there is no freezer
        remove_guest(f, "g");
        return;
    }
    assert_int_equal(code, OK);
    struct sandbox_status status;
    int64_t deadline_ns = deadline_in_ms(f->runtime, 1000);
    assert_int_equal(sandbox_wait(f->host, STR("g"), deadline_ns, &status), E_TIMEOUT);
    assert_int_equal(sandbox_freeze(f->host, STR("g"), false), OK);
    (void)fixture_end(f, "g", &console);
    assert_true(says(console, "done\n"));
    remove_guest(f, "g");
}

// Each as a test of its own, in a fiber.
#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        fixture_run(*state, name);                                                                 \
    }
IN_FIBER(sees_itself)
IN_FIBER(keeps_its_disk)
IN_FIBER(is_alone)
IN_FIBER(ends_when_told)
IN_FIBER(is_killed_when_it_will_not_end)
IN_FIBER(says_why_it_cannot_start)
IN_FIBER(goes_with_its_shim)
IN_FIBER(is_found_by_another_host)
IN_FIBER(keeps_the_end_of_a_long_console)
IN_FIBER(memory_is_limited)
IN_FIBER(processes_are_limited)
IN_FIBER(cpu_is_limited)
IN_FIBER(io_is_limited)
IN_FIBER(disk_is_limited)
IN_FIBER(a_function_gains_no_rights)
IN_FIBER(is_frozen_and_thawed)

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)

// With an argument: the tests whose names match that pattern.
int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(sees_itself),
        TEST(keeps_its_disk),
        TEST(is_alone),
        TEST(ends_when_told),
        TEST(is_killed_when_it_will_not_end),
        TEST(says_why_it_cannot_start),
        TEST(goes_with_its_shim),
        TEST(is_found_by_another_host),
        TEST(keeps_the_end_of_a_long_console),
        TEST(memory_is_limited),
        TEST(processes_are_limited),
        TEST(cpu_is_limited),
        TEST(io_is_limited),
        TEST(disk_is_limited),
        TEST(a_function_gains_no_rights),
        TEST(is_frozen_and_thawed),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

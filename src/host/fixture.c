// What the tests of the host layer share: a host in a folder of its own, and guests.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/host/tree.h"

enum { GUEST_MS_MAX = 60 * 1000, HEAR_MS = 10, LEFT_TRIES = 500 };

struct fiber_call {
    struct fixture *fixture;
    void (*fn)(struct fixture *f);
};

static int
call_in_fiber(void *arg)
{
    struct fiber_call *c = arg;
    c->fn(c->fixture);
    return OK;
}

void
fixture_run(struct fixture *f, void (*fn)(struct fixture *f))
{
    struct fiber_call c = {f, fn};
    assert_int_equal(runtime_call(f->runtime, call_in_fiber, &c), OK);
}

int
fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char problem[512] = "";
    struct runtime_options options = {.loops = 1};
    snprintf(f->dir, sizeof(f->dir), "/tmp/c10m-host-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->log = (struct log){.fd = 2, .level_min = LOG_ERROR};
    arena_init(&f->arena);
    assert_int_equal(runtime_new(&options, &f->runtime), OK);
    struct host_options host = {.runtime = f->runtime, .log = &f->log, .dir = f->dir};
    int code = host_new(&host, &f->host, problem, sizeof(problem));
    if (code == OK)
        code = image_default_make(f->host, problem, sizeof(problem));
    if (code != OK)
        print_error("%s\n", problem);
    assert_int_equal(code, OK);
    *state = f;
    return 0;
}

static void
remove_folder(struct fixture *f)
{
    assert_int_equal(tree_remove(f->runtime, f->dir), OK);
}

// Control groups that bear our tag.
static size_t
groups_left(const struct host *h)
{
    size_t count = 0;
    for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
        DIR *d = h->cgroups.roots[i] ? opendir(h->cgroups.roots[i]) : NULL;
        for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
            count += strstr(e->d_name, h->tag) != NULL;
        if (d != NULL)
            closedir(d);
    }
    return count;
}

// Shims and holders have the folder of what they stand beside as theirs.
static size_t
processes_left(const struct fixture *f)
{
    char path[300], cwd[300];
    size_t count = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        snprintf(path, sizeof(path), "/proc/%s/cwd", e->d_name);
        ssize_t len = readlink(path, cwd, sizeof(cwd));
        count += len > 0 && str_starts((struct str){cwd, (size_t)len}, str_of(f->dir));
    }
    if (d != NULL)
        closedir(d);
    return count;
}

// What was told to end may take a moment.
static void
processes_wait(struct fixture *f)
{
    for (int i = 0; i < LEFT_TRIES && processes_left(f) > 0; i++)
        assert_int_equal(fiber_sleep_until(deadline_in_ms(f->runtime, HEAR_MS)), OK);
}

int
fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_run(f, processes_wait);
    size_t groups = groups_left(f->host), processes = processes_left(f);
    fixture_run(f, remove_folder);
    host_free(f->host);
    runtime_free(f->runtime);
    arena_fini(&f->arena);
    free(f);
    assert_int_equal(groups, 0);
    assert_int_equal(processes, 0);
    return 0;
}

struct sandbox_spec
fixture_guest(struct fixture *f, const char *name, const char *command)
{
    struct sandbox_mount *mounts = arena_alloc_array(&f->arena, IMAGE_MOUNTS, sizeof(*mounts));
    struct str *args = arena_alloc_array(&f->arena, 3, sizeof(*args));
    struct str *env = arena_alloc_array(&f->arena, 1, sizeof(*env));
    char *dir = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/state-%s", f->dir, name));
    assert_int_equal(image_mounts(f->host, dir, 1, &f->arena, mounts), OK);
    args[0] = STR("/bin/sh");
    args[1] = STR("-c");
    args[2] = str_of(command);
    env[0] = STR("PATH=/usr/local/bin:/usr/sbin:/usr/bin");
    return (struct sandbox_spec){
        .name = str_of(name),
        .hostname = STR("guest-1"),
        .mounts = mounts,
        .mount_count = IMAGE_MOUNTS,
        .args = args,
        .arg_count = 3,
        .env = env,
        .env_count = 1,
        .ids_row = 1,
    };
}

void
fixture_start(struct fixture *f, const struct sandbox_spec *spec)
{
    char problem[512] = "";
    int code = sandbox_start(f->host, spec, problem, sizeof(problem));
    if (code != OK)
        print_error("%s: %s\n", code_name(code), problem);
    assert_int_equal(code, OK);
}

void
fixture_hear(struct fixture *f, const char *name, const char *text)
{
    struct str console = {0};
    int64_t deadline_ns = deadline_in_ms(f->runtime, GUEST_MS_MAX);
    while (clock_mono_ns(f->runtime) < deadline_ns && str_find(console, str_of(text)) < 0) {
        assert_int_equal(fiber_sleep_until(deadline_in_ms(f->runtime, HEAR_MS)), OK);
        int code = sandbox_console(f->host, str_of(name), 1 << 20, &f->arena, &console);
        assert_true(code == OK || code == E_NOT_FOUND);
    }
    assert_true(str_find(console, str_of(text)) >= 0);
}

struct sandbox_status
fixture_end(struct fixture *f, const char *name, struct str *out)
{
    struct sandbox_status status;
    int64_t deadline_ns = deadline_in_ms(f->runtime, GUEST_MS_MAX);
    assert_int_equal(sandbox_wait(f->host, str_of(name), deadline_ns, &status), OK);
    assert_int_equal(sandbox_console(f->host, str_of(name), 1 << 20, &f->arena, out), OK);
    assert_int_equal(sandbox_stop(f->host, str_of(name), 0), OK); // waits for the shim
    return status;
}

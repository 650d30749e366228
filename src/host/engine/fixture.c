// What the tests of engines share: drivers called as the reconciler calls them, and clients.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLIENT_TRIES = 600, CLIENT_ROW = 90, CLIENT_MS = 100 };

static void
expect(int code, const char *problem)
{
    if (code != OK)
        print_error("%s: %s\n", code_name(code), problem);
    assert_int_equal(code, OK);
}

static struct unit_driver
driver_find(struct fixture *f, struct str kind)
{
    struct unit_driver all[DRIVERS_MAX], found = {0};
    size_t count = drivers_new(f->host, all);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(str_of(all[i].kind), kind))
            found = all[i];
        else if (all[i].close != NULL)
            all[i].close(all[i].arg);
    }
    assert_non_null(found.start);
    return found;
}

static void
port_make(struct fixture *f, struct str name, int row)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    struct network_fds fds;
    const struct network_port port = {
        .name = name,
        .address = arena_print(&f->arena, "10.0.1.%d/24", row),
        .gateway = STR("10.0.1.1"),
        .mac = arena_print(&f->arena, "0a:00:00:00:00:%02x", (unsigned)row),
    };
    expect(network_port_add(f->host, STR("net"), &port, &fds, problem), problem);
    network_fds_close(&fds);
}

struct subject
subject_new(struct fixture *f, const char *kind, const char *name, int row)
{
    struct subject s = {.fixture = f, .driver = driver_find(f, str_of(kind))};
    s.unit = (struct unit){.kind = str_of(kind), .name = str_of(name), .ids_row = row};
    s.record.network = STR("net");
    s.record.port = arena_print(&f->arena, "port-%d", row);
    port_make(f, s.record.port, row);
    return s;
}

void
subject_network(struct fixture *f)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    int code = network_start(f->host, STR("net"), problem);
    if (code == OK)
        code = network_address_add(f->host, STR("net"), STR("10.0.1.1/24"), problem);
    if (code != OK)
        print_error("%s\n", problem);
    assert_int_equal(code, OK);
}

void
subject_network_end(struct fixture *f)
{
    char problem[HOST_PROBLEM_BYTES];
    assert_int_equal(network_stop(f->host, STR("net"), problem), OK);
}

static void
record_take(struct subject *s)
{
    struct buf spec; // opened, as drivers get it
    buf_init(&spec, &s->fixture->arena, 256);
    record_encode(&host_engine_record_type, &s->record, &spec);
    s->unit.spec = buf_str(&spec);
}

// What takes longer than a call goes on in the next one.
static int
started(struct subject *s, char *problem)
{
    int code;
    do
        code = s->driver.start(s->driver.arg, &s->unit, problem);
    while (code == E_AGAIN);
    return code;
}

void
subject_up(struct subject *s)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    record_take(s);
    assert_int_not_equal(subject_seen(s), UNIT_SEEN_UP);
    expect(started(s, problem), problem);
    assert_int_equal(subject_seen(s), UNIT_SEEN_UP);
}

void
subject_change(struct subject *s)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    record_take(s);
    expect(s->driver.change(s->driver.arg, &s->unit, problem), problem);
}

void
subject_refuses(struct subject *s, const char *text)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    record_take(s);
    if (subject_seen(s) == UNIT_SEEN_UP)
        assert_int_not_equal(s->driver.change(s->driver.arg, &s->unit, problem), OK);
    else
        assert_int_not_equal(started(s, problem), OK);
    if (strstr(problem, text) == NULL)
        print_error("%s\n", problem);
    assert_non_null(strstr(problem, text));
}

enum unit_seen
subject_seen(struct subject *s)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    enum unit_seen seen = UNIT_SEEN_NOTHING;
    CHECK(s->driver.probe != NULL);
    expect(s->driver.probe(s->driver.arg, &s->unit, &seen, problem), problem);
    return seen;
}

void
subject_stop(struct subject *s)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    expect(s->driver.stop(s->driver.arg, &s->unit, problem), problem);
    assert_int_not_equal(subject_seen(s), UNIT_SEEN_UP);
}

void
subject_gone(struct subject *s)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    if (subject_seen(s) == UNIT_SEEN_UP)
        subject_stop(s);
    expect(s->driver.remove(s->driver.arg, &s->unit, problem), problem);
    assert_int_equal(subject_seen(s), UNIT_SEEN_NOTHING);
    s->driver.close(s->driver.arg);
}

void
subject_kill(struct subject *s)
{
    struct sandbox_status status;
    struct str name = arena_print(&s->fixture->arena, "engine-" STR_FMT, STR_ARG(s->unit.name));
    assert_int_equal(sandbox_status_get(s->fixture->host, name, &status), OK);
    assert_int_equal(status.state, SANDBOX_RUNNING);
    assert_int_equal(kill(status.pid, SIGKILL), 0);
    int64_t deadline_ns = deadline_in_ms(s->fixture->runtime, 30 * 1000);
    assert_int_equal(sandbox_wait(s->fixture->host, name, deadline_ns, &status), OK);
    assert_int_not_equal(subject_seen(s), UNIT_SEEN_UP);
}

void
subjects_adopt(struct fixture *f, struct subject *const *all, size_t count)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    struct host_options options = {.runtime = f->runtime, .log = &f->log, .dir = f->dir};
    host_free(f->host);
    assert_int_equal(host_new(&options, &f->host, problem, sizeof(problem)), OK);
    for (size_t i = 0; i < count; i++) {
        all[i]->driver.close(all[i]->driver.arg);
        all[i]->driver = driver_find(f, all[i]->unit.kind);
        assert_int_equal(subject_seen(all[i]), UNIT_SEEN_UP);
        expect(all[i]->driver.adopt(all[i]->driver.arg, &all[i]->unit, problem), problem);
    }
}

static int
client_run(struct fixture *f, const char *command, struct str *out)
{
    char problem[HOST_PROBLEM_BYTES] = "";
    struct network_fds fds;
    struct sandbox_spec spec = fixture_guest(f, "client", command);
    spec.ids_row = 1;
    port_make(f, STR("client"), CLIENT_ROW);
    expect(network_port_open(f->host, STR("net"), STR("client"), &fds, problem), problem);
    spec.user_fd = fds.user_fd;
    spec.net_fd = fds.net_fd;
    fixture_start(f, &spec);
    network_fds_close(&fds);
    int code = fixture_end(f, "client", out).code;
    assert_int_equal(sandbox_remove(f->host, STR("client")), OK);
    return code;
}

struct str
subject_client(struct fixture *f, const char *command)
{
    struct str out;
    int code = client_run(f, command, &out);
    if (code != 0)
        print_error("%s: " STR_FMT "\n", command, STR_ARG(out));
    assert_int_equal(code, 0);
    return out;
}

void
subject_hear(struct fixture *f, const char *command, const char *text)
{
    struct str out = {0};
    for (int i = 0; i < CLIENT_TRIES; i++) {
        if (client_run(f, command, &out) == 0 && str_find(out, str_of(text)) >= 0)
            return;
        assert_int_equal(fiber_sleep_until(deadline_in_ms(f->runtime, CLIENT_MS)), OK);
    }
    print_error("%s: " STR_FMT "\n", command, STR_ARG(out));
    fail();
}

struct engine_run
subject_run(struct subject *s)
{
    struct fixture *f = s->fixture;
    struct engine_run r = {
        .host = f->host,
        .name = s->unit.name,
        .ids_row = (uint32_t)s->unit.ids_row,
        .arena = &f->arena,
        .problem = arena_alloc(&f->arena, UNIT_PROBLEM_BYTES),
    };
    r.dir = arena_copy_z(
        &f->arena, arena_print(&f->arena, "%s/engines/" STR_FMT, f->host->dir, STR_ARG(r.name)));
    r.files = arena_copy_z(&f->arena, arena_print(&f->arena, "%s/files", r.dir));
    return r;
}

// Tests of PostgreSQL as an engine, with the real one.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/host/engine/postgres_sql.h"

#define PSQL(row, sql)                                                                             \
    "PGPASSWORD=secret psql -h 10.0.1." row " -U boss -d postgres -v ON_ERROR_STOP=1 -Atc \"" sql  \
    "\""

static struct str
sql(struct subject *s, const char *text)
{
    struct engine_run r = subject_run(s);
    struct str value;
    int code = postgres_sql(&r, str_of(text), &value);
    if (code != OK)
        print_error("%s: %s\n", text, r.problem);
    assert_int_equal(code, OK);
    return value;
}

static void
expect_sql(struct subject *s, const char *text, const char *wanted)
{
    struct str value = {0};
    int64_t deadline_ns = deadline_in_ms(s->fixture->runtime, 30 * 1000);
    while (clock_mono_ns(s->fixture->runtime) < deadline_ns) {
        struct engine_run r = subject_run(s);
        if (postgres_sql(&r, str_of(text), &value) == OK && str_eq(value, str_of(wanted)))
            return;
        assert_int_equal(fiber_sleep_until(deadline_in_ms(s->fixture->runtime, 20)), OK);
    }
    print_error("%s: " STR_FMT "\n", text, STR_ARG(value));
    fail();
}

static struct subject
primary_new(struct fixture *f, const char *name, int row)
{
    struct subject s = subject_new(f, "postgres", name, row);
    s.record.admin = STR("boss");
    s.record.admin_password = STR("secret");
    s.record.replication_password = STR("it's \\ a secret");
    return s;
}

static struct subject
replica_new(struct fixture *f, const char *name, int row, const char *primary)
{
    struct subject s = primary_new(f, name, row);
    s.record.primary_host = str_of(primary);
    return s;
}

static void
runs_and_keeps_what_is_written(struct fixture *f)
{
    subject_network(f);
    struct subject one = primary_new(f, "one", 4);
    subject_up(&one);
    subject_client(f, PSQL("4", "create table t (n int); insert into t values (1)"));
    subject_kill(&one);
    subject_up(&one);
    assert_true(str_starts(subject_client(f, PSQL("4", "select n from t")), STR("1\n")));
    subject_stop(&one);
    assert_int_equal(subject_seen(&one), UNIT_SEEN_ENDED);
    subject_up(&one);
    expect_sql(&one, "select n::text from public.t", "1");
    // A second one comes from the template.
    struct subject two = primary_new(f, "two", 5);
    subject_up(&two);
    expect_sql(&two, "select count(*)::text from pg_tables where tablename = 't'", "0");
    subject_gone(&two);
    subject_gone(&one);
    subject_network_end(f);
}

static void
is_adopted_by_the_next_c10m(struct fixture *f)
{
    subject_network(f);
    struct subject one = primary_new(f, "one", 4), *all[] = {&one};
    subject_up(&one);
    struct str pid = sql(&one, "select pg_postmaster_start_time()::text");
    subjects_adopt(f, all, 1);
    assert_true(str_eq(sql(&one, "select pg_postmaster_start_time()::text"), pid));
    subject_gone(&one);
    subject_network_end(f);
}

static void
is_reconfigured_while_it_runs(struct fixture *f)
{
    subject_network(f);
    struct subject one = primary_new(f, "one", 4);
    struct host_setting_record settings[] = {{STR("work_mem"), STR("9MB")},
                                             {STR("max_connections"), STR("50")}};
    subject_up(&one);
    one.record.settings.items = settings;
    one.record.settings.count = 2;
    one.record.admin_password = STR("other");
    subject_change(&one);
    expect_sql(&one, "show work_mem", "9MB");
    expect_sql(&one, "show max_connections", "100"); // waits for a start
    subject_client(f, "PGPASSWORD=other psql -h 10.0.1.4 -U boss -d postgres -c 'select 1'");
    subject_client(f, "! PGPASSWORD=secret psql -h 10.0.1.4 -U boss -d postgres -c 'select 1'");
    // Nobody comes in from outside as its superuser.
    subject_client(f, "! PGPASSWORD=x psql -h 10.0.1.4 -U postgres -d postgres -c 'select 1'");
    subject_stop(&one);
    subject_up(&one);
    expect_sql(&one, "show max_connections", "50");
    settings[0].name = STR("no such setting");
    subject_refuses(&one, "the setting no such setting is none of PostgreSQL's");
    subject_gone(&one);
    subject_network_end(f);
}

static void
a_replica_is_promoted(struct fixture *f)
{
    subject_network(f);
    struct subject one = primary_new(f, "one", 4);
    subject_up(&one);
    sql(&one, "create table public.t (n int)");
    struct subject two = replica_new(f, "two", 5, "10.0.1.4");
    struct subject three = replica_new(f, "three", 6, "10.0.1.4");
    subject_up(&two);
    subject_up(&three);
    sql(&one, "insert into public.t values (7)");
    expect_sql(&two, "select n::text from public.t", "7");
    expect_sql(&three, "select n::text from public.t", "7");
    subject_client(f, "! " PSQL("5", "insert into t values (8)"));
    subject_kill(&one);
    two.record.primary_host = (struct str){0};
    int64_t began_ns = clock_mono_ns(f->runtime);
    subject_change(&two);
    sql(&two, "insert into public.t values (9)");
    print_message("promoted and written after %lld ms\n",
                  (long long)(clock_mono_ns(f->runtime) - began_ns) / 1000000);
    // The other one follows it, from where it was.
    three.record.primary_host = STR("10.0.1.5");
    subject_change(&three);
    expect_sql(&three, "select count(*)::text from public.t where n = 9", "1");
    // What has taken writes follows nobody.
    one.record.primary_host = STR("10.0.1.5");
    subject_refuses(&one, "make a new replica");
    subject_gone(&three);
    subject_gone(&two);
    subject_gone(&one);
    subject_network_end(f);
}

static void
its_output_is_logged_line_by_line(struct fixture *f)
{
    char path[128];
    struct str text;
    subject_network(f);
    snprintf(path, sizeof(path), "%s/log", f->dir);
    f->log.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    f->log.level_min = LOG_INFO;
    struct subject one = primary_new(f, "one", 4), *all[] = {&one};
    subject_up(&one);
    (void)subject_client(f, "! " PSQL("4", "select no_such_thing"));
    subject_stop(&one);
    subject_up(&one);
    subjects_adopt(f, all, 1);
    subject_gone(&one);
    subject_network_end(f);
    off_t size = lseek(f->log.fd, 0, SEEK_END);
    char *bytes = arena_alloc_bytes(&f->arena, (size_t)size);
    assert_int_equal(pread(f->log.fd, bytes, (size_t)size, 0), size);
    text = (struct str){bytes, (size_t)size};
    close(f->log.fd);
    f->log.fd = 2;
    struct str mark = STR("kind=postgres name=one line=\"boss@postgres ERROR:  column "
                          "\\\"no_such_thing\\\" does not exist");
    ptrdiff_t at = str_find(text, mark);
    assert_true(at >= 0);
    assert_true(str_find(str_slice(text, (size_t)at + 1, text.len), mark) < 0); // once
}

#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        fixture_run(*state, name);                                                                 \
    }
IN_FIBER(runs_and_keeps_what_is_written)
IN_FIBER(is_adopted_by_the_next_c10m)
IN_FIBER(is_reconfigured_while_it_runs)
IN_FIBER(a_replica_is_promoted)
IN_FIBER(its_output_is_logged_line_by_line)

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_and_keeps_what_is_written),    TEST(is_adopted_by_the_next_c10m),
        TEST(is_reconfigured_while_it_runs),     TEST(a_replica_is_promoted),
        TEST(its_output_is_logged_line_by_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of Redis as an engine, with the real one.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/fixture.h"

#define CLI(row, command) "redis-cli -h 10.0.1." row " --no-auth-warning -a secret " command

static struct subject
redis_new(struct fixture *f, const char *name, int row)
{
    struct subject s = subject_new(f, "redis", name, row);
    s.record.admin_password = STR("secret");
    return s;
}

static void
runs_and_keeps_what_is_written(struct fixture *f)
{
    subject_network(f);
    struct subject one = redis_new(f, "one", 4), *all[] = {&one};
    struct host_setting_record settings[] = {{STR("appendonly"), STR("yes")},
                                             {STR("appendfsync"), STR("always")},
                                             {STR("maxmemory"), STR("10mb")}};
    one.record.settings.items = settings;
    one.record.settings.count = 3;
    subject_up(&one);
    subject_hear(f, CLI("4", "set key value"), "OK");
    subject_hear(f, "redis-cli -h 10.0.1.4 get key", "NOAUTH");
    subject_kill(&one);
    subject_up(&one);
    subject_hear(f, CLI("4", "get key"), "value");
    subjects_adopt(f, all, 1);
    subject_hear(f, CLI("4", "get key"), "value");
    // Changed while it runs, the password too.
    settings[2].value = STR("20mb");
    one.record.admin_password = STR("other");
    subject_change(&one);
    subject_hear(f, "redis-cli -h 10.0.1.4 --no-auth-warning -a other config get maxmemory",
                 "20971520");
    subject_hear(f, CLI("4", "get key"), "NOAUTH");
    settings[2].value = STR("much");
    subject_refuses(&one, "Redis: -ERR CONFIG SET failed");
    subject_stop(&one);
    subject_gone(&one);
    subject_network_end(f);
}

static void
a_replica_is_promoted(struct fixture *f)
{
    subject_network(f);
    struct subject one = redis_new(f, "one", 4), two = redis_new(f, "two", 5);
    struct subject three = redis_new(f, "three", 6);
    two.record.primary_host = three.record.primary_host = STR("10.0.1.4");
    subject_up(&one);
    subject_hear(f, CLI("4", "set key value"), "OK");
    subject_up(&two);
    subject_up(&three);
    subject_hear(f, CLI("5", "get key"), "value");
    subject_hear(f, CLI("6", "get key"), "value");
    subject_hear(f, CLI("5", "set key none"), "READONLY");
    subject_kill(&one);
    two.record.primary_host = (struct str){0};
    subject_change(&two);
    subject_hear(f, CLI("5", "set key new"), "OK");
    three.record.primary_host = STR("10.0.1.5");
    subject_change(&three);
    subject_hear(f, CLI("6", "get key"), "new");
    // One that has taken writes may follow again: it takes over what the other has.
    one.record.primary_host = STR("10.0.1.5");
    subject_up(&one);
    subject_hear(f, CLI("4", "get key"), "new");
    subject_gone(&three);
    subject_gone(&two);
    subject_gone(&one);
    subject_network_end(f);
}

static void
refuses_what_it_cannot_write_down(struct fixture *f)
{
    subject_network(f);
    struct subject one = redis_new(f, "one", 4);
    struct host_setting_record setting = {STR("maxmemory"), STR("1mb\nrequirepass x")};
    one.record.settings.items = &setting;
    one.record.settings.count = 1;
    subject_refuses(&one, "what Redis cannot read");
    subject_gone(&one);
    subject_network_end(f);
}

#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        fixture_run(*state, name);                                                                 \
    }
IN_FIBER(runs_and_keeps_what_is_written)
IN_FIBER(a_replica_is_promoted)
IN_FIBER(refuses_what_it_cannot_write_down)

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_and_keeps_what_is_written),
        TEST(a_replica_is_promoted),
        TEST(refuses_what_it_cannot_write_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Tests of memcached as an engine, with the real one.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/fixture.h"

// bash speaks to it by its /dev/tcp.
#define ASK(words)                                                                                 \
    "bash -c 'exec 3<>/dev/tcp/10.0.1.4/11211; printf \"" words "quit\\r\\n\" >&3; cat <&3'"

static void
runs_and_starts_anew_with_other_settings(struct fixture *f)
{
    subject_network(f);
    struct subject one = subject_new(f, "memcached", "one", 4), *all[] = {&one};
    struct host_setting_record setting = {STR("memory-limit"), STR("32")};
    one.record.settings.items = &setting;
    one.record.settings.count = 1;
    subject_up(&one);
    subject_hear(f, ASK("set key 0 0 5\\r\\nvalue\\r\\n"), "STORED");
    subjects_adopt(f, all, 1);
    subject_hear(f, ASK("get key\\r\\n"), "value");
    subject_hear(f, ASK("stats\\r\\n"), "limit_maxbytes 33554432");
    // memcached reads its settings at a start only.
    setting.value = STR("64");
    subject_change(&one);
    subject_hear(f, ASK("stats\\r\\n"), "limit_maxbytes 33554432");
    subject_kill(&one);
    subject_up(&one);
    subject_hear(f, ASK("stats\\r\\n"), "limit_maxbytes 67108864");
    setting.name = STR("unix-socket");
    subject_refuses(&one, "the setting unix-socket is none of memcached's");
    subject_stop(&one);
    subject_gone(&one);
    subject_network_end(f);
}

static void
says_why_it_ended(struct fixture *f)
{
    subject_network(f);
    struct subject one = subject_new(f, "memcached", "one", 4);
    struct host_setting_record setting = {STR("no-such-option"), STR("1")};
    one.record.settings.items = &setting;
    one.record.settings.count = 1;
    subject_refuses(&one, "unrecognized option");
    subject_gone(&one);
    subject_network_end(f);
}

#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        fixture_run(*state, name);                                                                 \
    }
IN_FIBER(runs_and_starts_anew_with_other_settings)
IN_FIBER(says_why_it_ended)

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_and_starts_anew_with_other_settings),
        TEST(says_why_it_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

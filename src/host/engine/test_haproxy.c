// Tests of HAProxy as an engine, with the real one.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/fixture.h"

#include <signal.h>

enum { RELOADS = 3 };

#define CONFIG(status, text)                                                                       \
    "defaults\n"                                                                                   \
    "    mode http\n"                                                                              \
    "    timeout connect 5s\n"                                                                     \
    "    timeout client 5s\n"                                                                      \
    "    timeout server 5s\n"                                                                      \
    "frontend web\n"                                                                               \
    "    bind *:80\n"                                                                              \
    "    http-request return status " status " content-type text/plain string " text "\n"

#define GET(path) "curl -sS --max-time 20 http://10.0.1.4/" path

static void
is_reloaded(struct fixture *f)
{
    subject_network(f);
    struct subject one = subject_new(f, "haproxy", "one", 4), *all[] = {&one};
    struct host_setting_record setting = {STR("config"), STR(CONFIG("200", "first"))};
    one.record.settings.items = &setting;
    one.record.settings.count = 1;
    subject_up(&one);
    assert_true(str_starts(subject_client(f, GET("")), STR("first")));
    setting.value = STR(CONFIG("200", "second"));
    subject_change(&one);
    subject_hear(f, GET(""), "second");
    subjects_adopt(f, all, 1);
    // What HAProxy would not run with leaves the running one as it is.
    setting.value = STR("frontend web\n    nonsense\n");
    subject_refuses(&one, "unknown keyword 'nonsense'");
    subject_hear(f, GET(""), "second");
    setting.value = STR(CONFIG("200", "third"));
    subject_change(&one);
    subject_kill(&one);
    subject_up(&one);
    subject_hear(f, GET(""), "third");
    subject_stop(&one);
    subject_gone(&one);
    subject_network_end(f);
}

// A client that makes a new connection for each request, and says what it got that was not 200.
#define LOAD                                                                                       \
    "n=0; while [ ! -e /tmp/stop ] && [ $n -lt 100000 ]; do n=$((n+1)); "                          \
    "c=$(curl -s --max-time 20 -o /dev/null -w %{http_code} http://10.0.1.4/) || c=\"$c "          \
    "failed\"; "                                                                                   \
    "[ \"$c\" = 200 ] || echo \"bad $c\"; [ $n = 3 ] && echo under way; done; echo \"done $n\""

static void
no_request_fails_while_it_is_reloaded(struct fixture *f)
{
    char problem[HOST_PROBLEM_BYTES];
    struct network_fds fds;
    struct str out = {0};
    const struct network_port port = {
        .name = STR("load"),
        .address = STR("10.0.1.80/24"),
        .gateway = STR("10.0.1.1"),
        .mac = STR("0a:00:00:00:00:80"),
    };
    subject_network(f);
    struct subject one = subject_new(f, "haproxy", "one", 4);
    struct host_setting_record setting = {STR("config"), STR(CONFIG("200", "first"))};
    one.record.settings.items = &setting;
    one.record.settings.count = 1;
    subject_up(&one);
    struct sandbox_spec load = fixture_guest(f, "load", "trap 'touch /tmp/stop' TERM; " LOAD);
    load.ids_row = 1;
    assert_int_equal(network_port_add(f->host, STR("net"), &port, &fds, problem), OK);
    load.user_fd = fds.user_fd;
    load.net_fd = fds.net_fd;
    fixture_start(f, &load);
    network_fds_close(&fds);
    fixture_hear(f, "load", "under way");
    for (int i = 0; i < RELOADS; i++) {
        setting.value = i % 2 ? STR(CONFIG("200", "first")) : STR(CONFIG("200", "second"));
        subject_change(&one);
    }
    assert_int_equal(sandbox_signal(f->host, STR("load"), SIGTERM), OK);
    assert_int_equal(fixture_end(f, "load", &out).code, 0);
    assert_true(str_find(out, STR("done ")) >= 0);
    assert_int_equal(str_find(out, STR("bad ")), -1);
    assert_int_equal(sandbox_remove(f->host, STR("load")), OK);
    subject_gone(&one);
    subject_network_end(f);
}

#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        fixture_run(*state, name);                                                                 \
    }
IN_FIBER(is_reloaded)
IN_FIBER(no_request_fails_while_it_is_reloaded)

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_reloaded),
        TEST(no_request_fails_while_it_is_reloaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

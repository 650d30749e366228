// The supervisor with this program as its child: started as `serve` it does what it is told to.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/commands.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// One byte of orders for each life of the child.
enum order {
    EXIT_0 = '0',
    EXIT_1 = '1',
    EXIT_2 = '2',
    LISTEN_AND_DIE = 'k',
    LISTEN_AND_EXIT_1 = 'e',
    LISTEN_UNTIL_TERM = 'w',
    LOOK_FOR_SOCKETS = 'p', // then as LISTEN_AND_DIE
};

// What the child says.
enum event { LISTENING = 'l', TERMINATED = 't', HAS_SOCKETS = 's', HAS_NONE = 'n' };

struct supervised {
    bool has_sockets; // systemd starts it so
    pid_t pid;
    int orders; // to the children
    int events; // from them
};

static void
say(int fd, char c)
{
    if (write(fd, &c, 1) != 1)
        _exit(99);
}

static void
listen_now(int ready_fd, int events)
{
    say(ready_fd, '\n');
    say(events, LISTENING);
}

static void
look_for_sockets(int events)
{
    struct passed_sockets sockets = {0};
    int code = passed_sockets_read(&sockets, getenv("LISTEN_PID"), getenv("LISTEN_FDS"),
                                   getenv("LISTEN_FDNAMES"));
    say(events,
        code == OK && passed_socket_take(&sockets, STR("web")) == 3 ? HAS_SOCKETS : HAS_NONE);
}

static void
wait_for_term(int events)
{
    sigset_t signals;
    int number;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    say(events, LISTENING);
    if (sigwait(&signals, &number) == 0)
        say(events, TERMINATED);
}

static int
number_of(const char *text)
{
    int64_t number;
    return str_to_int64(str_of(text), &number) == OK ? (int)number : -1;
}

// As supervise starts it: serve --ready-fd FD, then what was given to supervise.
_Noreturn static void
be_child(char **argv)
{
    int ready_fd = number_of(argv[3]), orders = number_of(argv[4]), events = number_of(argv[5]);
    char order = EXIT_0;
    if (read(orders, &order, 1) != 1)
        _exit(98);
    if (order == LOOK_FOR_SOCKETS)
        look_for_sockets(events);
    if (order == LISTEN_AND_DIE || order == LISTEN_AND_EXIT_1 || order == LOOK_FOR_SOCKETS)
        listen_now(ready_fd, events);
    if (order == LISTEN_AND_DIE || order == LOOK_FOR_SOCKETS)
        raise(SIGKILL);
    if (order == LISTEN_UNTIL_TERM)
        wait_for_term(events);
    _exit(order == EXIT_1 || order == LISTEN_AND_EXIT_1 ? 1 : order == EXIT_2 ? 2 : 0);
}

// Descriptor 3 is a pipe's by now.
static void
pretend_to_be_systemd(void)
{
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, true);
    setenv("LISTEN_FDS", "1", true);
    setenv("LISTEN_FDNAMES", "web", true);
}

static void
start(struct supervised *s, const char *orders)
{
    int order_pipe[2], event_pipe[2];
    char order_text[16], event_text[16];
    char *argv[] = {order_text, event_text, NULL};
    struct options options = {.cloud.log_level = LOG_ERROR, .ready_fd = -1};
    assert_int_equal(pipe(order_pipe), 0);
    assert_int_equal(pipe(event_pipe), 0);
    snprintf(order_text, sizeof(order_text), "%d", order_pipe[0]);
    snprintf(event_text, sizeof(event_text), "%d", event_pipe[1]);
    s->pid = fork();
    if (s->pid == 0) {
        if (s->has_sockets)
            pretend_to_be_systemd();
        _exit(supervise(&options, argv));
    }
    close(order_pipe[0]);
    close(event_pipe[1]);
    s->orders = order_pipe[1];
    s->events = event_pipe[0];
    for (; *orders; orders++)
        say(s->orders, *orders);
}

// '-' when all who could say something have ended.
static char
next_event(const struct supervised *s)
{
    char event = '-';
    assert_true(read(s->events, &event, 1) >= 0);
    return event;
}

static int
end(struct supervised *s)
{
    int status;
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    close(s->orders);
    close(s->events);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void
test_bad_starts_are_given_up(void **state)
{
    static const struct {
        const char *orders;
        int status;
    } rows[] = {{"1", 1}, {"2", 2}, {"0", 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct supervised s = {0};
        start(&s, rows[i].orders);
        assert_int_equal(next_event(&s), '-');
        assert_int_equal(end(&s), rows[i].status);
    }
}

// Once a child has listened, not even a bad start ends the supervisor.
static void
test_restarts(void **state)
{
    struct supervised s = {0};
    start(&s, "ke10");
    assert_int_equal(next_event(&s), LISTENING);
    assert_int_equal(next_event(&s), LISTENING);
    assert_int_equal(next_event(&s), '-');
    assert_int_equal(end(&s), 0);
}

// Each child gets the sockets that were meant for the supervisor.
static void
test_sockets_are_passed_on(void **state)
{
    struct supervised with = {.has_sockets = true}, without = {0};
    start(&with, "pp0");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(next_event(&with), HAS_SOCKETS);
        assert_int_equal(next_event(&with), LISTENING);
    }
    assert_int_equal(next_event(&with), '-');
    assert_int_equal(end(&with), 0);
    start(&without, "p0");
    assert_int_equal(next_event(&without), HAS_NONE);
    assert_int_equal(next_event(&without), LISTENING);
    assert_int_equal(next_event(&without), '-');
    assert_int_equal(end(&without), 0);
}

static void
test_signals_end_both(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        struct supervised s = {0};
        start(&s, "w");
        assert_int_equal(next_event(&s), LISTENING);
        kill(s.pid, signals[i]);
        assert_int_equal(next_event(&s), TERMINATED);
        assert_int_equal(next_event(&s), '-');
        assert_int_equal(end(&s), 0);
    }
}

static void
test_a_signal_ends_the_pause(void **state)
{
    struct supervised s = {0};
    start(&s, "kkkk"); // the pause after the fourth is 0.8 s
    for (int i = 0; i < 4; i++)
        assert_int_equal(next_event(&s), LISTENING);
    kill(s.pid, SIGTERM);
    assert_int_equal(end(&s), 0);
}

static void
test_a_killed_supervisor_leaves_no_child(void **state)
{
    struct supervised s = {0};
    start(&s, "w");
    assert_int_equal(next_event(&s), LISTENING);
    kill(s.pid, SIGKILL);
    assert_int_equal(next_event(&s), TERMINATED);
    assert_int_equal(next_event(&s), '-');
    assert_int_equal(end(&s), 1000 + SIGKILL);
}

static void
test_ready_fd_is_refused(void **state)
{
    struct options options = {.cloud.log_level = LOG_ERROR, .ready_fd = 5};
    assert_int_equal(supervise(&options, (char *[]){NULL}), EXIT_USAGE);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_starts_are_given_up),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_sockets_are_passed_on),
        cmocka_unit_test(test_signals_end_both),
        cmocka_unit_test(test_a_signal_ends_the_pause),
        cmocka_unit_test(test_a_killed_supervisor_leaves_no_child),
        cmocka_unit_test(test_ready_fd_is_refused),
    };
    if (argc == 6 && strcmp(argv[1], "serve") == 0)
        be_child(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

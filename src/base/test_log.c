// Tests of log lines.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

// Datagrams keep writes apart, so that a test sees which bytes one write(2) had.
struct fixture {
    int fds[2];
    struct log log;
    char line[2 * LOG_LINE_MAX];
};

static int64_t
fixed_now_ms(void *arg)
{
    return *(int64_t *)arg;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, f->fds), 0);
    f->log = (struct log){.fd = f->fds[1], .level_min = LOG_INFO};
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    close(f->fds[0]);
    close(f->fds[1]);
    free(f);
    return 0;
}

// What one write had, without its newline; NULL when there was none.
static const char *
take_line(struct fixture *f)
{
    ssize_t len = read(f->fds[0], f->line, sizeof(f->line) - 1);
    if (len < 0)
        return NULL;
    assert_true(len > 0 && len <= LOG_LINE_MAX);
    assert_int_equal(f->line[len - 1], '\n');
    f->line[len - 1] = '\0';
    assert_null(strchr(f->line, '\n'));
    return f->line;
}

static void
writes_one_line_at_once(void **state)
{
    struct fixture *f = *state;
    log_event(&f->log, LOG_INFO, "listening", "addr=%s port=%d", "127.0.0.1", 80);
    log_event(&f->log, LOG_ERROR, "stopped", NULL);
    assert_string_equal(take_line(f), "level=info event=listening addr=127.0.0.1 port=80");
    assert_string_equal(take_line(f), "level=error event=stopped");
    assert_null(take_line(f));
}

static void
writes_the_time(void **state)
{
    struct fixture *f = *state;
    int64_t now = 1795380682123;
    f->log.now_ms = fixed_now_ms;
    f->log.now_arg = &now;
    log_event(&f->log, LOG_WARN, "slow", "ms=%d", 50);
    assert_string_equal(take_line(f), "t=2026-11-22T20:51:22.123Z level=warn event=slow ms=50");
}

static void
leaves_out_what_is_below_its_level(void **state)
{
    struct fixture *f = *state;
    log_event(&f->log, LOG_DEBUG, "detail", NULL);
    assert_null(take_line(f));
    f->log.level_min = LOG_DEBUG;
    log_event(&f->log, LOG_DEBUG, "detail", NULL);
    assert_string_equal(take_line(f), "level=debug event=detail");
}

static void
keeps_one_line_of_a_value_with_newlines(void **state)
{
    struct fixture *f = *state;
    log_event(&f->log, LOG_INFO, "bad", "v=%s", "a\nlevel=error\tevent=forged\r\x1b[0m\x7f.");
    assert_string_equal(take_line(f), "level=info event=bad v=a level=error event=forged  [0m .");
}

static void
keeps_errno(void **state)
{
    struct log broken = {.fd = -1};
    errno = ENOENT;
    log_event(&broken, LOG_INFO, "lost", NULL);
    assert_int_equal(errno, ENOENT);
}

static void
cuts_no_line_that_fits(void **state)
{
    struct fixture *f = *state;
    size_t head = strlen("level=info event=long v=");
    for (size_t len = LOG_LINE_MAX - 3; len <= LOG_LINE_MAX + 2; len++) {
        log_event(&f->log, LOG_INFO, "long", "v=%0*d", (int)(len - head), 0);
        const char *line = take_line(f);
        bool is_cut = strstr(line, " cut_bytes=") != NULL;
        assert_int_equal(is_cut, len > LOG_LINE_MAX - 1); // the newline belongs to the line
        assert_true(is_cut || strlen(line) == len);
    }
}

static void
says_how_much_was_cut(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(100001);
    memset(text, 'x', 100000);
    text[100000] = '\0';
    log_event(&f->log, LOG_INFO, "long", "v=%s", text);
    free(text);
    const char *line = take_line(f);
    const char *note = strstr(line, " cut_bytes=");
    assert_non_null(note);
    size_t kept = strspn(strchr(line, 'x'), "x");
    assert_int_equal(kept + strtoul(note + strlen(" cut_bytes="), NULL, 10), 100000);
}

// Quotes are closed, and neither a character nor an escape is split, wherever the cut falls.
static void
cuts_to_a_line_that_can_be_read(void **state)
{
    struct fixture *f = *state;
    const char *pieces[] = {"\xe2\x82\xac", "\\\\", "\\\"", "\xf0\x9f\x98\x80"};
    for (size_t shift = 0; shift < 40; shift++) {
        char text[LOG_LINE_MAX * 2];
        const char *piece = pieces[shift % COUNT_OF(pieces)];
        size_t len = (size_t)snprintf(text, sizeof(text), "%0*d", (int)shift + 1, 0);
        for (; len < LOG_LINE_MAX + 100; len += strlen(piece))
            memcpy(text + len, piece, strlen(piece) + 1);
        log_event(&f->log, LOG_INFO, "long", "v=\"%s\" w=1", text);
        const char *line = take_line(f);
        assert_true(str_is_utf8(str_of(line)));
        const char *note = strstr(line, "\" cut_bytes=");
        assert_non_null(note);
        size_t backslashes = 0;
        while (note[-1 - (ptrdiff_t)backslashes] == '\\')
            backslashes++;
        assert_int_equal(backslashes % 2, 0);
    }
}

static void
quotes_with_escapes(void **state)
{
    char out[100];
    assert_string_equal(log_quote(STR("a b"), out, sizeof(out)), "\"a b\"");
    assert_string_equal(log_quote(STR(""), out, sizeof(out)), "\"\"");
    assert_string_equal(log_quote((struct str){0}, out, sizeof(out)), "\"\"");
    assert_string_equal(log_quote(STR("\"\\\n\r\t"), out, sizeof(out)), "\"\\\"\\\\\\n\\r\\t\"");
    assert_string_equal(log_quote(STR("\0\x1b\x7f"), out, sizeof(out)), "\"\\x00\\x1b\\x7f\"");
    assert_string_equal(log_quote(STR("\xe2\x82\xac"), out, sizeof(out)), "\"\xe2\x82\xac\"");
    assert_string_equal(log_quote(STR("\xe2\x82"), out, sizeof(out)), "\"\\xe2\\x82\"");
}

static void
cuts_quotes_to_the_size(void **state)
{
    struct str s = STR("a\xe2\x82\xac\n\xf0\x9f\x98\x80 and \"more\"");
    for (size_t size = 6; size < 60; size++) {
        // A heap block of the exact size, so that writing past it is found.
        char *out = malloc(size);
        assert_ptr_equal(log_quote(s, out, size), out);
        struct str text = str_of(out);
        assert_true(text.len < size);
        assert_true(str_is_utf8(text));
        assert_true(text.len >= 2 && str_starts(text, STR("\"")) && str_ends(text, STR("\"")));
        bool is_whole = str_ends(text, STR("and \\\"more\\\"\""));
        assert_true(is_whole || str_ends(text, STR("...\"")));
        assert_true(is_whole || size < 40);
        free(out);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_one_line_at_once),
        TEST(writes_the_time),
        TEST(leaves_out_what_is_below_its_level),
        TEST(keeps_one_line_of_a_value_with_newlines),
        TEST(keeps_errno),
        TEST(cuts_no_line_that_fits),
        TEST(says_how_much_was_cut),
        TEST(cuts_to_a_line_that_can_be_read),
        TEST(quotes_with_escapes),
        TEST(cuts_quotes_to_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

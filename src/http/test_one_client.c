// Starts and ends both.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/test_one_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture x;
struct client c;
struct answer got;

void
start(const struct http_server_options *options)
{
    fixture_start(&x, &(struct runtime_options){.loops = 2}, options);
    assert_true(client_connect(&c, &x));
}

int
setup(void **state)
{
    start(&(struct http_server_options){0});
    return 0;
}

int
teardown(void **state)
{
    client_close(&c);
    if (x.server)
        fixture_end(&x);
    return 0;
}

void
restart(const struct http_server_options *options)
{
    teardown(NULL);
    start(options);
}

void
expect_answer(int status, struct str body)
{
    client_receive(&c, &got, true);
    assert_int_equal(got.status, status);
    if (got.body_len != body.len || memcmp(got.body, body.ptr, body.len) != 0)
        fail_msg("'%.*s' instead of '%.*s'", (int)got.body_len, got.body, STR_ARG(body));
}

bool
has_line(const char *line)
{
    return strstr(got.head, line) != NULL;
}

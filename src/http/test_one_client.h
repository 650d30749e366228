// A server and one client of it, HTTP/1.1 in the clear: what each test of a program begins with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/test_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST(path, header) "POST " path " HTTP/1.1\r\nHost: h\r\n" header "\r\n\r\n"

extern struct fixture x;
extern struct client c;
extern struct answer got; // the last one

// With a server of these options.
void start(const struct http_server_options *options);
void restart(const struct http_server_options *options);
// For cmocka_unit_test_setup_teardown. A test may have ended the server itself (x.server NULL).
int setup(void **state);
int teardown(void **state);
void expect_answer(int status, struct str body);
// In the head of the last answer.
bool has_line(const char *line);

// A client of HTTP/2 for tests, by libnghttp2, and the server that it talks to: one of each a
// program, as one test after the other has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nghttp2/nghttp2.h>

#include "src/http/test_tls_client.h"
#include "src/http/tls.h"

enum { SHORT_MS = 50, SLOTS = 512, FIELDS_MAX = 120, BODY_KEPT = 64 };

// One request of the client and what came of it.
struct exchange {
    int status;
    bool has_continue;
    bool is_closed;
    uint32_t error;
    size_t body_len;
    char body[BODY_KEPT];
    char fields[512]; // "name: value\n"
    struct str upload;
    bool is_held; // the upload stops before its end
    bool has_trailer;
};

struct h2_client {
    struct tls_client tls; // only its plain part without TLS
    bool has_tls;
    nghttp2_session *session;
    struct exchange exchanges[SLOTS]; // by (stream id - 1) / 2
    bool has_goaway;
    uint32_t goaway_error;
    int32_t goaway_last;
    bool is_at_end;
};

struct field {
    const char *name, *value;
};

#define LINE(method, path)                                                                         \
    {":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "localhost"}

extern struct fixture x;
extern struct h2_client c;
extern bool keeps_window_closed; // of the next client

struct exchange *at(int32_t id);
void send_out(void);
// Sends what there is, then takes in some bytes.
void turn(void);
void await_closed(int32_t id);
// Closes too, since the server waits for that.
void await_end(void);
void begin_session(void);
void connect_client(void);
void disconnect(void);
// All give the stream's id. `is_held`: the upload stops before its end.
int32_t submit(const struct field *fields, size_t count, struct str upload, bool is_held);
int32_t get(const char *path);
int32_t post(const char *path, struct str upload, bool is_held);
// Waits for the answer.
void expect(int32_t id, int status, struct str body);
void expect_status(int32_t id, int status);
// A server of these options, and a client of it.
void start(const struct http_server_options *options);
int setup(void **state);
int teardown(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_OWN_START(name) cmocka_unit_test_teardown(name, teardown)

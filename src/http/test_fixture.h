// What the tests of the server share: a server with a few handlers, and a plain blocking client.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "src/http/server.h"
#include "src/task/lot.h"

enum {
    FAR_MS = 20000,
    BIG_BYTES = 8 * 1024 * 1024,
    MADE_BYTES = 1000 * 1000,
    MESSAGE_BYTES_MAX = 1000 * 1000, // of a WebSocket
    PUSHERS = 4,
    PUSHED_BYTES = 300 * 1000,
}; // FAR: a deadline that only a broken test meets

struct fixture {
    struct runtime *rt;
    struct http_server *server;
    struct http_server_options options;
    struct lot *lot;
    atomic_bool is_gate_open;
    atomic_int waiting;    // handlers of /gate and /sleep that have begun
    atomic_int cancelled;  // those that ended so
    atomic_int closed;     // streams of responses, and WebSockets
    atomic_int close_code; // of the last WebSocket
    atomic_size_t taken;   // of http_memory, now and at most
    size_t taken_max;      // 0: any
    char *big;
};

// Paths: /echo answers with the body, /gate waits until the gate is open, /sleep until cancelled,
// /big answers much, /204 and /304 with that status, /cookie with that header, /close ends the
// connection; all else answers with the path. Below /stream/ bodies are streams: echo sends the
// request's back, count answers with its length and trailers, ignore does not read it, hold reads
// it when the gate is open; made, sized, short, broken and endless are responses of their own.
// /websocket echoes messages, closes at "close", and at
// "push" has PUSHERS fibers send messages of their own.
void fixture_start(struct fixture *x, const struct runtime_options *runtime,
                   const struct http_server_options *options);
// Drains with a far deadline, unless the server is freed already.
void fixture_end(struct fixture *x);
// With a drain of so long at most.
void fixture_end_within(struct fixture *x, int64_t ms);
void fixture_open_gate(struct fixture *x);
void await_count(const atomic_int *value, int wanted);

// A client's connection and what it has received but not used yet.
struct client {
    int fd;
    size_t len;
    char bytes[64 * 1024];
};

struct answer {
    int status;
    char head[4096];
    size_t body_len;
    char body[32 * 1024]; // its beginning
};

// False when nobody listens.
bool client_connect(struct client *c, const struct fixture *x);
void client_send(struct client *c, struct str bytes);
// The next response, its chunks taken apart. has_body: false after HEAD.
void client_receive(struct client *c, struct answer *out, bool has_body);
// Fails unless the server closes without another byte.
void client_expect_closed(struct client *c);
void client_close(struct client *c);

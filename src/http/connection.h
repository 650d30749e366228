// The connections of one loop: what a server does between accepting a socket and closing it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>
#include <sys/queue.h>

#include "src/http/reader_pool.h"
#include "src/http/response.h"
#include "src/http/server.h"

struct http_connection;

// What all loops share.
struct http_shared {
    atomic_size_t connections; // at most options->connections_max
    // From now on answers are the last of their connections. Idle ones stay until their loop
    // drains: bytes may have arrived that it does not know of.
    atomic_bool is_ending;
};

// What the connections of one loop share; touched on that loop only, but for the counters.
struct http_loop {
    const struct http_server_options *options; // with the defaults filled in
    struct loop *loop;
    struct tls *tls; // NULL: none is spoken
    LIST_HEAD(, http_connection) connections;
    struct http_reader_pool readers;
    struct http_date date;
    struct http_shared *shared;
    struct bio_method_st
        *tls_method; // of tls_stream.c; NULL until the first TLS byte, as is the next
    char *tls_record;
    bool is_draining;
    bool is_drained;
    // Called once, when draining and no connection is left.
    void (*on_drained)(void *owner);
    void *owner;
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t rejected;
};

// The caller has set what comes from outside: options, loop, tls, shared, on_drained, owner.
void http_loop_init(struct http_loop *l);
// No connections are left.
void http_loop_fini(struct http_loop *l);

// Serves the socket from now on, and owns it. Its requests have that origin.
void http_loop_accept(struct http_loop *l, struct socket *socket, void *origin);
// Nothing more is accepted. Answers what has arrived, closes idle connections.
void http_loop_drain(struct http_loop *l);
// Closes what is not running, cancels what is.
void http_loop_cancel(struct http_loop *l);
// The same of those with that origin.
void http_loop_drop(struct http_loop *l, const void *origin);

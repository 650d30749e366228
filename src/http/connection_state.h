// The inside of a connection, for the files of src/http only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/connection.h"
#include "src/task/timer.h"

struct h2_connection;
struct tls_stream;

// How bytes go to and from the peer: in the clear, or through TLS.
struct http_transport {
    // As socket_read and socket_write: bytes moved, E_AGAIN, E_CLOSED or E_IO.
    ptrdiff_t (*read)(struct http_connection *c, void *out, size_t size);
    ptrdiff_t (*write)(struct http_connection *c, const struct str *parts, size_t count);
    // Tells the peer, if the transport can, that nothing more will be written.
    void (*end)(struct http_connection *c);
    void (*fini)(struct http_connection *c);
};

// What is spoken over it: nothing yet, HTTP/1.1, HTTP/2, or no more. Each may close the connection
// in any of these but fini, and is not called again then.
struct http_protocol {
    void (*on_ready)(struct http_connection *c, unsigned events);
    void (*on_deadline)(struct http_connection *c);
    // Nothing new is taken; closes once what has arrived is answered.
    void (*drain)(struct http_connection *c);
    // Closes now, or as soon as the cancelled fibers have ended.
    void (*cancel)(struct http_connection *c);
    void (*fini)(struct http_connection *c); // frees what is the protocol's own
};

enum h1_state { H1_IDLE, H1_READING, H1_RUNNING };

// Of the protocol that finds out which one is spoken.
struct http_opening {
    size_t held;        // bytes at the start of the reader's input
    bool is_known_idle; // no bytes had arrived when the loop last looked
};

// Input memory is taken when bytes arrive and given back when all of them are answered; a fiber
// lives from a complete request until no complete one is left in the input.
struct h1 {
    enum h1_state state;
    bool is_streamed;    // the handler reads the body of the current request
    bool is_read;        // the end of that body was seen
    bool is_tunnel;      // its handler has taken the connection over
    bool is_half_closed; // by the client
    bool is_ending;      // cancelled: this answer is the last
    struct fiber *fiber; // while running
};

// An idle HTTP/1.1 connection in the clear is this struct, its socket and nothing else.
struct http_connection {
    LIST_ENTRY(http_connection) link;
    struct http_loop *home;
    struct socket *socket;
    void *origin; // who accepted it (http_server_take)
    const struct http_transport *transport;
    const struct http_protocol *protocol;
    struct timer timer; // at deadline_ns or before it
    int64_t deadline_ns;
    unsigned watched;
    struct tls_stream *tls;     // NULL in the clear
    struct http_reader *reader; // NULL while idle; opening and HTTP/1.1 only
    union {
        struct http_opening opening;
        struct h1 h1;
        struct h2_connection *h2;
    };
};

extern const struct http_transport plain_transport;
extern const struct http_transport tls_transport;
extern const struct http_protocol opening_protocol;
extern const struct http_protocol handshake_protocol;
extern const struct http_protocol h1_protocol;
extern const struct http_protocol h2_protocol;

// Each becomes the connection's protocol. The reader, if there is one, holds `held` bytes that were
// not looked at: they are the first of that protocol.
void h1_start(struct http_connection *c, size_t held);
void h2_start(struct http_connection *c, size_t held);
// What arrives is dropped for a moment, then the connection is closed. A close with unread bytes
// would reset it, and the client might never see the last answer.
void connection_linger(struct http_connection *c);

void connection_close(struct http_connection *c);
void connection_take_reader(struct http_connection *c);
void connection_give_reader_back(struct http_connection *c);
// Calls the protocol's on_ready on these events, until replaced.
void connection_watch(struct http_connection *c, unsigned events);
int64_t connection_now_ns(const struct http_connection *c);
void connection_set_deadline(struct http_connection *c, int64_t deadline_ns);
void connection_set_deadline_in_ms(struct http_connection *c, int64_t ms);
// Everything or an error; parks the calling fiber in between. E_TIMEOUT: the peer took less than
// WRITE_STEP_BYTES in options->idle_timeout_ms.
MUST_USE int connection_write_all(struct http_connection *c, const struct str *parts, size_t count);
bool connection_is_server_ending(const struct http_connection *c);
struct str connection_date(struct http_connection *c);

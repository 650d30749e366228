// TLS on one connection: the handshake, and the transport after it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include "src/http/connection_state.h"

enum { TLS_RECORD_BYTES = 16 * 1024 };

struct tls_stream {
    SSL *ssl;    // NULL while certificates are made
    char *early; // what was read before this was known to be TLS
    size_t early_len;
    size_t early_at; // so much of it is used
    bool is_broken;  // no more may be said to the peer
};

enum tls_progress { TLS_DONE, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_FAILED };

// The first bytes are copied.
void tls_stream_init(struct http_connection *c, struct str early);
// Certificates are ready.
void tls_stream_start(struct http_connection *c);
enum tls_progress tls_stream_handshake(struct http_connection *c);
// After the handshake: whether the two agreed on HTTP/2.
bool tls_stream_is_h2(const struct http_connection *c);
// Notes in a request of this connection what it was protected by.
void tls_stream_note(const struct http_connection *c, struct http_request *out);
// Frees what the connections of a loop share.
void tls_loop_fini(struct http_loop *l);

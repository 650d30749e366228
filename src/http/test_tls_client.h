// A TLS client for tests, on top of the plain one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include "src/http/test_fixture.h"

struct tls_client {
    struct client plain; // its bytes are those of the inside
    SSL_CTX *context;
    SSL *ssl;
    size_t piece; // bytes sent at once; 0: all
};

struct tls_wish {
    const char *name;    // asked for, and verified
    const char *ca_path; // NULL: nothing is verified
    const char *alpn;    // "h2,http/1.1"; NULL: none
    int version;         // TLS1_2_VERSION; 0: any
    size_t piece;
};

// Connects and shakes hands. X509_V_OK, or why the certificate was not accepted; -1: the server
// refused.
long tls_client_connect(struct tls_client *c, const struct fixture *x, const struct tls_wish *wish);
void tls_client_send(struct tls_client *c, struct str bytes);
// Some bytes, at most size; 0: a proper end.
size_t tls_client_receive_some(struct tls_client *c, char *out, size_t size);
// The next response, as client_receive.
void tls_client_receive(struct tls_client *c, struct answer *out);
void tls_client_close(struct tls_client *c);

// TLS for the server: whose certificate is shown, and when OpenSSL is first touched.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include "src/base/arena.h"
#include "src/base/log.h"
#include "src/task/runtime.h"

// The strings are borrowed. Without an operator's certificate a development CA of our own issues
// one for localhost and the names below it, see tls_ca.h.
struct tls_options {
    const char *dir; // where the development CA is kept; NULL: in memory, for this process only
    const char *certificate_path; // an operator's, PEM, with its chain; both or none
    const char *key_path;         // PEM, not encrypted
};

// What the connections of a server share. OpenSSL costs about 3 MiB once it is touched, so that
// happens at the first TLS byte, or here when an operator's certificate is to be read.
// E_INVALID: the operator's files are no certificate with its key. E_IO: they cannot be read.
struct tls;
MUST_USE int tls_new(struct runtime *rt, const struct tls_options *options, const struct log *log,
                     struct tls **out);
void tls_free(struct tls *t); // no connection is left; NULL is accepted

// Whether tls_connect would show a certificate that is not near its end.
bool tls_is_ready(struct tls *t);
// Reads or makes certificates. Blocks, also for another thread that is at it.
MUST_USE int tls_prepare(struct tls *t);
// Reads the operator's files again; connections that are open keep what they have. On failure the
// old ones stay in use. Blocks. Nothing happens without an operator's files.
MUST_USE int tls_reload(struct tls *t);
// The development CA's certificate, PEM, in the arena: what clients must trust. Made when needed:
// blocks then. E_NOT_FOUND with an operator's certificate.
MUST_USE int tls_ca_pem(struct tls *t, struct arena *arena, struct str *out);
// A new connection in accept state. Prepared before.
SSL *tls_connect(struct tls *t);

// Makes the files of the development CA in dir where they are missing or near their end, as the
// first TLS byte would: so that clients can be told of dir/ca.pem earlier. Blocks, and touches
// OpenSSL: a process of its own keeps that memory from the server. E_IO, E_INVALID.
MUST_USE int tls_files_prepare(const char *dir, int64_t wall_ms);

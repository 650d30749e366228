// The development CA: keys and certificates for names that mean this machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include "src/base/str.h"

// What a CA, or a server, is and can prove. Owns both.
struct tls_identity {
    EVP_PKEY *key; // ECDSA P-256
    X509 *certificate;
};
void tls_identity_fini(struct tls_identity *i);

enum {
    TLS_CA_DAYS = 3650,
    TLS_CA_DAYS_LEFT_MIN = 400, // so that it outlives what it issues
    TLS_SERVER_DAYS = 90,
    TLS_SERVER_DAYS_LEFT_MIN = 30,
};

// By its name constraints the CA can only vouch for localhost, localhost.localstack.cloud, what is
// below them, and loopback addresses: whoever steals its key gains nothing on another machine.
// E_INVALID when OpenSSL fails.
MUST_USE int tls_ca_make(int64_t wall_ms, struct tls_identity *out);
// For all those names that a wildcard can tell.
MUST_USE int tls_server_make(const struct tls_identity *ca, int64_t wall_ms,
                             struct tls_identity *out);
// Whether the CA may vouch for it: lower case, at least one label below the two names.
bool tls_name_is_ours(struct str name);
// One more certificate for the server's key: clients accept no wildcard straight below
// localhost, and none spans two labels (bucket.s3.localhost). The name is one of ours.
MUST_USE int tls_name_make(const struct tls_identity *ca, const struct tls_identity *server,
                           struct str name, X509 **out);

// Whether key and certificate belong together, and the certificate lasts that many days more.
bool tls_identity_is_good(const struct tls_identity *i, int64_t wall_ms, int days_left_min);
bool tls_is_issued_by(X509 *certificate, const struct tls_identity *ca);
// The time from which on a certificate has fewer days left; ms.
int64_t tls_renew_ms(X509 *certificate, int64_t wall_ms, int days_left_min);

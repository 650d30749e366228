// Makes keys and X.509 certificates.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/tls_ca.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

enum {
    SERIAL_BITS = 127,
    SECONDS_PER_DAY = 24 * 60 * 60,
    NAME_BYTES_MAX = 253, // RFC 1035 in its text form
    LABEL_BYTES_MAX = 63,
    SAN_BYTES_MAX = NAME_BYTES_MAX + 8,
};

struct extension {
    int nid;
    const char *value;
};

static const struct extension ca_extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_name_constraints,
     "critical,permitted;DNS:localhost,permitted;DNS:localhost.localstack.cloud,"
     "permitted;IP:127.0.0.0/255.0.0.0,"
     "permitted;IP:::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
};

static const struct extension server_extensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_authority_key_identifier, "keyid:always"},
};

// No *.localhost: OpenSSL and browsers do not take it for a name, and rustls refuses a certificate
// that holds it.
static const char server_names[] =
    "DNS:localhost,DNS:localhost.localstack.cloud,"
    "DNS:*.localhost.localstack.cloud,DNS:*.s3.localhost.localstack.cloud,"
    "IP:127.0.0.1,IP:::1";

static void
key_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void
certificate_cleanup(X509 **certificate)
{
    X509_free(*certificate);
}

static bool
add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = e && X509_add_ext(certificate, e, -1);
    X509_EXTENSION_free(e);
    return is_added;
}

static bool
add_extensions(X509 *certificate, X509 *issuer, const struct extension *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!add_extension(certificate, issuer, table[i].nid, table[i].value))
            return false;
    return true;
}

static bool
set_serial(X509 *certificate)
{
    BIGNUM *n = BN_new();
    bool is_set = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
                  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(certificate));
    BN_free(n);
    return is_set;
}

// From a day ago, for clients whose clock is behind.
static bool
set_validity(X509 *certificate, int64_t wall_ms, int days)
{
    time_t now = (time_t)(wall_ms / 1000);
    return X509_time_adj_ex(X509_getm_notBefore(certificate), -1, 0, &now) &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, &now);
}

static bool
add_name(X509_NAME *name, const char *field, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const unsigned char *)value, -1,
                                      -1, 0);
}

// The name of a CA holds the time of its making, so that clients do not mix up two of them.
static X509 *
make_ca_certificate(EVP_PKEY *key, int64_t wall_ms)
{
    X509 *x = X509_new();
    char name[64];
    snprintf(name, sizeof(name), "c10m development CA %lld", (long long)wall_ms);
    bool is_made = x && X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
                   set_validity(x, wall_ms, TLS_CA_DAYS) && X509_set_pubkey(x, key) &&
                   add_name(X509_get_subject_name(x), "O", "c10m") &&
                   add_name(X509_get_subject_name(x), "CN", name) &&
                   X509_set_issuer_name(x, X509_get_subject_name(x)) &&
                   add_extensions(x, x, ca_extensions, COUNT_OF(ca_extensions)) &&
                   X509_sign(x, key, EVP_sha256());
    if (is_made)
        return x;
    X509_free(x);
    return NULL;
}

static X509 *
new_server_certificate(const struct tls_identity *ca, EVP_PKEY *key, const char *names)
{
    X509 *x = X509_new();
    bool is_made =
        x && X509_set_version(x, X509_VERSION_3) && set_serial(x) && X509_set_pubkey(x, key) &&
        add_name(X509_get_subject_name(x), "O", "c10m") &&
        X509_set_issuer_name(x, X509_get_subject_name(ca->certificate)) &&
        add_extensions(x, ca->certificate, server_extensions, COUNT_OF(server_extensions)) &&
        add_extension(x, ca->certificate, NID_subject_alt_name, names);
    if (is_made)
        return x;
    X509_free(x);
    return NULL;
}

static bool
label_is_valid(struct str label)
{
    static const char bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    if (label.len == 0 || label.len > LABEL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!memchr(bytes, label.ptr[i], strlen(bytes)))
            return false;
    return true;
}

void
tls_identity_fini(struct tls_identity *i)
{
    EVP_PKEY_free(i->key);
    X509_free(i->certificate);
    *i = (struct tls_identity){0};
}

int
tls_ca_make(int64_t wall_ms, struct tls_identity *out)
{
    EVP_PKEY *key CLEANUP(key_cleanup) = EVP_EC_gen("P-256");
    X509 *certificate = key ? make_ca_certificate(key, wall_ms) : NULL;
    if (!certificate)
        return E_INVALID;
    *out = (struct tls_identity){key, certificate};
    key = NULL;
    return OK;
}

int
tls_server_make(const struct tls_identity *ca, int64_t wall_ms, struct tls_identity *out)
{
    EVP_PKEY *key CLEANUP(key_cleanup) = EVP_EC_gen("P-256");
    X509 *x CLEANUP(certificate_cleanup) =
        key ? new_server_certificate(ca, key, server_names) : NULL;
    if (!x || !set_validity(x, wall_ms, TLS_SERVER_DAYS) || !X509_sign(x, ca->key, EVP_sha256()))
        return E_INVALID;
    *out = (struct tls_identity){key, x};
    key = NULL;
    x = NULL;
    return OK;
}

bool
tls_name_is_ours(struct str name)
{
    static const struct str ours[] = {{".localhost", 10}, {".localhost.localstack.cloud", 27}};
    bool is_below = str_ends(name, ours[0]) || str_ends(name, ours[1]);
    if (!is_below || name.len > NAME_BYTES_MAX)
        return false;
    struct str label, rest = name;
    while (str_is_present(rest)) {
        str_cut(rest, '.', &label, &rest);
        if (!label_is_valid(label))
            return false;
    }
    return true;
}

int
tls_name_make(const struct tls_identity *ca, const struct tls_identity *server, struct str name,
              X509 **out)
{
    char names[SAN_BYTES_MAX];
    CHECK(name.len <= NAME_BYTES_MAX);
    snprintf(names, sizeof(names), "DNS:" STR_FMT, STR_ARG(name));
    X509 *x CLEANUP(certificate_cleanup) = new_server_certificate(ca, server->key, names);
    if (!x || !X509_set1_notBefore(x, X509_get0_notBefore(server->certificate)) ||
        !X509_set1_notAfter(x, X509_get0_notAfter(server->certificate)) ||
        !X509_sign(x, ca->key, EVP_sha256()))
        return E_INVALID;
    *out = x;
    x = NULL;
    return OK;
}

static int64_t
ms_left(X509 *certificate, int64_t wall_ms)
{
    int days = 0, seconds = 0;
    time_t now = (time_t)(wall_ms / 1000);
    ASN1_TIME *from = ASN1_TIME_set(NULL, now);
    CHECK(from && ASN1_TIME_diff(&days, &seconds, from, X509_get0_notAfter(certificate)));
    ASN1_TIME_free(from);
    return ((int64_t)days * SECONDS_PER_DAY + seconds) * 1000;
}

bool
tls_identity_is_good(const struct tls_identity *i, int64_t wall_ms, int days_left_min)
{
    return i->key && i->certificate && X509_check_private_key(i->certificate, i->key) &&
           tls_renew_ms(i->certificate, wall_ms, days_left_min) > wall_ms;
}

bool
tls_is_issued_by(X509 *certificate, const struct tls_identity *ca)
{
    return X509_verify(certificate, ca->key) == 1;
}

int64_t
tls_renew_ms(X509 *certificate, int64_t wall_ms, int days_left_min)
{
    return wall_ms + ms_left(certificate, wall_ms) -
           (int64_t)days_left_min * SECONDS_PER_DAY * 1000;
}

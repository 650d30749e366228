// Contexts of OpenSSL: made late, renewed, replaced while connections go on.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>

#include "src/base/omap.h"
#include "src/http/tls_store.h"

enum {
    NAMES_MAX = 512,          // certificates for single names kept at once
    NAME_BYTES_MAX = 253,     // of a host, in its text form
    RECORD_BYTES = 16 * 1024, // what OpenSSL reads ahead at most
};

// What new connections get. Immutable, but for the names.
struct material {
    SSL_CTX *context;
    struct tls_identity ca, server; // absent with an operator's certificate
    struct omap *names;             // X509 by host name; guarded by tls.mutex
};

struct tls {
    struct tls_options options;
    struct runtime *rt;
    const struct log *log;
    pthread_mutex_t preparing; // held for long, by whoever makes new material
    pthread_mutex_t mutex;     // held for short; guards what follows
    struct material now;       // context NULL until the first time
    int64_t renew_ms;
};

static bool
is_operated(const struct tls *t)
{
    return t->options.certificate_path != NULL;
}

static void
log_failure(const struct tls *t, const char *event, int code)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (t->log)
        log_event(t->log, LOG_ERROR, event, "code=%s errno=%d reason=\"%s\"", code_name(code),
                  errno, reason ? reason : "");
}

// No configuration file decides what this program does; and nothing is torn down at exit, when
// other threads may still run.
static int
touch_openssl(void)
{
    uint64_t options = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT;
    return OPENSSL_init_ssl(options, NULL) ? OK : E_INVALID;
}

// -- certificates for single names

static void
free_certificate(void *certificate)
{
    X509_free(certificate);
}

static void
material_fini(struct material *m)
{
    SSL_CTX_free(m->context);
    tls_identity_fini(&m->ca);
    tls_identity_fini(&m->server);
    if (m->names)
        omap_free(m->names, free_certificate);
    *m = (struct material){0};
}

// Borrowed; NULL when it cannot be made. tls.mutex is held.
static X509 *
name_certificate(struct tls *t, struct str name)
{
    struct material *m = &t->now;
    if (omap_count(m->names) >= NAMES_MAX) {
        omap_free(m->names, free_certificate);
        m->names = omap_new(random_u64(t->rt));
    }
    struct omap_entry *e = omap_put(m->names, name);
    X509 *made = NULL;
    if (!e->value && tls_name_make(&m->ca, &m->server, name, &made) == OK)
        e->value = made;
    return e->value;
}

// Chooses what to show to a client that asks for a name of ours that the wildcards do not cover.
static int
on_certificate_wanted(SSL *ssl, void *arg)
{
    struct tls *t = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char lower[NAME_BYTES_MAX + 1];
    size_t len = name ? strnlen(name, sizeof(lower)) : 0;
    if (len == 0 || len == sizeof(lower))
        return 1;
    for (size_t i = 0; i < len; i++)
        lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
    if (!tls_name_is_ours((struct str){lower, len}))
        return 1;
    pthread_mutex_lock(&t->mutex);
    bool is_covered = X509_check_host(SSL_get_certificate(ssl), lower, len, 0, NULL) == 1;
    // A context of before a renewal has another key, which these certificates are not for.
    bool is_current = SSL_get_SSL_CTX(ssl) == t->now.context;
    X509 *x = is_covered || !is_current ? NULL : name_certificate(t, (struct str){lower, len});
    int result = x ? SSL_use_certificate(ssl, x) : 1;
    pthread_mutex_unlock(&t->mutex);
    return result;
}

// -- contexts

static int
on_protocols_offered(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                     const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

// Without this OpenSSL would ask for the password on the terminal.
static int
refuse_password(char *out, int size, int is_writing, void *arg)
{
    return -1;
}

static SSL_CTX *
new_context(struct tls *t)
{
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    CHECK(c != NULL);
    CHECK(SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION));
    CHECK(SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20")); // of TLS 1.2
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(c, 1); // one system call a request, not two a record
    SSL_CTX_set_default_read_buffer_len(c, RECORD_BYTES);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF); // tickets hold the sessions
    SSL_CTX_set_num_tickets(c, 1);
    SSL_CTX_set_alpn_select_cb(c, on_protocols_offered, t);
    SSL_CTX_set_default_passwd_cb(c, refuse_password);
    return c;
}

static int
load_operated(struct tls *t, struct material *out)
{
    SSL_CTX *c = new_context(t);
    errno = 0;
    if (SSL_CTX_use_certificate_chain_file(c, t->options.certificate_path) == 1 &&
        SSL_CTX_use_PrivateKey_file(c, t->options.key_path, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(c) == 1) {
        out->context = c;
        return OK;
    }
    SSL_CTX_free(c);
    return errno == ENOENT || errno == EACCES ? E_IO : E_INVALID;
}

static int
load_ours(struct tls *t, struct material *out)
{
    TRY(tls_store_open(t->options.dir, clock_wall_ms(t->rt), &out->ca, &out->server));
    out->context = new_context(t);
    out->names = omap_new(random_u64(t->rt));
    CHECK(SSL_CTX_use_certificate(out->context, out->server.certificate) == 1);
    CHECK(SSL_CTX_use_PrivateKey(out->context, out->server.key) == 1);
    SSL_CTX_set_cert_cb(out->context, on_certificate_wanted, t);
    return OK;
}

// t->preparing is held.
static int
load(struct tls *t)
{
    struct material fresh = {0};
    TRY(touch_openssl());
    ERR_clear_error();
    int code = is_operated(t) ? load_operated(t, &fresh) : load_ours(t, &fresh);
    if (code != OK) {
        log_failure(t, "tls_certificate_failed", code);
        ERR_clear_error();
        return code;
    }
    int64_t renew_ms = INT64_MAX;
    if (!is_operated(t))
        renew_ms =
            tls_renew_ms(fresh.server.certificate, clock_wall_ms(t->rt), TLS_SERVER_DAYS_LEFT_MIN);
    pthread_mutex_lock(&t->mutex);
    struct material old = t->now;
    t->now = fresh;
    t->renew_ms = renew_ms;
    pthread_mutex_unlock(&t->mutex);
    material_fini(&old);
    return OK;
}

int
tls_new(struct runtime *rt, const struct tls_options *options, const struct log *log,
        struct tls **out)
{
    CHECK(!options->certificate_path == !options->key_path);
    struct tls *t = calloc(1, sizeof(*t));
    CHECK(t != NULL);
    t->options = *options;
    t->rt = rt;
    t->log = log;
    CHECK(pthread_mutex_init(&t->preparing, NULL) == 0);
    CHECK(pthread_mutex_init(&t->mutex, NULL) == 0);
    int code = is_operated(t) ? tls_prepare(t) : OK;
    if (code != OK) {
        int error = errno;
        tls_free(t);
        errno = error;
        return code;
    }
    *out = t;
    return OK;
}

void
tls_free(struct tls *t)
{
    if (!t)
        return;
    if (t->now.context)
        material_fini(&t->now);
    pthread_mutex_destroy(&t->preparing);
    pthread_mutex_destroy(&t->mutex);
    free(t);
}

bool
tls_is_ready(struct tls *t)
{
    pthread_mutex_lock(&t->mutex);
    bool is_ready = t->now.context && clock_wall_ms(t->rt) < t->renew_ms;
    pthread_mutex_unlock(&t->mutex);
    return is_ready;
}

int
tls_prepare(struct tls *t)
{
    pthread_mutex_lock(&t->preparing);
    int code = tls_is_ready(t) ? OK : load(t);
    pthread_mutex_unlock(&t->preparing);
    return code;
}

int
tls_reload(struct tls *t)
{
    if (!is_operated(t))
        return OK;
    pthread_mutex_lock(&t->preparing);
    int code = load(t);
    pthread_mutex_unlock(&t->preparing);
    return code;
}

int
tls_ca_pem(struct tls *t, struct arena *arena, struct str *out)
{
    if (is_operated(t))
        return E_NOT_FOUND;
    TRY(tls_prepare(t));
    BIO *pem = BIO_new(BIO_s_mem());
    CHECK(pem != NULL);
    pthread_mutex_lock(&t->mutex);
    CHECK(PEM_write_bio_X509(pem, t->now.ca.certificate));
    pthread_mutex_unlock(&t->mutex);
    char *at;
    long len = BIO_get_mem_data(pem, &at);
    *out = arena_copy(arena, (struct str){at, (size_t)len});
    BIO_free(pem);
    return OK;
}

SSL *
tls_connect(struct tls *t)
{
    pthread_mutex_lock(&t->mutex);
    CHECK(t->now.context != NULL);
    SSL *ssl = SSL_new(t->now.context);
    pthread_mutex_unlock(&t->mutex);
    CHECK(ssl != NULL);
    SSL_set_accept_state(ssl);
    return ssl;
}

int
tls_files_prepare(const char *dir, int64_t wall_ms)
{
    struct tls_identity ca, server;
    TRY(touch_openssl());
    TRY(tls_store_open(dir, wall_ms, &ca, &server));
    tls_identity_fini(&ca);
    tls_identity_fini(&server);
    return OK;
}

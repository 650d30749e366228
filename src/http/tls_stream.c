// OpenSSL over our sockets: it reads and writes what is there, and never waits.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "src/http/tls.h"

// -- OpenSSL's side

static size_t
read_early(struct tls_stream *t, char *out, size_t size)
{
    size_t n = t->early_len - t->early_at;
    n = n < size ? n : size;
    memcpy(out, t->early + t->early_at, n);
    t->early_at += n;
    if (t->early_at == t->early_len) {
        free(t->early);
        t->early = NULL;
    }
    return n;
}

static int
bio_read(BIO *b, char *out, int size)
{
    struct http_connection *c = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (c->tls->early)
        return (int)read_early(c->tls, out, (size_t)size);
    ptrdiff_t n = socket_read(c->socket, out, (size_t)size);
    if (n == E_AGAIN)
        BIO_set_retry_read(b);
    return n > 0 ? (int)n : n == E_CLOSED ? 0 : -1;
}

static int
bio_write(BIO *b, const char *bytes, int len)
{
    struct http_connection *c = BIO_get_data(b);
    struct str part = {bytes, (size_t)len};
    BIO_clear_retry_flags(b);
    ptrdiff_t n = socket_write(c->socket, &part, 1);
    if (n == E_AGAIN)
        BIO_set_retry_write(b);
    return n > 0 ? (int)n : -1;
}

static long
bio_control(BIO *b, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH;
}

// One for each loop, since this is no place for a global.
static BIO_METHOD *
method_of(struct http_loop *l)
{
    if (l->tls_method)
        return l->tls_method;
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");
    CHECK(m && BIO_meth_set_read(m, bio_read) && BIO_meth_set_write(m, bio_write) &&
          BIO_meth_set_ctrl(m, bio_control));
    return l->tls_method = m;
}

// -- our side

// What a failed call of OpenSSL means to the owner of the connection.
static int
code_of(struct tls_stream *t, int result)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return E_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return E_CLOSED;
    default: // also an end without a farewell
        t->is_broken = true;
        return E_CLOSED;
    }
}

// Bytes may be left in OpenSSL's memory that the socket knows nothing of, so after a read that
// filled its output another one must follow.
static ptrdiff_t
tls_read(struct http_connection *c, void *out, size_t size)
{
    struct tls_stream *t = c->tls;
    size_t done = 0, n;
    while (done < size && !t->is_broken) {
        ERR_clear_error();
        int result = SSL_read_ex(t->ssl, (char *)out + done, size - done, &n);
        if (result == 1) {
            done += n;
            continue;
        }
        int code = code_of(t, result);
        if (done == 0 || code == E_AGAIN)
            return done > 0 ? (ptrdiff_t)done : code;
        break;
    }
    socket_keep_readable(c->socket);
    return done > 0 ? (ptrdiff_t)done : E_CLOSED;
}

// Small parts are put together, so that they make one record and one packet.
static struct str
first_record(struct http_connection *c, const struct str *parts, size_t count)
{
    if (count == 1 || parts[0].len >= TLS_RECORD_BYTES)
        return parts[0];
    struct http_loop *l = c->home;
    if (!l->tls_record)
        l->tls_record = malloc(TLS_RECORD_BYTES);
    CHECK(l->tls_record != NULL);
    size_t len = 0;
    for (size_t i = 0; i < count && len < TLS_RECORD_BYTES; i++) {
        struct str part = str_slice(parts[i], 0, TLS_RECORD_BYTES - len);
        memcpy(l->tls_record + len, part.ptr, part.len);
        len += part.len;
    }
    return (struct str){l->tls_record, len};
}

// After E_AGAIN OpenSSL wants the same bytes again; they may have moved.
static ptrdiff_t
tls_write(struct http_connection *c, const struct str *parts, size_t count)
{
    struct tls_stream *t = c->tls;
    if (t->is_broken)
        return E_CLOSED;
    struct str bytes = first_record(c, parts, count);
    size_t n;
    ERR_clear_error();
    int result = SSL_write_ex(t->ssl, bytes.ptr, bytes.len, &n);
    if (result == 1)
        return (ptrdiff_t)n;
    if (SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_READ) {
        t->is_broken = true; // cannot be without renegotiation
        return E_IO;
    }
    return code_of(t, result);
}

static void
tls_end(struct http_connection *c)
{
    struct tls_stream *t = c->tls;
    if (!t->ssl || t->is_broken || !SSL_is_init_finished(t->ssl))
        return;
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl);
    t->is_broken = true;
}

static void
tls_fini(struct http_connection *c)
{
    tls_end(c);
    SSL_free(c->tls->ssl);
    free(c->tls->early);
    free(c->tls);
    c->tls = NULL;
}

const struct http_transport tls_transport = {
    .read = tls_read,
    .write = tls_write,
    .end = tls_end,
    .fini = tls_fini,
};

void
tls_stream_init(struct http_connection *c, struct str early)
{
    struct tls_stream *t = calloc(1, sizeof(*t));
    CHECK(t != NULL);
    t->early = malloc(early.len);
    CHECK(t->early != NULL);
    memcpy(t->early, early.ptr, early.len);
    t->early_len = early.len;
    c->tls = t;
    c->transport = &tls_transport;
}

void
tls_stream_start(struct http_connection *c)
{
    BIO *b = BIO_new(method_of(c->home));
    CHECK(b != NULL);
    BIO_set_data(b, c);
    BIO_set_init(b, 1);
    c->tls->ssl = tls_connect(c->home->tls);
    SSL_set_bio(c->tls->ssl, b, b);
}

enum tls_progress
tls_stream_handshake(struct http_connection *c)
{
    struct tls_stream *t = c->tls;
    ERR_clear_error();
    int result = SSL_do_handshake(t->ssl);
    if (result == 1)
        return TLS_DONE;
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    default:
        t->is_broken = true;
        return TLS_FAILED;
    }
}

bool
tls_stream_is_h2(const struct http_connection *c)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(c->tls->ssl, &name, &len);
    return str_eq((struct str){(const char *)name, len}, STR("h2"));
}

void
tls_stream_note(const struct http_connection *c, struct http_request *out)
{
    out->is_encrypted = true;
    out->tls_version = SSL_get_version(c->tls->ssl);
    out->tls_cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(c->tls->ssl));
}

void
tls_loop_fini(struct http_loop *l)
{
    if (l->tls_method)
        BIO_meth_free(l->tls_method);
    free(l->tls_record);
}

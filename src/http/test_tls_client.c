// OpenSSL's client side over memory, so that the test decides how bytes travel.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/test_tls_client.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void
send_out(struct tls_client *c)
{
    char bytes[16 * 1024];
    int n;
    while ((n = BIO_read(SSL_get_wbio(c->ssl), bytes, sizeof(bytes))) > 0)
        for (int at = 0; at < n;) {
            int len = c->piece && n - at > (int)c->piece ? (int)c->piece : n - at;
            client_send(&c->plain, (struct str){bytes + at, (size_t)len});
            at += len;
        }
}

// False at the end of the stream.
static bool
receive_in(struct tls_client *c)
{
    char bytes[16 * 1024];
    ssize_t n = read(c->plain.fd, bytes, sizeof(bytes));
    if (n > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(c->ssl), bytes, (int)n), n);
    return n > 0;
}

static void
set_name(SSL *ssl, const char *name)
{
    unsigned char address[16];
    bool is_address = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address);
    if (is_address)
        assert_true(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name));
    else
        assert_true(SSL_set_tlsext_host_name(ssl, name) && SSL_set1_host(ssl, name));
}

static void
set_alpn(SSL *ssl, const char *list)
{
    unsigned char wire[64];
    size_t len = strlen(list), start = 0;
    memcpy(wire + 1, list, len);
    for (size_t i = 0; i <= len; i++)
        if (list[i] == ',' || list[i] == 0) {
            wire[start] = (unsigned char)(i - start);
            start = i + 1;
        }
    assert_int_equal(SSL_set_alpn_protos(ssl, wire, (unsigned)len + 1), 0);
}

static void
make_ssl(struct tls_client *c, const struct tls_wish *wish)
{
    c->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(c->context);
    if (wish->ca_path)
        assert_true(SSL_CTX_load_verify_file(c->context, wish->ca_path));
    if (wish->version)
        assert_true(SSL_CTX_set_max_proto_version(c->context, wish->version));
    c->ssl = SSL_new(c->context);
    assert_non_null(c->ssl);
    SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (wish->name)
        set_name(c->ssl, wish->name);
    if (wish->alpn)
        set_alpn(c->ssl, wish->alpn);
}

long
tls_client_connect(struct tls_client *c, const struct fixture *x, const struct tls_wish *wish)
{
    assert_true(client_connect(&c->plain, x));
    c->piece = wish->piece;
    make_ssl(c, wish);
    for (;;) {
        int result = SSL_connect(c->ssl);
        send_out(c);
        if (result == 1)
            return SSL_get_verify_result(c->ssl);
        if (SSL_get_error(c->ssl, result) != SSL_ERROR_WANT_READ || !receive_in(c))
            return -1;
    }
}

void
tls_client_send(struct tls_client *c, struct str bytes)
{
    assert_int_equal(SSL_write(c->ssl, bytes.ptr, (int)bytes.len), bytes.len);
    send_out(c);
}

size_t
tls_client_receive_some(struct tls_client *c, char *out, size_t size)
{
    for (;;) {
        int n = SSL_read(c->ssl, out, (int)size);
        if (n > 0)
            return (size_t)n;
        int error = SSL_get_error(c->ssl, n);
        if (error == SSL_ERROR_ZERO_RETURN)
            return 0;
        assert_int_equal(error, SSL_ERROR_WANT_READ);
        if (!receive_in(c))
            fail_msg("the connection ended without a close_notify");
    }
}

static void
receive_more(struct tls_client *c)
{
    struct client *p = &c->plain;
    size_t n = tls_client_receive_some(c, p->bytes + p->len, sizeof(p->bytes) - p->len - 1);
    assert_true(n > 0);
    p->len += n;
    p->bytes[p->len] = 0;
}

void
tls_client_receive(struct tls_client *c, struct answer *out)
{
    struct client *p = &c->plain;
    ptrdiff_t end;
    while ((end = str_find((struct str){p->bytes, p->len}, STR("\r\n\r\n"))) < 0)
        receive_more(c);
    size_t head_len = (size_t)end + 4;
    assert_true(head_len < sizeof(out->head));
    memset(out, 0, sizeof(*out));
    memcpy(out->head, p->bytes, head_len);
    out->status = (int)strtol(out->head + strlen("HTTP/1.1 "), NULL, 10);
    const char *length = strstr(out->head, "\r\nContent-Length: ");
    size_t body_len = length ? strtoul(length + strlen("\r\nContent-Length: "), NULL, 10) : 0;
    memmove(p->bytes, p->bytes + head_len, p->len -= head_len);
    while (out->body_len < body_len) {
        if (p->len == 0)
            receive_more(c);
        size_t n = p->len < body_len - out->body_len ? p->len : body_len - out->body_len;
        size_t kept = out->body_len < sizeof(out->body) ? sizeof(out->body) - out->body_len : 0;
        memcpy(out->body + (kept ? out->body_len : 0), p->bytes, n < kept ? n : kept);
        out->body_len += n;
        memmove(p->bytes, p->bytes + n, p->len -= n);
    }
}

void
tls_client_close(struct tls_client *c)
{
    client_close(&c->plain);
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
}

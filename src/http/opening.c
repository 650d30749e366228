// The beginning of a connection: its first bytes say whether it is TLS, HTTP/1.1 or HTTP/2.
// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>

#include "src/http/tls.h"
#include "src/http/tls_stream.h"

//     opening ──0x16──▶ handshake ──ALPN──▶ HTTP/1.1 or HTTP/2
//        └──────────────any other byte────────▶

enum { TLS_HANDSHAKE_RECORD = 0x16 };

// RFC 9113 section 3.4: what a client that knows beforehand begins with.
static const struct str preface = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24};

static void
handle_nothing(struct http_connection *c)
{
}

// -- TLS

// In a fiber, since files are read and written. Nobody else touches the connection meanwhile.
struct preparation {
    struct tls *tls;
    int code;
};

static void
prepare_blocking(void *arg)
{
    struct preparation *p = arg;
    p->code = tls_prepare(p->tls);
}

static void
prepare(void *arg)
{
    struct http_connection *c = arg;
    struct preparation p = {.tls = c->home->tls};
    pool_run(loop_runtime(c->home->loop), prepare_blocking, &p);
    if (p.code != OK || c->tls->is_broken) {
        connection_close(c);
        return;
    }
    tls_stream_start(c);
    connection_set_deadline_in_ms(c, c->home->options->head_timeout_ms);
    connection_watch(c, SOCKET_READABLE | SOCKET_WRITABLE); // goes on in the next turn
}

static void
refuse_handshake(struct http_connection *c)
{
    struct http_loop *l = c->home;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    atomic_fetch_add_explicit(&l->rejected, 1, memory_order_relaxed);
    if (l->options->log)
        log_event(l->options->log, LOG_DEBUG, "tls_rejected", "peer=%s reason=\"%s\"",
                  socket_peer(c->socket), reason ? reason : "closed");
    connection_linger(c); // so that the client reads the alert
}

static void
start_protocol(struct http_connection *c)
{
    if (tls_stream_is_h2(c))
        h2_start(c, 0);
    else
        h1_start(c, 0);
}

static void
handshake_on_ready(struct http_connection *c, unsigned events)
{
    switch (tls_stream_handshake(c)) {
    case TLS_DONE:
        start_protocol(c);
        break;
    case TLS_WANTS_READ:
        connection_watch(c, SOCKET_READABLE);
        break;
    case TLS_WANTS_WRITE:
        connection_watch(c, SOCKET_WRITABLE);
        break;
    case TLS_FAILED:
        refuse_handshake(c);
        break;
    }
}

// The fiber that prepares the certificates closes it, if there is one.
static void
handshake_cancel(struct http_connection *c)
{
    if (c->tls->ssl)
        connection_close(c);
    else
        c->tls->is_broken = true;
}

const struct http_protocol handshake_protocol = {
    .on_ready = handshake_on_ready,
    .on_deadline = connection_close,
    .drain = handle_nothing, // goes on: nobody knows what the client sends behind it
    .cancel = handshake_cancel,
    .fini = handle_nothing,
};

static void
handshake_start(struct http_connection *c, struct str early)
{
    tls_stream_init(c, early);
    connection_give_reader_back(c);
    c->protocol = &handshake_protocol;
    if (tls_is_ready(c->home->tls)) {
        tls_stream_start(c);
        handshake_on_ready(c, 0);
        return;
    }
    connection_watch(c, 0);
    connection_set_deadline(c, DEADLINE_NEVER);
    if (fiber_start(c->home->loop, "tls", prepare, c, NULL) != OK)
        connection_close(c);
}

// -- the first bytes

static void
wait_for_first_byte(struct http_connection *c)
{
    connection_give_reader_back(c);
    if (c->home->is_draining) {
        connection_close(c);
        return;
    }
    c->opening.is_known_idle = true;
    connection_watch(c, SOCKET_READABLE);
}

static bool
may_be_preface(struct str bytes)
{
    size_t len = bytes.len < preface.len ? bytes.len : preface.len;
    return memcmp(bytes.ptr, preface.ptr, len) == 0;
}

static void
choose_protocol(struct http_connection *c, struct str bytes)
{
    if (c->home->tls && bytes.ptr[0] == TLS_HANDSHAKE_RECORD)
        handshake_start(c, bytes);
    else if (!may_be_preface(bytes))
        h1_start(c, bytes.len);
    else if (bytes.len >= preface.len)
        h2_start(c, bytes.len);
    else
        connection_watch(c, SOCKET_READABLE);
}

static void
receive_first(struct http_connection *c)
{
    connection_take_reader(c);
    size_t size, held = c->opening.held;
    char *space = http_reader_space(c->reader, &size);
    ptrdiff_t n = c->transport->read(c, space + held, size - held);
    if (n > 0) {
        c->opening.is_known_idle = false;
        c->opening.held = held + (size_t)n;
        if (held == 0)
            connection_set_deadline_in_ms(c, c->home->options->head_timeout_ms);
        choose_protocol(c, (struct str){space, held + (size_t)n});
    } else if (n != E_AGAIN) {
        connection_close(c);
    } else if (held == 0) {
        wait_for_first_byte(c);
    }
}

static void
opening_on_ready(struct http_connection *c, unsigned events)
{
    receive_first(c);
}

// Before the first event nobody knows whether bytes have arrived, so the connection is left alone.
static void
opening_drain(struct http_connection *c)
{
    if (c->opening.is_known_idle)
        receive_first(c); // closes it when there is nothing
}

const struct http_protocol opening_protocol = {
    .on_ready = opening_on_ready,
    .on_deadline = connection_close,
    .drain = opening_drain,
    .cancel = connection_close,
    .fini = handle_nothing,
};

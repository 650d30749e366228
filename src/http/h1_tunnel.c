// Bytes both ways over an upgraded connection; see tunnel.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/h1_tunnel.h"

#include "src/http/tunnel.h"

struct http_tunnel {
    struct http_connection *c;
    struct str early; // what came with the request
};

struct loop *
tunnel_loop(const struct http_tunnel *t)
{
    return t->c->home->loop;
}

static size_t
read_early(struct http_tunnel *t, void *out, size_t size)
{
    size_t n = t->early.len < size ? t->early.len : size;
    if (n > 0)
        memcpy(out, t->early.ptr, n);
    t->early = str_slice(t->early, n, t->early.len);
    return n;
}

int
tunnel_read(struct http_tunnel *t, void *out, size_t size, int64_t deadline_ns, size_t *got)
{
    ptrdiff_t n;
    *got = read_early(t, out, size);
    if (*got > 0)
        return OK;
    while ((n = t->c->transport->read(t->c, out, size)) == E_AGAIN)
        TRY(socket_wait(t->c->socket, SOCKET_READABLE, deadline_ns));
    if (n < 0)
        return (int)n;
    *got = (size_t)n;
    return OK;
}

int
tunnel_write(struct http_tunnel *t, const struct str *parts, size_t count)
{
    return connection_write_all(t->c, parts, count);
}

void
h1_tunnel(struct http_connection *c, const struct http_response *r)
{
    CHECK(r->status == 101 && c->reader->head.request.may_upgrade);
    struct http_tunnel t = {.c = c, .early = c->reader->ahead};
    struct str head =
        http_response_encode(r, &c->reader->head, false, connection_date(c), &c->reader->arena);
    if (connection_write_all(c, &head, 1) != OK)
        return;
    c->h1.is_tunnel = true;
    if (connection_is_server_ending(c))
        fiber_cancel(c->h1.fiber);
    r->upgrade(r->upgrade_arg, &t);
    c->h1.is_tunnel = false;
    c->h1.is_read = false; // the client may still send: it is told of the end first
}

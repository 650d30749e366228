// The resolver of guests: DNS over UDP and TCP.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/cloud/guests_state.h"
#include "src/host/dns.h"
#include "src/host/network.h"

enum {
    DNS_PORT = 53,
    TTL_S = 60,
    STREAM_MS_MAX = 5 * 1000, // between two queries of a stream
    CLOSE_LOOK_MS = 5,
    LENGTH_BYTES = 2, // before each message of a stream
    QUERY_BYTES_MAX = 1024,
};

// -- one query

static bool
is_api_name(struct str name)
{
    return str_eq(name, STR("localhost.localstack.cloud")) ||
           str_ends(name, STR(".localhost.localstack.cloud"));
}

static enum dns_rcode
resolve(const struct guest_network *n, const char *peer, struct str name, uint32_t *out,
        size_t *count)
{
    struct guests *g = n->guests;
    struct guest guest = guest_of(n, peer);
    if (is_api_name(name)) {
        CHECK(inet_pton(AF_INET, GUESTS_ADDRESS, out) == 1);
        *count = 1;
        return DNS_NO_ERROR;
    }
    int code = g->names == NULL
                   ? E_CLOSED
                   : g->names(g->names_arg, &guest, name, out, DNS_ADDRESSES_MAX, count);
    return code == OK            ? DNS_NO_ERROR
           : code == E_NOT_FOUND ? DNS_NO_SUCH_NAME
           : code == E_CLOSED    ? DNS_REFUSED
                                 : DNS_SERVER_FAILURE;
}

// Its length; 0: there is none.
static size_t
answer(const struct guest_network *n, const char *peer, struct str message, bool is_stream,
       unsigned char out[DNS_ANSWER_BYTES_MAX])
{
    uint32_t addresses[DNS_ADDRESSES_MAX];
    size_t count = 0;
    struct dns_query q;
    if (dns_parse(message, &q) != OK)
        return 0;
    enum dns_rcode rcode = q.rcode;
    if (rcode == DNS_NO_ERROR)
        rcode = resolve(n, peer, str_of(q.name), addresses, &count);
    if (rcode != DNS_NO_ERROR || (q.type != DNS_A && q.type != DNS_ANY))
        count = 0;
    return dns_print(&q, rcode, addresses, count, TTL_S, out,
                     is_stream ? DNS_ANSWER_BYTES_MAX : q.answer_bytes_max);
}

// -- UDP

struct query {
    struct guest_network *network;
    struct datagram *datagram;
    struct socket_address from;
    size_t len;
    char bytes[QUERY_BYTES_MAX];
};

static void
query_main(void *arg)
{
    struct query *q = arg;
    unsigned char out[DNS_ANSWER_BYTES_MAX];
    size_t len = answer(q->network, q->from.text, (struct str){q->bytes, q->len}, false, out);
    if (len > 0 &&
        datagram_send(q->datagram, &q->from, (struct str){(const char *)out, len}) != OK) {
        // Lost, as datagrams may be: the guest asks again.
    }
    atomic_fetch_sub(&q->network->queries, 1);
    free(q);
}

// More at once than there is room for are not answered.
static void
on_datagram(void *arg, struct datagram *d, const struct socket_address *from, struct str bytes)
{
    struct guest_name_socket *s = arg;
    if (bytes.len > QUERY_BYTES_MAX)
        return;
    if (atomic_fetch_add(&s->network->queries, 1) >= GUEST_QUERIES_MAX) {
        atomic_fetch_sub(&s->network->queries, 1);
        return;
    }
    struct query *q = malloc(sizeof(*q));
    CHECK(q != NULL);
    *q = (struct query){.network = s->network, .datagram = d, .from = *from, .len = bytes.len};
    memcpy(q->bytes, bytes.ptr, bytes.len);
    if (fiber_start(loop_current(), "guest-name", query_main, q, NULL) == OK)
        return;
    atomic_fetch_sub(&s->network->queries, 1);
    free(q);
}

// -- TCP

struct stream_of_names {
    struct guest_network *network;
    struct socket *socket;
};

static int
read_exactly(struct socket *s, char *out, size_t len, int64_t deadline_ns)
{
    while (len > 0) {
        ptrdiff_t got = socket_read(s, out, len);
        if (got == E_AGAIN) {
            TRY(socket_wait(s, SOCKET_READABLE, deadline_ns));
            continue;
        }
        if (got < 0)
            return (int)got;
        out += got;
        len -= (size_t)got;
    }
    return OK;
}

static int
serve_one(struct stream_of_names *s)
{
    unsigned char head[LENGTH_BYTES], out[DNS_ANSWER_BYTES_MAX];
    char message[QUERY_BYTES_MAX];
    int64_t deadline_ns = deadline_in_ms(s->network->guests->cloud->runtime, STREAM_MS_MAX);
    TRY(read_exactly(s->socket, (char *)head, sizeof(head), deadline_ns));
    size_t len = (size_t)head[0] << 8 | head[1];
    if (len > sizeof(message))
        return E_LIMIT;
    TRY(read_exactly(s->socket, message, len, deadline_ns));
    len = answer(s->network, socket_peer(s->socket), (struct str){message, len}, true, out);
    if (len == 0)
        return E_INVALID;
    head[0] = (unsigned char)(len >> 8);
    head[1] = (unsigned char)len;
    const struct str parts[] = {{(const char *)head, sizeof(head)}, {(const char *)out, len}};
    return socket_write_all(s->socket, parts, COUNT_OF(parts), deadline_ns);
}

static void
stream_main(void *arg)
{
    struct stream_of_names *s = arg;
    int code = OK;
    while (code == OK)
        code = serve_one(s);
    socket_free(s->socket);
    atomic_fetch_sub(&s->network->streams, 1);
    free(s);
}

static void
on_accept(void *arg, struct socket *accepted)
{
    struct guest_name_socket *n = arg;
    struct stream_of_names *s = malloc(sizeof(*s));
    CHECK(s != NULL);
    *s = (struct stream_of_names){n->network, accepted};
    if (atomic_fetch_add(&n->network->streams, 1) < GUEST_NAME_STREAMS_MAX &&
        fiber_start(loop_current(), "guest-names", stream_main, s, NULL) == OK)
        return;
    atomic_fetch_sub(&n->network->streams, 1);
    socket_free(accepted);
    free(s);
}

// -- sockets

static int
socket_open(struct guest_name_socket *s, struct host *h, char *problem)
{
    struct runtime *rt = s->network->guests->cloud->runtime;
    struct str network = str_of(s->network->name), address = str_of(s->address);
    struct socket_address bound;
    int fd;
    TRY(network_datagram(h, network, address, DNS_PORT, &fd, problem));
    TRY(datagram_adopt(rt, fd, &bound, on_datagram, s, &s->datagram));
    TRY(network_listen(h, network, address, DNS_PORT, &fd, problem));
    return listener_adopt(rt, fd, &bound, on_accept, s, &s->listener);
}

int
guest_names_open(struct guest_network *n, struct host *h, const char *address, char *problem)
{
    for (size_t i = 0; i < n->name_count; i++)
        if (strcmp(n->names[i].address, address) == 0)
            return OK;
    if (n->name_count == GUEST_NAME_SOCKETS_MAX) {
        snprintf(problem, HOST_PROBLEM_BYTES, "a network has at most %d addresses of resolvers",
                 GUEST_NAME_SOCKETS_MAX);
        return E_LIMIT;
    }
    struct guest_name_socket *s = &n->names[n->name_count];
    *s = (struct guest_name_socket){.network = n};
    snprintf(s->address, sizeof(s->address), "%s", address);
    int code = socket_open(s, h, problem);
    if (code == OK) {
        n->name_count++;
        return OK;
    }
    datagram_free(s->datagram);
    return code;
}

void
guest_names_close(struct guest_network *n)
{
    struct runtime *rt = n->guests->cloud->runtime;
    for (size_t i = 0; i < n->name_count; i++)
        listener_free(n->names[i].listener);
    // Queries may still answer on their datagram.
    while (atomic_load(&n->queries) > 0 || atomic_load(&n->streams) > 0)
        if (fiber_sleep_until(deadline_in_ms(rt, CLOSE_LOOK_MS)) != OK)
            fiber_yield();
    for (size_t i = 0; i < n->name_count; i++)
        datagram_free(n->names[i].datagram);
    n->name_count = 0;
}

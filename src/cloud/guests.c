// Sockets of networks that c10m answers on, and who is told what there.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/guests.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/cloud/admin.h"
#include "src/cloud/guests_state.h"
#include "src/host/network.h"

#define NAMES_ADDRESS "169.254.169.253"

enum { METADATA_PORT = 80, ADDRESS_BYTES = 32 };

struct guest
guest_of(const struct guest_network *n, const char *peer)
{
    struct str address = str_of(peer), port;
    (void)str_cut(address, ':', &address, &port);
    return (struct guest){str_of(n->name), address};
}

// -- HTTP

static void
answer_metadata(struct guests *g, const struct guest *guest, const struct http_request *request,
                struct http_response *response)
{
    if (g->metadata != NULL) {
        g->metadata(g->metadata_arg, guest, request, response);
        return;
    }
    char *text = arena_copy_z(
        request->arena,
        arena_print(request->arena, "There is no metadata for " STR_FMT " in network " STR_FMT ".",
                    STR_ARG(guest->address), STR_ARG(guest->network)));
    admin_answer_text(request, response, 404, text);
}

bool
guests_answer(struct cloud *cloud, const struct http_request *request,
              struct http_response *response)
{
    const struct guest_listener *l = request->origin;
    if (l == NULL)
        return false;
    if (l->is_metadata) {
        struct guest guest = guest_of(l->network, request->peer);
        answer_metadata(cloud->guests, &guest, request, response);
        return true;
    }
    if (!admin_is_path(request->path))
        return false;
    admin_answer_text(request, response, 403, "The operator's pages are not for guests.");
    return true;
}

// Until the server is there, and when it ends, a guest's connection is closed: it comes again.
static void
on_accept(void *arg, struct socket *accepted)
{
    struct guest_listener *l = arg;
    struct guests *g = l->network->guests;
    if (atomic_load_explicit(&g->is_serving, memory_order_acquire))
        http_server_take(g->cloud->http, accepted, l);
    else
        socket_free(accepted);
}

// -- the networks

static int
listener_open(struct guest_listener *l, struct host *h, uint16_t port, char *problem)
{
    struct guest_network *n = l->network;
    struct socket_address bound;
    int fd;
    if (l->listener != NULL)
        return OK;
    TRY(network_listen(h, str_of(n->name), STR(GUESTS_ADDRESS), port, &fd, problem));
    int code = listener_adopt(n->guests->cloud->runtime, fd, &bound, on_accept, l, &l->listener);
    if (code != OK)
        snprintf(problem, HOST_PROBLEM_BYTES, "cannot listen on " GUESTS_ADDRESS ":%u", port);
    return code;
}

static struct guest_network *
network_get(struct guests *g, struct str name)
{
    struct guest_network *n;
    pthread_mutex_lock(&g->mutex);
    LIST_FOREACH(n, &g->networks, link)
    if (str_eq(str_of(n->name), name))
        break;
    if (n == NULL) {
        n = calloc(1, sizeof(*n));
        CHECK(n != NULL && name.len <= HOST_NAME_BYTES_MAX);
        n->guests = g;
        snprintf(n->name, sizeof(n->name), STR_FMT, STR_ARG(name));
        n->metadata = (struct guest_listener){.network = n, .is_metadata = true};
        n->api = (struct guest_listener){.network = n};
        LIST_INSERT_HEAD(&g->networks, n, link);
    }
    pthread_mutex_unlock(&g->mutex);
    return n;
}

// "10.0.1.2" of "10.0.1.1/24": AWS's resolver is the third address of a range
// (https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html).
static bool
resolver_of(struct str range, char out[INET_ADDRSTRLEN])
{
    enum { BITS_MAX = 29, THIRD = 2, ALL_BITS = 32 };
    struct str address, bits;
    struct in_addr number;
    char text[INET_ADDRSTRLEN];
    int64_t count;
    if (!str_cut(range, '/', &address, &bits) || address.len >= sizeof(text) ||
        str_to_int64(bits, &count) != OK || count < 1 || count > BITS_MAX)
        return false;
    snprintf(text, sizeof(text), STR_FMT, STR_ARG(address));
    if (inet_pton(AF_INET, text, &number) != 1)
        return false;
    uint32_t base = ntohl(number.s_addr) & (UINT32_MAX << (ALL_BITS - count));
    number.s_addr = htonl(base + THIRD);
    return inet_ntop(AF_INET, &number, out, INET_ADDRSTRLEN) != NULL;
}

static int
names_open(struct guest_network *n, struct host *h, const char *address, char *problem)
{
    char range[ADDRESS_BYTES];
    snprintf(range, sizeof(range), "%s/32", address);
    TRY(network_address_add(h, str_of(n->name), str_of(range), problem));
    return guest_names_open(n, h, address, problem);
}

static int
door_open(void *arg, struct host *h, struct str network, const struct str *addresses, size_t count,
          char *problem)
{
    struct guest_network *n = network_get(arg, network);
    char resolver[INET_ADDRSTRLEN];
    TRY(network_address_add(h, network, STR(GUESTS_ADDRESS "/32"), problem));
    TRY(listener_open(&n->metadata, h, METADATA_PORT, problem));
    TRY(listener_open(&n->api, h, GUESTS_API_PORT, problem));
    TRY(names_open(n, h, NAMES_ADDRESS, problem));
    for (size_t i = 0; i < count; i++)
        if (resolver_of(addresses[i], resolver))
            TRY(names_open(n, h, resolver, problem));
    return OK;
}

static void
listener_close(struct guest_listener *l)
{
    listener_free(l->listener);
    l->listener = NULL;
}

// Connections would keep the network's namespace for as long as they are open.
static void
connections_drop(struct guest_network *n)
{
    struct guests *g = n->guests;
    if (!atomic_load_explicit(&g->is_serving, memory_order_acquire))
        return;
    http_server_drop(g->cloud->http, &n->metadata);
    http_server_drop(g->cloud->http, &n->api);
}

static void
network_close(struct guest_network *n)
{
    listener_close(&n->metadata);
    listener_close(&n->api);
    guest_names_close(n);
    connections_drop(n);
}

static void
door_close(void *arg, struct str network)
{
    network_close(network_get(arg, network));
}

struct guests *
guests_new(struct cloud *cloud)
{
    struct guests *g = calloc(1, sizeof(*g));
    CHECK(g != NULL && pthread_mutex_init(&g->mutex, NULL) == 0);
    g->cloud = cloud;
    g->door = (struct host_door){door_open, door_close, g};
    return g;
}

const struct host_door *
guests_door(const struct guests *g)
{
    return &g->door;
}

void
guests_set_metadata(struct cloud *cloud, guest_metadata_fn *fn, void *arg)
{
    CHECK(cloud->guests->metadata == NULL);
    cloud->guests->metadata = fn;
    cloud->guests->metadata_arg = arg;
}

void
guests_set_names(struct cloud *cloud, guest_names_fn *fn, void *arg)
{
    CHECK(cloud->guests->names == NULL);
    cloud->guests->names = fn;
    cloud->guests->names_arg = arg;
}

void
guests_start(struct guests *g)
{
    atomic_store_explicit(&g->is_serving, true, memory_order_release);
}

static int
close_all(void *arg)
{
    struct guests *g = arg;
    struct guest_network *n;
    LIST_FOREACH(n, &g->networks, link)
    network_close(n);
    return OK;
}

void
guests_stop(struct guests *g)
{
    int code;
    do
        code = runtime_call(g->cloud->runtime, close_all, g);
    while (code == E_LIMIT); // the loop is full of fibers, which end too
    CHECK(code == OK);
    // What was accepted in the same moment has been handed over by now.
    atomic_store_explicit(&g->is_serving, false, memory_order_release);
}

void
guests_free(struct guests *g)
{
    if (g == NULL)
        return;
    while (!LIST_EMPTY(&g->networks)) {
        struct guest_network *n = LIST_FIRST(&g->networks);
        LIST_REMOVE(n, link);
        free(n);
    }
    pthread_mutex_destroy(&g->mutex);
    free(g);
}

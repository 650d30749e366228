// What the files of guests share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "src/cloud/cloud.h"
#include "src/cloud/guests.h"
#include "src/host/host.h"
#include "src/task/datagram.h"

enum { GUEST_NAME_SOCKETS_MAX = 64, GUEST_QUERIES_MAX = 256, GUEST_NAME_STREAMS_MAX = 64 };

// One of a network's two HTTP listeners: the origin of its requests.
struct guest_listener {
    struct guest_network *network;
    bool is_metadata;
    struct listener *listener; // NULL: closed
};

struct guest_name_socket {
    struct guest_network *network;
    char address[INET_ADDRSTRLEN];
    struct datagram *datagram;
    struct listener *listener;
};

// Stays until the cloud ends, since requests may name it; opened again with its network.
struct guest_network {
    LIST_ENTRY(guest_network) link;
    struct guests *guests;
    char name[HOST_NAME_BYTES_MAX + 1];
    struct guest_listener metadata, api;
    struct guest_name_socket names[GUEST_NAME_SOCKETS_MAX];
    size_t name_count;
    atomic_int queries, streams; // under way
};

struct guests {
    struct cloud *cloud;
    struct host_door door;
    pthread_mutex_t mutex; // of the list, and held by nobody who waits
    LIST_HEAD(, guest_network) networks;
    atomic_bool is_serving;
    guest_metadata_fn *metadata;
    void *metadata_arg;
    guest_names_fn *names;
    void *names_arg;
};

// Answers names on this address of the network from now on. E_LIMIT, what network_listen returns.
MUST_USE int guest_names_open(struct guest_network *n, struct host *h, const char *address,
                              char *problem);
// In a fiber: waits for what is under way.
void guest_names_close(struct guest_network *n);
// "10.0.1.4" of "10.0.1.4:41234".
struct guest guest_of(const struct guest_network *n, const char *peer);

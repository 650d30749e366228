// Addresses of the host's own that lead to guests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/holder/holder.h"

// An address such as 127.0.50.1. Where the guest of its port listens, so do we; that is looked for
// every LOOK_MS, since nobody tells of it.
enum {
    ELASTICS_MAX = 256,
    DOORS_MAX = 512, // of one address
    TALKS_MAX = 256, // of one UDP door
    LOOK_MS = 100,
};

// One port of it, of TCP or UDP.
struct door {
    struct watcher watcher; // first
    struct elastic *elastic;
    int type; // SOCK_STREAM, SOCK_DGRAM
    uint16_t port;
    bool is_seen; // the guest has it
    LIST_HEAD(, talk) talks;
    size_t talk_count;
    LIST_ENTRY(door) link;
};

struct elastic {
    struct watcher timer; // first
    struct holder *holder;
    struct in_addr loopback, address, source;
    char port_name[NAME_BYTES];
    int diag_fd; // asks in the port's namespace
    LIST_HEAD(, door) doors;
    LIST_HEAD(, connection) connections;
    size_t door_count;
    size_t refused; // doors that the host did not let us open, at the last look
    LIST_ENTRY(elastic) link;
};

// elastic.c. On failure *what and errno. The same once more is fine.
bool elastic_add(struct holder *h, struct in_addr loopback, const char *port_name,
                 struct in_addr address, struct in_addr source, const char **what);
void elastic_del(struct holder *h, struct in_addr loopback);
size_t elastics_refused(const struct holder *h);
void elastics_free(struct holder *h); // those that ended

// guest_sockets.c
struct guest_socket {
    int type;
    uint16_t port;
};
int guest_sockets_open(const struct holder *h, int net_fd); // a socket to ask with; -1
// Those that hear what is sent to the address: how many, at most size; -1.
int guest_sockets_find(int diag_fd, struct in_addr address, struct guest_socket *out, size_t size);

// splice.c: a connection that came to a TCP door.
void connection_accept(struct door *d);
void connections_end(struct elastic *e);

// talk.c: datagrams that came to a UDP door, and their answers.
void talk_hear(struct door *d);
void talks_end(struct door *d);

// outside.c: a socket of the host's own network, which this process has left.
bool outside_start(struct holder *h);
int outside_socket(const struct holder *h, int type); // -1

// The program that keeps a network: its namespaces, its rules, what listens and is spliced.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "src/host/flow_record.h"

// One for each network, in one thread (beside that of outside.c). Like a sandbox's shim it is
// nobody's child and outlives c10m, which asks it for things by its control socket
// (src/host/network.h):
//
//   gateway ADDRESS/BITS       an address of the network's own; its hosts' default route
//   ungateway ADDRESS/BITS
//   port NAME ADDRESS/BITS GATEWAY MAC    ok FD: a network namespace with an interface eth0
//   unport NAME
//   rules BYTES                then so many bytes of commands for nft, all of them or none
//   listen ADDRESS PORT        ok FD: a socket that listens in the network
//   datagram ADDRESS PORT      ok FD: a UDP socket of the network
//   link NAME                  with the namespace of a network: a link from here to its "uplink"
//   unlink NAME
//   uplink                     what is not the network's own goes over that link
//   route ADDRESS LINK         is at the link's other end
//   unroute ADDRESS LINK
//   splice LOOPBACK NAME ADDRESS SOURCE    an address of the host's leads to that port's guest,
//                              which hears it from SOURCE (elastic.h)
//   unsplice LOOPBACK
//   queue N MICROSECONDS PPM   packets that rules send to queue-N (src/host/faults.h) wait so long,
//                              and so many of a million are lost
//   unqueue N
//   queues BITS                ends those whose numbers, below 64, are not among them
//   flows start|stop           counts packets, or no longer
//   flows take                 ok COUNT; one byte from c10m later so many struct flow_record,
//   counted
//                              since the last
//   status                     ok and what there is
//   end                        closes everything; ports that guests have entered go with them
//
// Requests are lines; the answer is a line, "ok ..." or "error WHY". FD is a number in this
// process, which c10m opens through /proc or takes by pidfd_getfd.
//
// The network is routed, not bridged: each port is a link of its own to the network's namespace,
// which answers for all addresses on it. So traffic between neighbours is filtered like any other,
// needs no bridge filter of the kernel's, and nobody can claim another's address.
enum {
    NAME_BYTES = 16, // an interface's name, with its zero
    PORTS_MAX = 4096,
    RULES_BYTES_MAX = 4 << 20,
    LINE_BYTES = 256,
    DIR_FD = 3, // where the control socket goes
    REPORT_FD = 4,
    USER_FD = 5, // the user namespace that the user's networks share; closed: there is none yet
};

struct port {
    char name[NAME_BYTES];
    int net_fd;
    LIST_ENTRY(port) link;
};

// A socket that c10m has too.
struct kept {
    int type, fd;
    struct in_addr address;
    uint16_t port;
    LIST_ENTRY(kept) link;
};

struct watcher; // of the event loop
typedef void watcher_fn(struct watcher *w, uint32_t events);
struct watcher {
    int fd;
    watcher_fn *fn;
};

struct holder {
    int epoll_fd;
    int netlink_fd; // in the network's namespace
    int net_fd;     // that namespace
    int user_fd;    // the user namespace that owns it; -1: the host's. At first: the one given
    void *nft;
    LIST_HEAD(, port) ports;
    size_t port_count;
    LIST_HEAD(, kept) kept;
    size_t kept_count;
    LIST_HEAD(, elastic) elastics, ended_elastics;
    size_t elastic_count;
    LIST_HEAD(, door) ended_doors;
    LIST_HEAD(, talk) ended_talks;
    int outside_fd; // asks for sockets of the host's network (outside.c)
    LIST_HEAD(, queue) queues, ended_queues;
    char flows;                    // the generation of sets that counts; 0: none
    LIST_HEAD(, connection) ended; // their memory goes when no event can name them
    struct watcher listener;
};

// main.c
bool watch(struct holder *h, struct watcher *w, uint32_t events);

// ports.c. On failure *what and errno.
bool namespaces_make(struct holder *h, bool is_root, const char **what);
bool gateway_add(struct holder *h, struct in_addr address, unsigned bits, const char **what);
bool gateway_del(struct holder *h, struct in_addr address, unsigned bits, const char **what);
struct port *port_find(struct holder *h, const char *name);
struct port *port_add(struct holder *h, const char *name, struct in_addr address, unsigned bits,
                      struct in_addr gateway, const uint8_t mac[6], const char **what);
void port_del(struct holder *h, struct port *p);

// netlink.c. All on the given socket, so in the namespace that it was made in.
int netlink_open(void);
bool netlink_link_up(int fd, unsigned index);
bool netlink_link_up_bare(int fd, unsigned index); // without asking for hardware addresses
// A pair: `name` here, and `peer_name` with that hardware address in the namespace.
bool netlink_veth_add(int fd, const char *name, const char *peer_name, const uint8_t mac[6],
                      bool is_mac_shared, int peer_net_fd);
bool netlink_link_del(int fd, const char *name);
bool netlink_address_add(int fd, unsigned index, struct in_addr address, unsigned bits);
// To the address by that interface; bits 0: the default route, over the gateway.
bool netlink_route_add(int fd, unsigned index, struct in_addr to, unsigned bits,
                       const struct in_addr *gateway);
// In the place of one that leads there another way.
bool netlink_route_set(int fd, unsigned index, struct in_addr to, unsigned bits);
bool netlink_route_del(int fd, unsigned index, struct in_addr to, unsigned bits);
bool netlink_address_del(int fd, unsigned index, struct in_addr address, unsigned bits);

// links.c. What is there already is fine. On failure *what and errno.
bool link_add(struct holder *h, const char *name, int peer_net_fd, const char **what);
bool link_del(struct holder *h, const char *name, const char **what);
bool uplink_up(struct holder *h, const char **what);
bool route_add(struct holder *h, const char *link, struct in_addr address, const char **what);
bool route_del(struct holder *h, const char *link, struct in_addr address, const char **what);

// splice.c and talk.c: their memory goes when no event can name them.
void connections_free(struct holder *h);
void talks_free(struct holder *h);

// queue.c and queue_rule.c. On failure *what and errno.
bool queue_set(struct holder *h, uint16_t number, uint32_t delay_us, uint32_t loss_ppm,
               const char **what);
void queue_end(struct holder *h, uint16_t number);
void queues_keep(struct holder *h, uint64_t bits);
void queues_free(struct holder *h);
bool queue_rule_add(struct holder *h, uint16_t number, const char **what);
void queue_rule_del(struct holder *h, uint16_t number);

// flows.c. On failure the rules' library says why.
struct flow_list {
    struct flow_record *items; // to be freed
    size_t count, size;
};
bool flows_start(struct holder *h);
bool flows_stop(struct holder *h);
bool flows_take(struct holder *h, struct flow_list *out);

// control.c
bool control_open(struct holder *h, const char **what);

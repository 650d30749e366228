// Networks: addresses, ports and rules in namespaces that outlive c10m.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host.h"

// A network is a folder below the host's and a process, its holder (src/host/holder), which keeps
// its namespaces alive and does what is asked here. Networks do not know of each other: the same
// address may be in many. The host's own network is never changed. All calls come from fibers and
// park; on failure `problem` (of HOST_PROBLEM_BYTES) gets a sentence. E_NOT_FOUND: its holder does
// not run; E_INVALID: refused; E_IO, E_TIMEOUT.
//
// One network is not a user's: NETWORK_INTERNET, started with the first uplink (for an ordinary
// user with the first network), links the others and knows public addresses only.
enum { HOST_PROBLEM_BYTES = 512, NETWORK_PORT_NAME_MAX = 15 };
#define NETWORK_INTERNET STR("internet")

// Starts the holder, or finds it running.
MUST_USE int network_start(struct host *h, struct str name, char *problem);
// Ends the holder and with it rules, splices and what nobody has entered.
MUST_USE int network_stop(struct host *h, struct str name, char *problem);

struct network_status {
    bool is_running;
    int pid;
    int user_fd, net_fd; // numbers in that process; user_fd -1: the host's user namespace
    size_t ports, splices;
    size_t refused; // ports of spliced addresses that the host did not let us open
};
MUST_USE int network_status_get(struct host *h, struct str name, struct network_status *out);

// An address of the network itself, such as a subnet's router "10.0.1.1/24".
MUST_USE int network_address_add(struct host *h, struct str name, struct str address,
                                 char *problem);
// OK also when it has none such.
MUST_USE int network_address_del(struct host *h, struct str name, struct str address,
                                 char *problem);

// Links the network with the internet; what it then may do there, translation.h says. OK when it is
// linked already.
MUST_USE int network_uplink(struct host *h, struct str name, char *problem);
MUST_USE int network_uplink_del(struct host *h, struct str name, char *problem);
// A public address, "203.0.113.7", that other networks find this one by. Only one network has it.
MUST_USE int network_public_add(struct host *h, struct str name, struct str address, char *problem);
MUST_USE int network_public_del(struct host *h, struct str name, struct str address, char *problem);

struct network_port {
    struct str name;    // letters, digits, '-', at most NETWORK_PORT_NAME_MAX
    struct str address; // "10.0.1.4/24"
    struct str gateway; // "10.0.1.1"
    struct str mac;     // "0a:00:00:00:00:04"
};
// Namespaces for sandbox_start, which the caller closes; a port that is there is given again.
struct network_fds {
    int user_fd; // 0: the host's user namespace
    int net_fd;
};
MUST_USE int network_port_add(struct host *h, struct str name, const struct network_port *port,
                              struct network_fds *out, char *problem);
// Those of a port that is there. E_NOT_FOUND: it is not, or the holder does not run.
MUST_USE int network_port_open(struct host *h, struct str name, struct str port,
                               struct network_fds *out, char *problem);
void network_fds_close(struct network_fds *fds);
MUST_USE int network_port_del(struct host *h, struct str name, struct str port, char *problem);

// Commands for nft, all or none of them, at once (firewall.h writes them).
MUST_USE int network_rules(struct host *h, struct str name, struct str commands, char *problem);
// A listening TCP socket in the network, also on an address that only its ports can see. The caller
// closes it; the holder keeps it too, so that connections wait while c10m is away, and gives it
// again.
MUST_USE int network_listen(struct host *h, struct str name, struct str address, uint16_t port,
                            int *out, char *problem);
// The same of a UDP socket.
MUST_USE int network_datagram(struct host *h, struct str name, struct str address, uint16_t port,
                              int *out, char *problem);
// An address of the host's own, "127.0.50.1", leads to the port's guest: where the guest listens
// with TCP or has a UDP socket, so does the holder on that address, at most NETWORK_SPLICE_LOOK_MS
// later, and passes on what comes, from NETWORK_SPLICE_SOURCE as the port's groups see it. What the
// host refuses (an ordinary user has no ports below 1024) is counted in network_status. OK when it
// is so already.
enum { NETWORK_SPLICE_LOOK_MS = 100 };
#define NETWORK_SPLICE_SOURCE "192.0.2.1"
MUST_USE int network_splice_add(struct host *h, struct str name, struct str loopback,
                                struct str port, struct str port_address, char *problem);
MUST_USE int network_splice_del(struct host *h, struct str name, struct str loopback,
                                char *problem);

// Makes the queue `number`, or changes it: packets that faults.h sends there are held for delay_us,
// and loss_ppm of a million are lost. E_INVALID, with the names of what the kernel lacks, where it
// has no such queues. An ended queue lets go what it holds; nothing may name it any more.
MUST_USE int network_queue_set(struct host *h, struct str name, uint16_t number, uint32_t delay_us,
                               uint32_t loss_ppm, char *problem);
MUST_USE int network_queue_end(struct host *h, struct str name, uint16_t number, char *problem);
// Ends all whose numbers, below 64, are not among these bits.
MUST_USE int network_queues_keep(struct host *h, struct str name, uint64_t bits, char *problem);

// Counts packets from now on, or no longer.
MUST_USE int network_flows_start(struct host *h, struct str name, char *problem);
MUST_USE int network_flows_stop(struct host *h, struct str name, char *problem);
// What was counted since the last call, in the arena; each call starts a new time. At most
// FLOWS_MAX conversations of each kind are counted in a time: as many as that say that some were
// skipped. E_INVALID: nothing is counted.
struct flow_record;
MUST_USE int network_flows_take(struct host *h, struct str name, struct arena *arena,
                                struct flow_record **out, size_t *count, char *problem);

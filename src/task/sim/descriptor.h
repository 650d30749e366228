// Descriptors of the simulated machine: what is open, and what epoll is told about it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/sim/state.h"

enum sim_file_kind { SIM_FILE_POLLER, SIM_FILE_EVENT, SIM_FILE_LOG, SIM_FILE_SOCKET };

// The first member of what it stands for.
struct sim_file {
    enum sim_file_kind kind;
    int fd; // -1: it has none (yet)
    struct sim_process *process;
    const char *name; // of a log
    // Its registration.
    struct sim_file *poller;
    unsigned events;
    void *data;
    unsigned pending; // edges that were not told yet
};

// Descriptors from here on are simulated, smaller ones are the system's.
enum { SIM_FD_FIRST = 100000, SIM_FD_COUNT = 4096 };

// Gives the file the lowest free descriptor of the calling process.
int sim_file_open(struct sim_file *f);
// NULL: none of the simulated ones.
struct sim_file *sim_file_of(int fd);
// Something happened to it: events of epoll.
void sim_file_edge(struct sim_file *f, unsigned events);

// -- network.c
// What a level-triggered registration sees now.
unsigned sim_socket_level(const struct sim_file *f);
// The first look of an edge-triggered one.
unsigned sim_socket_edges(const struct sim_file *f);
// is_killed: its process died with it open.
void sim_socket_close(struct sim_file *f, bool is_killed);
void sim_network_fini(void);

// This machine, as far as c10m runs things on it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/log.h"
#include "src/host/cgroup.h"
#include "src/task/fiber.h"

// Everything that runs has a folder below `dir`, and outlives c10m: after a restart it is found
// there again. Where c10m is root, guests get user ids of their own from HOST_IDS_FIRST on; where
// it is an ordinary user, they all are that user.
enum {
    HOST_IDS_FIRST = 1 << 20,
    HOST_IDS_PER_GUEST = 1 << 16,
    HOST_GUESTS_MAX = 16384, // rows of ids
    HOST_NAME_MAX = 64,      // of a sandbox or network: letters, digits, '-'
};

struct host_options {
    struct runtime *runtime;
    const struct log *log;
    const char *dir; // made when missing
};

struct host {
    struct runtime *runtime;
    const struct log *log;
    char *dir;
    bool is_root;
    int shim_fd;    // the program that stands beside a sandbox
    int holder_fd;  // the program that keeps a network
    int seccomp_fd; // the filter of system calls; -1: the system has none
    struct cgroups cgroups;
    char tag[17]; // of this data directory, in names that the whole machine shares
};

// Asks the system what it can do; what it cannot is logged by name, with the remedy. E_IO,
// E_INVALID (not Linux, no user namespaces) with a sentence in `problem`.
MUST_USE int host_new(const struct host_options *options, struct host **out, char *problem,
                      size_t problem_size);
// What runs goes on. NULL is accepted.
void host_free(struct host *h);
// Letters, digits and '-', at most HOST_NAME_MAX.
bool host_name_is_valid(struct str name);

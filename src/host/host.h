// This machine, as far as c10m runs things on it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/log.h"
#include "src/host/cgroup.h"
#include "src/host/ids.h"
#include "src/task/fiber.h"

// Everything that runs has a folder below `dir`, and outlives c10m: after a restart it is found
// there again.
enum { HOST_NAME_BYTES_MAX = 64 }; // of a sandbox or network: letters, digits, '-'

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
    struct ids ids; // which rows are in use
    char tag[17];   // of this data directory, in names that the whole machine shares
};

// Asks the system what it can do; what it cannot is logged by name, with the remedy. E_IO,
// E_INVALID (not Linux, no user namespaces) with a sentence in `problem`.
MUST_USE int host_new(const struct host_options *options, struct host **out, char *problem,
                      size_t problem_size);
// What runs goes on. NULL is accepted.
void host_free(struct host *h);
// Letters, digits and '-', at most HOST_NAME_BYTES_MAX.
bool host_name_is_valid(struct str name);

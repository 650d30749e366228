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

struct host;
// What c10m itself does for networks: it answers on sockets of theirs. Called by the networks'
// driver, in a fiber, and may wait; on failure `problem` (512 bytes) gets a sentence. `addresses`
// are the network's own. Open is called again when they change, and after c10m has started anew.
struct host_door {
    int (*open)(void *arg, struct host *h, struct str network, const struct str *addresses,
                size_t count, char *problem);
    void (*close)(void *arg, struct str network); // OK also when it is not open
    void *arg;
};

struct host_options {
    struct runtime *runtime;
    const struct log *log;
    const char *dir;              // made when missing
    const struct host_door *door; // lives longer; NULL: none
};

struct host {
    struct runtime *runtime;
    const struct log *log;
    const struct host_door *door;
    char *dir;
    bool is_root;
    int shim_fd;    // the program that stands beside a sandbox
    int holder_fd;  // the program that keeps a network
    int seccomp_fd; // the filter of system calls; -1: the system has none
    struct cgroups cgroups;
    bool can_limit_disks; // disk.h
    struct ids ids;       // which rows are in use
    char tag[17];         // of this data directory, in names that the whole machine shares
};

// Asks the system what it can do; what it cannot is logged by name, with the remedy. E_IO,
// E_INVALID (not Linux, no user namespaces) with a sentence in `problem`.
MUST_USE int host_new(const struct host_options *options, struct host **out, char *problem,
                      size_t problem_size);
// The setting of this system that keeps c10m from user namespaces, with its remedy; NULL: none
// does.
struct host_restriction {
    const char *path; // below /proc
    const char *remedy;
};
const struct host_restriction *host_restriction_find(bool is_root);
// Which limits of a guest are not enforced here, "cpu, io, disk"; "" when all are.
struct str host_limits_unenforced(const struct host *h, struct arena *arena);
// What runs goes on. NULL is accepted.
void host_free(struct host *h);
// Letters, digits and '-', at most HOST_NAME_BYTES_MAX.
bool host_name_is_valid(struct str name);

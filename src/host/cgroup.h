// Control groups: which of them this machine lets us use, and what they enforce.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

enum cgroup_kind { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };

enum cgroup_controller {
    CGROUP_MEMORY,
    CGROUP_CPU,
    CGROUP_PIDS,
    CGROUP_IO,
    CGROUP_FREEZER,
    CGROUP_CONTROLLERS,
};

// Version 2 has one hierarchy and version 1 one for each controller; the paths are those of the
// groups below which ours are made. NULL: that controller cannot be used.
struct cgroups {
    enum cgroup_kind kind;
    char *roots[CGROUP_CONTROLLERS];
};

// 0: no limit.
struct limits {
    uint64_t memory_bytes;
    uint64_t cpu_millis; // thousandths of a processor
    uint64_t pids;
    uint64_t io_bytes_per_second; // read and written each, of the disk that `io_device` names
    uint64_t io_device;           // as in struct stat
    uint64_t files_open;          // of each process
};

// Finds out by making a group and removing it again. Blocks.
void cgroups_find(struct cgroups *out, const char *tag);
void cgroups_fini(struct cgroups *g);
// Adds the lines of a shim's specification that enforce the limits on a sandbox of that name; what
// no control group enforces becomes a limit of each process where there is one.
void cgroups_print(const struct cgroups *g, const char *tag, struct str name,
                   const struct limits *limits, struct buf *out);
// What of these limits will not be enforced, "cpu, io"; "" when all are.
struct str cgroups_unenforced(const struct cgroups *g, const struct limits *limits,
                              struct arena *arena);
// E_NOT_FOUND: there is no freezer, or no such group. E_IO.
MUST_USE int cgroup_freeze(const struct cgroups *g, const char *tag, struct str name,
                           bool is_frozen);
// Ends what is left in the groups of a sandbox whose shim is gone, and removes them. E_AGAIN: the
// kernel has not let go of them yet. Blocks shortly.
MUST_USE int cgroup_sweep(const struct cgroups *g, const char *tag, struct str name);

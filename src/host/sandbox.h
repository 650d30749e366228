// Sandboxes: programs in namespaces of their own, with limits, that outlive c10m.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host.h"

// A sandbox is a folder below the host's. A small program, the shim (src/host/shim), stands beside
// the guest as long as it runs and keeps its console, its exit status and a control socket there;
// it is nobody's child, so c10m may die and find everything again. All calls come from fibers and
// may park.
struct sandbox_mount {
    enum {
        SANDBOX_READ_ONLY,
        SANDBOX_WRITABLE,
        SANDBOX_OVERLAY,
        SANDBOX_TMPFS,
        SANDBOX_SHELF, // unseen: sandbox_go mounts folders of it. Its place is /run
    } kind;
    struct str at;      // in the guest
    struct str outside; // absolute path; of an overlay its lower folder; of a tmpfs unused
    struct str state;   // of an overlay: made by sandbox_state_make, or a name on the disk
    uint64_t bytes_max; // of a tmpfs
};

enum sandbox_rights {
    SANDBOX_GUEST,    // a machine's root: everything inside of its namespaces but mounts of devices
    SANDBOX_FUNCTION, // an ordinary user that can gain no rights
};

enum { SANDBOX_MOUNTS_MAX = 24, SANDBOX_PATH_MAX = 3072 };

struct sandbox_spec {
    struct str name; // host_name_is_valid
    struct str hostname;
    const struct sandbox_mount *mounts; // the first is the root
    size_t mount_count;
    struct str disk;        // a file of disk_make; states are then folders of it. Absent: none
    const struct str *args; // args[0] is a path in the guest
    size_t arg_count;
    const struct str *env; // NAME=value
    size_t env_count;
    struct str cwd;    // absent: "/"
    uint32_t uid, gid; // inside
    uint32_t ids_row;  // which ids of the host it gets, 0..HOST_GUESTS_MAX; unused without root
    enum sandbox_rights rights;
    bool is_held;       // everything is made, and the command waits for sandbox_go
    bool is_init_given; // the command is a process 1 of its own and reaps; else the shim's is
    struct limits limits;
    size_t console_bytes; // kept of its output, at least; 0: 64 KiB
    int user_fd, net_fd;  // its network's namespaces (network.h); 0: nothing but loopback
};

// Makes DIR with what an overlay needs, owned by the guest's root. E_IO, E_FULL.
MUST_USE int sandbox_state_make(const struct host *h, const char *dir, uint32_t ids_row);

// Returns when the command runs. E_EXISTS: a sandbox of that name runs; E_INVALID: the
// specification cannot be fulfilled; E_IO; E_TIMEOUT. `problem` gets a sentence.
MUST_USE int sandbox_start(struct host *h, const struct sandbox_spec *spec, char *problem,
                           size_t problem_size);

enum sandbox_state {
    SANDBOX_ABSENT, // never started, or removed
    SANDBOX_RUNNING,
    SANDBOX_EXITED, // code and signal say how
    SANDBOX_LOST,   // ended with its shim: killed from outside, or the machine has started anew
};
struct sandbox_status {
    enum sandbox_state state;
    int pid; // on the host, of the guest's process 1; RUNNING only
    int code, signal;
};
MUST_USE int sandbox_status_get(struct host *h, struct str name, struct sandbox_status *out);
// Until it no longer runs: OK. E_TIMEOUT, E_CANCELLED.
MUST_USE int sandbox_wait(struct host *h, struct str name, int64_t deadline_ns,
                          struct sandbox_status *out);
// To its process 1. E_NOT_FOUND: it does not run.
MUST_USE int sandbox_signal(struct host *h, struct str name, int signal_number);
// SIGTERM, and SIGKILL when it still runs after grace_ms. OK also when it does not run.
MUST_USE int sandbox_stop(struct host *h, struct str name, int64_t grace_ms);
// Lets the command of a held sandbox run, once: with a folder of its shelf, read-only, and more
// environment. E_NOT_FOUND: it does not run; E_INVALID with a sentence; E_IO, E_FULL. What failed
// has ended.
struct sandbox_order {
    struct str folder; // a name on the shelf; absent: nothing is mounted
    struct str at;     // in the guest, there
    const struct str *env;
    size_t env_count;
};
MUST_USE int sandbox_go(struct host *h, struct str name, const struct sandbox_order *order,
                        char *problem, size_t problem_size);
// E_NOT_FOUND: it does not run, or the system has no freezer.
MUST_USE int sandbox_freeze(struct host *h, struct str name, bool is_frozen);
// The last of its output, at most limit bytes, in the arena. E_NOT_FOUND, E_IO.
MUST_USE int sandbox_console(struct host *h, struct str name, size_t limit, struct arena *arena,
                             struct str *out);
// Removes its folder and control groups. E_EXISTS: it runs.
MUST_USE int sandbox_remove(struct host *h, struct str name);

// What should run on this machine: records that say so, and drivers that make it true.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host.h"
#include "src/store/kv.h"
#include "src/task/background.h"

// A unit is a sandbox, a network, an engine: something that a service wants to run. The service
// writes what it wants in the transaction that decided it (unit_want); the reconciler
// (reconciler.h) closes the difference, and writes what it finds into the same record. A crash at
// any point is only a difference to close.
enum unit_desired {
    UNIT_RUN,
    UNIT_STOP, // and keep its disk
    UNIT_GONE, // with all that it has; then the record goes too
};

enum unit_state {
    UNIT_PENDING, // nothing was done yet
    UNIT_UP,
    UNIT_DOWN,
    UNIT_ENDED,  // by itself; `problem` says how. Runs again when it should (restarts)
    UNIT_FAILED, // could not be started or stopped; is tried again at retry_ms
};

enum { UNIT_RETRY_MS_MIN = 100, UNIT_RETRY_MS_MAX = 30 * 1000, UNIT_SPEC_BYTES_MAX = 256 * 1024 };

struct unit {
    struct str kind; // of its driver
    struct str name; // host_name_is_valid
    enum unit_desired desired;
    bool restarts;   // also when it has ended by itself
    struct str spec; // what the driver needs to know, in its own encoding
    enum unit_state state;
    struct str problem;   // a sentence, when there is one
    struct str boot;      // the machine's start during which it last came up
    int64_t failures;     // in a row
    int64_t retry_ms;     // wall clock; UNIT_FAILED
    int64_t changed_ms;   // wall clock, of the state
    int64_t want_version; // rises with every unit_want
};

// How a unit was found.
enum unit_seen {
    UNIT_SEEN_NOTHING, // never started, or removed
    UNIT_SEEN_UP,
    UNIT_SEEN_ENDED, // by itself
    UNIT_SEEN_LOST,  // killed from outside, or the machine has started anew
};

enum { UNIT_PROBLEM_BYTES = 512 };

// All run in a fiber, may wait, and may be called again after a crash at any point of their work.
// What is up already is adopted: start is not called. On failure `problem` gets a sentence.
struct unit_driver {
    const char *kind;
    int (*probe)(void *arg, const struct unit *u, enum unit_seen *out, char *problem);
    int (*start)(void *arg, const struct unit *u, char *problem);
    int (*stop)(void *arg, const struct unit *u, char *problem);
    int (*remove)(void *arg, const struct unit *u, char *problem);
    void *arg;
};

// In a service's transaction. UNIT_GONE for one that is not there does nothing. The spec of one
// that runs takes effect at its next start. E_LIMIT: the spec is too long.
struct unit_wish {
    struct str kind, name, spec;
    enum unit_desired desired;
    bool restarts;
};
MUST_USE int unit_want(struct kv_txn *txn, const struct unit_wish *wish);
// In the transaction's arena. E_NOT_FOUND.
MUST_USE int unit_get(struct kv_txn *txn, struct str kind, struct str name, struct unit *out);
// Writes state, problem and what belongs to them, unless the unit was removed or wanted otherwise
// since it was read: then E_CONFLICT.
MUST_USE int unit_found(struct kv_txn *txn, const struct unit *u);
MUST_USE int unit_forget(struct kv_txn *txn, const struct unit *u);
// Calls fn with each, at most limit of them, from the one after `after` (absent: the first).
// E_NOT_FOUND: there are no more.
struct unit_id {
    struct str kind, name;
};
MUST_USE int unit_list(struct kv_txn *txn, const struct unit_id *after, struct unit_id *out,
                       size_t limit, size_t *count);
struct str unit_key(struct arena *arena, struct str kind, struct str name);
const char *unit_state_name(enum unit_state state);

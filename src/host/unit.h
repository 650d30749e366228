// What should run on this machine: records that say so, and drivers that make it true.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host.h"
#include "src/host/zones.h"
#include "src/store/record.h"
#include "src/store/seal.h"
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
    UNIT_PENDING, // it was never up; `problem` says what it waits for
    UNIT_UP,
    UNIT_DOWN,
    UNIT_ENDED,    // by itself; `problem` says how. Runs again when it should (restarts)
    UNIT_FAILED,   // could not be started or stopped; is tried again at retry_ms
    UNIT_STOPPING, // is being stopped, by us
};

enum {
    UNIT_RETRY_MS_MIN = 100,
    UNIT_RETRY_MS_MAX = 30 * 1000,
    UNIT_SPEC_BYTES_MAX = SEAL_SECRET_BYTES_MAX,
    UNIT_KIND_MAX = 31,
    UNIT_NEEDS_MAX = 8,
};

struct unit_id {
    struct str kind, name;
};

struct unit {
    struct str kind; // of its driver
    struct str name; // host_name_is_valid
    enum unit_desired desired;
    bool restarts;     // also when it has ended by itself
    struct str zone;   // where it runs (zones.h); absent: nowhere that can fail
    struct str sealed; // the spec as it is stored
    struct str spec;   // what the driver needs to know: a record of its type (driver.h); unit_open
    struct unit_id needs[UNIT_NEEDS_MAX];
    size_t need_count;
    int64_t want_version; // rises with every unit_want
    enum unit_state state;
    struct str problem;      // a sentence, when there is one
    struct str boot;         // the machine's start during which it last came up
    int64_t failures;        // in a row
    int64_t retry_ms;        // wall clock; UNIT_FAILED
    int64_t changed_ms;      // wall clock, of the state
    int64_t applied_version; // the want_version whose spec is in force
    int64_t applied_zones;   // of a network: the number of the zones' faults that are in force
    int32_t ids_row;         // of its own as long as it is there (ids.h); -1: none yet
    // Not of the record, and for drivers only: what fails, and that its own zone is dead.
    const struct zones *zones;
    bool is_zone_dead;
};

// In a service's transaction. UNIT_GONE for one that is not there does nothing. An absent spec
// or zone stays as it is. E_LIMIT: the spec is too long, or there are too many needs.
struct unit_wish {
    struct str kind, name;
    struct str zone; // zone_name_is_valid; a network's subnets have zones instead
    struct str spec; // sealed: unit_spec
    enum unit_desired desired;
    bool restarts;
    // Units that must be up before it starts, and that are stopped only after it: a guest's
    // network, a replica's primary.
    const struct unit_id *needs;
    size_t need_count;
};
MUST_USE int unit_want(struct kv_txn *txn, const struct unit_wish *wish);
// A driver's record as the spec of that unit, in the arena: sealed, since it may hold passwords or
// what else its owner keeps secret. E_LIMIT: it is longer than UNIT_SPEC_BYTES_MAX.
MUST_USE int unit_spec(const struct seal *seal, const struct unit_id *id,
                       const struct record_type *type, const void *record, struct arena *arena,
                       struct str *out);
MUST_USE int unit_seal(const struct seal *seal, const struct unit_id *id, struct str spec,
                       struct arena *arena, struct str *out); // of its bytes
// Fills in the spec of a unit as read. What an older c10m stored unsealed is sealed, and so
// written next time. E_INVALID: it is another unit's, another root key's, or damaged.
MUST_USE int unit_open(const struct seal *seal, struct unit *u, struct arena *arena);
// In the transaction's arena; its spec is only there after unit_open. E_NOT_FOUND.
MUST_USE int unit_get(struct kv_txn *txn, struct str kind, struct str name, struct unit *out);
// Writes state, problem and what belongs to them, unless the unit was removed or wanted otherwise
// since it was read: then E_CONFLICT.
MUST_USE int unit_found(struct kv_txn *txn, const struct unit *u);
MUST_USE int unit_forget(struct kv_txn *txn, const struct unit *u);
// Calls fn with each, at most limit of them, from the one after `after` (absent: the first).
// E_NOT_FOUND: there are no more.
MUST_USE int unit_list(struct kv_txn *txn, const struct unit_id *after, struct unit_id *out,
                       size_t limit, size_t *count);
struct str unit_key(struct arena *arena, struct str kind, struct str name);
struct str unit_root(struct arena *arena); // all their keys are below it
const char *unit_state_name(enum unit_state state);

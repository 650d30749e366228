// Leases: which of several processes on one store may do a thing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"

// A lease is a record with the name of its holder and a beat that the holder raises. Processes need
// no common clock: who wants the lease watches the record, and takes it when it has not changed for
// LEASE_MS by the watcher's own monotonic clock; the holder counts it as lost LEASE_MARGIN_MS
// earlier by its own. So two hold it at once only if one's clock runs that much faster; where even
// that must not hurt, transactions call lease_check, which makes a lost lease a conflict.
enum { LEASE_MS = 10000, LEASE_MARGIN_MS = 2000, LEASE_RENEW_MS = 3000, LEASE_HOLDER_BYTES = 16 };

// One process's, or in tests one fiber's, part in a lease.
struct lease {
    struct kv *kv;
    struct runtime *runtime;
    const char *name; // static storage
    int64_t lease_ms; // LEASE_MS; tests shorten it
    char holder[LEASE_HOLDER_BYTES];
    bool is_held;
    int64_t term; // greater with every change of the holder; while it is held
    int64_t renewed_ns;
    struct { // somebody else's, as it was when it last changed
        char holder[LEASE_HOLDER_BYTES];
        int64_t term, beat;
        int64_t since_ns; // 0: not seen yet
    } seen;
};

void lease_init(struct lease *l, struct runtime *rt, struct kv *kv, const char *name);
// Takes or renews it. OK: it is held. E_EXISTS: another has it. Else what kv_run returned.
MUST_USE int lease_try(struct lease *l);
// By the clock alone: whether nobody else can have it yet.
bool lease_is_held(const struct lease *l);
// When lease_try is to be called next, monotonic.
int64_t lease_next_ns(const struct lease *l);
// In a transaction: E_CANCELLED when it was lost. The commit conflicts with a later holder's.
MUST_USE int lease_check(const struct lease *l, struct kv_txn *txn);
// So that the next one need not wait. What fails expires by itself.
void lease_release(struct lease *l);

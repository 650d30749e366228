// The head of a queue in memory: which entries of an index by time are due, and who may take them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"
#include "src/task/lot.h"

// An index by time would be read from its start again and again, over the tombstones of everything
// that was taken before, and all takers would fight over its first entries. So one sweep at a time
// reads on from where the last one ended, and takers claim what it found: each entry once. All of
// it is a hint: who claims an entry reads it again in a transaction, and after a restart the sweep
// begins at the start (docs/design/0003-queue-heads.md).
//
// No entry of this process is missed: a sweep moves its mark before it reads, so what commits later
// either lies ahead of the mark or is given to head_add after its commit. Those of other processes
// on the same store may come to lie behind it: where the store is shared, sweeps go back for them.
//
// Who finds nothing waits in a lot (src/task/lot.h) under the head's key until head_next_due; who
// adds entries wakes as many.
enum { HEAD_ID_BYTES = 16, HEAD_KEY_BYTES_MAX = 64, HEAD_SWEEP_MAX = 256, HEAD_READY_MAX = 16384 };

struct head;
struct heads; // of one service of one c10m, by key

struct head_entry {
    int64_t due_ms; // of the service clock
    char id[HEAD_ID_BYTES];
    int32_t share; // whose it is, for is_aside; 0: nobody's
};

// What a service keeps beside each of its heads, zeroed at first and under the head's lock. All may
// be 0 and NULL.
struct heads_options {
    size_t state_bytes;
    void (*state_fini)(void *state);
    // Whether entries of that share stand back at the moment: they are claimed after all others.
    bool (*is_aside)(const void *state, int32_t share);
    // It is this late now: before is_aside is asked for a claim.
    void (*pass_time)(void *state, int64_t now_ms);
    // Among those, entries of the share with the lowest rank come first; NULL: all in their order.
    uint32_t (*aside_rank)(const void *state, int32_t share);
};

struct heads *heads_new(const struct heads_options *options);
void heads_free(struct heads *hs);
// Made when there is none. The key is one that nobody uses again for something else, such as a
// generation, and at most HEAD_KEY_BYTES_MAX long. Give it back with head_unref.
struct head *heads_ref(struct heads *hs, struct str key);
void head_unref(struct heads *hs, struct head *h);
// Forgets the head of what was deleted.
void heads_del(struct heads *hs, struct str key);

// The service's state. Do not wait between the two.
void *head_lock(struct head *h);
void head_unlock(struct head *h);

// How the index is read.
struct head_index {
    // The keys of the entries after *after in the order of (due_ms, id), up to until_ms and with
    // it; INT64_MAX: up to the last. Due times begin at 1; an *after of zeros is before all.
    void (*range)(const void *arg, struct arena *a, const struct head_entry *after,
                  int64_t until_ms, struct str *from, struct str *to);
    // E_IO: it is no entry.
    int (*parse)(const void *arg, struct arena *a, struct str key, struct str value,
                 struct head_entry *out);
    const void *arg;
};

struct head_source {
    struct head_index index;
    struct kv *kv;
    struct arena *arena; // for what is read
    struct runtime *runtime;
    bool is_shared; // other processes may add entries
};

// Takes up to n entries that are due, each of which is handed out once, and looks into the index
// when memory has too few. Who does not use one, or makes it due at another time, gives it to
// head_add. Waits for the store. E_CANCELLED, or what reading gave; then *count is what was taken.
MUST_USE int head_claim(struct head *h, const struct head_source *s, struct head_entry *out,
                        size_t n, size_t *count);
// After a commit that put an entry into the index, or a claim that came to nothing.
void head_add(struct head *h, const struct head_entry *e);
// When the next entry that is not due yet will be: at *out or later, never earlier; INT64_MAX:
// there is none. For who found nothing, before it sleeps.
MUST_USE int head_next_due(struct head *h, const struct head_source *s, int64_t *out);

// The right to look into the index, or whatever else one fiber at a time should do to a queue:
// first come first served, not held across waits for anything but the store. E_CANCELLED or OK.
MUST_USE int head_turn_begin(struct head *h);
void head_turn_end(struct head *h);

// Entries as they stand in the index, at most `max`, read as hints (KV_SNAPSHOT). *is_cut: there
// are more.
MUST_USE int head_read(struct kv_txn *txn, const struct head_index *index,
                       const struct head_entry *after, int64_t until_ms, struct head_entry *out,
                       size_t max, size_t *count, bool *is_cut);

// The head of a standard queue in memory: which messages are due, and who may take them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/keys.h"
#include "services/sqs/share.h"
#include "src/task/lot.h"

// An index by time would be read from its start again and again, over the tombstones of everything
// that was taken before, and all receivers would fight over its first entries. So one sweep at a
// time reads on from where the last one ended, and receivers claim what it found: each entry once.
// All of it is a hint: who claims an entry reads it again in a transaction, and after a restart the
// sweep begins at the start.
//
// No message of this process is missed: a sweep moves its mark before it reads, so what commits
// later either lies ahead of the mark or is given to head_add after its commit. Those of other
// processes on the same store may come to lie behind it: head_look_back finds them.
enum { HEAD_SWEEP_MAX = 256, HEAD_READY_MAX = 16384 };
// How many sweeps one receive may do in search of quiet groups, behind what is noisy.
enum { HEAD_SEARCH_MAX = 16 };

struct head;
struct heads; // of one c10m, by generation

struct head_entry {
    int64_t due_ms;
    struct message_id id;
    int32_t share; // of its group (share.h); 0: it has none
};

struct heads *heads_new(void);
void heads_free(struct heads *hs);
// Made when there is none. Give it back with head_unref.
struct head *heads_ref(struct heads *hs, struct str generation);
void head_unref(struct heads *hs, struct head *h);
// Forgets the head of a deleted queue.
void heads_del(struct heads *hs, struct str generation);

// Takes up to n entries that are due, but none of noisy groups (share.h): those are put aside. Each
// is handed out once.
size_t head_claim(struct head *h, int64_t now_ms, struct head_entry *out, size_t n);
// Takes those that were put aside.
size_t head_claim_noisy(struct head *h, int64_t now_ms, struct head_entry *out, size_t n);
// A message of that share was received for the first time, or is gone again.
void head_share_add(struct head *h, int32_t share, int64_t now_ms);
void head_share_remove(struct head *h, int32_t share);
// After a commit that put an entry into the index, or a claim that came to nothing.
void head_add(struct head *h, const struct head_entry *e);

// When the next hidden entry is due, as far as it is known: at this time or later, never earlier.
// 0: not known; INT64_MAX: there is none. Waiters ask before they sleep. To make it known, the
// caller begins, reads the first entry of the index after now, and reports it (0: could not read).
int64_t head_next_due(struct head *h, int64_t now_ms);
void head_next_due_begin(struct head *h);
void head_next_due_end(struct head *h, int64_t found_ms);

// An upper bound of the messages in flight (flights.h). Not known at first. Reserving raises it by
// up to n, while it stays below max, and gives how much; what was not used is returned.
bool head_flights_are_known(struct head *h);
int64_t head_flights_counted_ms(struct head *h);
void head_flights_set(struct head *h, int64_t most, int64_t counted_ms);
size_t head_flights_reserve(struct head *h, size_t n, int64_t max);
void head_flights_return(struct head *h, size_t n);

// The right to sweep, or for FIFO queues to receive: one fiber at a time, first come first served,
// not held across waits for anything but the store. E_CANCELLED or OK.
MUST_USE int head_turn_begin(struct head *h);
void head_turn_end(struct head *h);

// Where the next sweep begins, and moves the mark to now_ms. The holder of the turn then reads the
// index after *from, at most HEAD_SWEEP_MAX entries up to now_ms, and reports.
void head_sweep_begin(struct head *h, int64_t now_ms, struct head_entry *from);
// is_cut: there may be more that are due after the last one found. is_failed: nothing was read.
void head_sweep_end(struct head *h, const struct head_entry *found, size_t count, bool is_cut,
                    bool is_failed);

// Where other processes may write: moves the mark back to what may have been written behind it
// since this was called last, unless that was less than after_ms ago. Called often enough, it
// misses nothing that is committed within HEAD_LOOK_BACK_MS after its due time, by the clock of
// this machine. By the holder of the turn, before it sweeps.
enum { HEAD_LOOK_BACK_MS = 10 * 1000 };
void head_look_back(struct head *h, int64_t now_ms, int64_t after_ms);

// More of noisy groups was found than is put aside. When nothing of it is left, the holder of the
// turn reads the index after *from up to *to, and reports. False: there is no more.
bool head_noisy_begin(struct head *h, struct head_entry *from, struct head_entry *to);
void head_noisy_end(struct head *h, const struct head_entry *found, size_t count, bool is_cut,
                    bool is_failed);

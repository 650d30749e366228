// What a queue head remembers, and the steps of its sweeps: for head_claim.c and the tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/head.h"

// How far from the last time a shared head goes back: what others commit later than that after its
// due time is not found until a restart.
enum { HEAD_LOOK_BACK_MS = 10 * 1000 };

// Takes up to n entries that are due and in memory, but none that stands aside.
size_t head_claim_ready(struct head *h, int64_t now_ms, struct head_entry *out, size_t n);
// Takes those that were put aside.
size_t head_claim_aside(struct head *h, int64_t now_ms, struct head_entry *out, size_t n);

// When the next entry is due, as far as it is known. 0: not known. To make it known, the caller
// begins, reads the first entry of the index after now, and reports it (0: could not read).
int64_t head_next_due_known(struct head *h, int64_t now_ms);
void head_next_due_begin(struct head *h);
void head_next_due_end(struct head *h, int64_t found_ms);

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
void head_look_back(struct head *h, int64_t now_ms, int64_t after_ms);

// More that stands aside was found than memory keeps. When nothing of it is left, the holder of the
// turn reads the index after *from up to *to, and reports. False: there is no more.
bool head_aside_begin(struct head *h, struct head_entry *from, struct head_entry *to);
void head_aside_end(struct head *h, const struct head_entry *found, size_t count, bool is_cut,
                    bool is_failed);

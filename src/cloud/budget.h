// How much may be under way at once: past it c10m answers early instead of running out of memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    BUDGET_REQUESTS_DEFAULT = 10000,
    BUDGET_MIB_DEFAULT = 512,
    BUDGET_MIB_MIN = 32, // the largest body in memory always fits, once it is alone
    // What a request takes beside its body: the used part of its stack, its arena.
    BUDGET_REQUEST_BYTES = 32 * 1024,
};

// Of API calls; the operator's pages are always answered. Any thread.
struct budget {
    size_t requests_max;
    size_t bytes_max;
    atomic_size_t requests;
    atomic_size_t waiting; // that gave up their place in `requests`
    atomic_size_t bytes;
    atomic_size_t refused; // since the start
};

// False: there is no room. A request that is larger than all the room is taken when it is alone.
bool budget_take(struct budget *b, size_t body_bytes);
void budget_give(struct budget *b, size_t body_bytes);

// A request that only waits, as a long poll does, leaves its place to others and keeps its bytes.
// When it goes on it has a place again, whatever others have taken meanwhile.
void budget_begin_wait(struct budget *b);
void budget_end_wait(struct budget *b);

// The same for memory alone: bodies are counted as they are read, before anybody is known to have
// sent them (struct http_memory).
bool budget_take_bytes(struct budget *b, size_t bytes);
void budget_give_bytes(struct budget *b, size_t bytes);

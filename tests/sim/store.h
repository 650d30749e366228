// The one "mem:" store of a simulation: it outlives the clouds, and several may share it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdint.h>

// What goes wrong with commits, each once in so many; 0: never.
struct sim_store_faults {
    uint64_t conflict_one_in; // a conflict that was none
    uint64_t unknown_one_in;  // E_UNKNOWN; half of them were done
    uint64_t full_one_in;     // E_FULL
    uint64_t delay_one_in;    // the disk takes up to delay_ns_max, before or after the write
    int64_t delay_ns_max;
    uint64_t kill_before_one_in; // batches: the process dies before any of it is written
    uint64_t kill_after_one_in;  // or after all of it, before anybody is told
};

void sim_store_open(void); // empty
void sim_store_set_faults(const struct sim_store_faults *faults);
uint64_t sim_store_commits(void);
// No cloud is left.
void sim_store_close(void);

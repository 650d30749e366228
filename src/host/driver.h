// Drivers: what makes units of one kind run.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/unit.h"

// How a unit was found.
enum unit_seen {
    UNIT_SEEN_NOTHING, // never started, or removed
    UNIT_SEEN_UP,
    UNIT_SEEN_ENDED, // by itself
    UNIT_SEEN_LOST,  // killed from outside, or the machine has started anew
};

enum { UNIT_PROBLEM_BYTES = 512, UNIT_CALL_MS_MAX = 60 * 1000, DRIVERS_MAX = 32 };

// One call at a time for each unit, in a fiber; each may wait, at most UNIT_CALL_MS_MAX, and may
// come again after a crash at any point of its work. What is up already is adopted, not started. On
// failure `problem` (of UNIT_PROBLEM_BYTES) gets a sentence, and the call is made again later.
// E_AGAIN of start: it waits for something, which the sentence names; that is no failure.
//
// A new kind: its record in records.json (services write it with unit_spec, tests as JSON to
// /_c10m/host/units), its driver in NOUN_driver.c, one line in drivers.c.
struct unit_driver {
    const char *kind;               // at most UNIT_KIND_MAX
    const struct record_type *spec; // what a unit's spec is
    bool takes_ids;                 // its units get a row of ids before they are first started
    int (*probe)(void *arg, const struct unit *u, enum unit_seen *out, char *problem);
    int (*start)(void *arg, const struct unit *u, char *problem);
    // Once for each unit that this c10m finds up and has not started itself: to take back what c10m
    // itself does for it, such as answering on its sockets. NULL: nothing.
    int (*adopt)(void *arg, const struct unit *u, char *problem);
    // Brings a new spec into force while it runs. NULL: it takes effect at the next start.
    int (*change)(void *arg, const struct unit *u, char *problem);
    int (*stop)(void *arg, const struct unit *u, char *problem);
    int (*remove)(void *arg, const struct unit *u, char *problem);
    // When c10m ends: frees what it has in memory; what runs goes on. NULL: nothing.
    void (*close)(void *arg);
    void *arg;
};

// Each fills in a driver; `h` lives longer.
void network_driver_new(struct host *h, struct unit_driver *out);
void sandbox_driver_new(struct host *h, struct unit_driver *out);

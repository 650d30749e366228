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
    const char *kind; // set by drivers_new; at most UNIT_KIND_MAX
    bool takes_ids;   // its units get a row of ids before they are first started
    // Of what is up, `problem` may say what of it is not as it should be.
    int (*probe)(void *arg, const struct unit *u, enum unit_seen *out, char *problem);
    int (*start)(void *arg, const struct unit *u, char *problem);
    // Once for each unit that this c10m finds up and has not started itself: to take back what c10m
    // itself does for it, such as answering on its sockets. NULL: nothing.
    int (*adopt)(void *arg, const struct unit *u, char *problem);
    // Brings a new spec into force while it runs; also called for what is found up when it is not
    // known whether it was started to the end. NULL: a spec takes effect at the next start, which
    // then must be one step that happens or not.
    int (*change)(void *arg, const struct unit *u, char *problem);
    // Of a kind that lies in several zones: brings u->zones into force while it runs, as start,
    // adopt and change do too. NULL: its units lie in a zone each, and end when that is dead.
    int (*fail)(void *arg, const struct unit *u, char *problem);
    // u->is_zone_dead: as by a power failure, without a moment's grace.
    int (*stop)(void *arg, const struct unit *u, char *problem);
    int (*remove)(void *arg, const struct unit *u, char *problem);
    // When c10m ends: frees what it has in memory; what runs goes on. NULL: nothing.
    void (*close)(void *arg);
    void *arg;
};

// Each fills in a driver; `h` lives longer. Their records are in records.json, whose members this
// says more of.

// "network": what Network says is the whole of it: addresses of its own ("10.0.1.1/24"), groups
// with their rules (firewall.h), ports with the groups that they are in, and subnets, each in a
// zone, which are to hold every port. A change is in force at once, without a gap. A port keeps its
// addresses as long as it is there.
void network_driver_new(struct host *h, struct unit_driver *out);
// "sandbox": a guest, whose disk it keeps until it is removed. Its unit needs that of its network,
// if it has one, whose record names its port. stop_grace_ms absent: 10 s. Its image is the default
// one, or at its first start: `image`, an id of the image store; else what `tarball` (a path)
// holds, or what the sandbox `snapshot_of` has in its root, which must be that image when both are
// named. disk_bytes and disk_files limit what it writes and makes, as of its first start.
void sandbox_driver_new(struct host *h, struct unit_driver *out);

// All of them: how many. drivers_close closes them.
size_t drivers_new(struct host *h, struct unit_driver out[DRIVERS_MAX]);
void drivers_close(struct unit_driver *drivers, size_t count);
// What a unit of that kind has as its spec; NULL: there is no such kind.
const struct record_type *driver_spec(struct str kind);

// What the tests of engines share: drivers called as the reconciler calls them, and clients.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/fixture.h"

#include "src/host/engine/kind.h"
#include "src/host/host_records.h"

// An engine under test; its record may be changed between calls.
struct subject {
    struct fixture *fixture;
    struct unit_driver driver;
    struct unit unit;
    struct host_engine_record record;
};

// In one network that subject_network makes; row tells addresses (10.0.1.ROW) and ids apart.
struct subject subject_new(struct fixture *f, const char *kind, const char *name, int row);
void subject_network(struct fixture *f);
void subject_network_end(struct fixture *f);
// The record as it is now is what the unit should be.
void subject_up(struct subject *s);
void subject_change(struct subject *s);
enum unit_seen subject_seen(struct subject *s);
void subject_stop(struct subject *s);
void subject_gone(struct subject *s);
// The record must be refused, with a sentence that holds the text.
void subject_refuses(struct subject *s, const char *text);
// kill -9 of what runs in it.
void subject_kill(struct subject *s);
// c10m is killed, and another one started: all subjects get its drivers.
void subjects_adopt(struct fixture *f, struct subject *const *all, size_t count);
// A shell command in the network, as a client of its own address: what it printed. It must succeed.
struct str subject_client(struct fixture *f, const char *command);
// Until the client's command prints the text.
void subject_hear(struct fixture *f, const char *command, const char *text);
struct engine_run subject_run(struct subject *s);

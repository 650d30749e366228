// This machine in a running c10m: opened when the first unit wants to run on it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/reconciler.h"

// As long as there is no unit it is one fiber that waits for a record: no folder, no program and no
// image is made, and nothing is asked of the system.
struct machine;

struct machine_options {
    struct runtime *runtime;
    const struct log *log;
    struct kv *kv; // that no other process uses: units run where their store is
    struct background *background;
    const char *dir;       // for all that runs; made with the first unit
    const char *boot_path; // see reconciler.h
    const struct host_door *door;
};

struct machine *machine_new(const struct machine_options *options);
void machine_start(struct machine *m, const struct seal *seal); // of the units' specs
// From outside the loops. What is not off by the deadline goes on, for the next c10m to adopt.
void machine_stop(struct machine *m, enum reconciler_end how, int64_t deadline_ns);
// Whether there is, or was, a unit: else there is nothing to power off.
bool machine_is_open(struct machine *m);
void machine_free(struct machine *m); // stopped, or never started. NULL is accepted

// From a fiber: as JSON, every unit with its state, its problem and since when, every zone with
// what lies in it and what fails there, what of the limits this machine does not enforce, and what
// keeps it from running anything. The arena is out's. What kv_run returns.
MUST_USE int machine_print(struct machine *m, struct buf *out);
// From a fiber: writes a wish, {"kind", "name", "desired": "run" | "stop" | "gone", "restarts",
// "zone", "needs": [{"kind", "name"}], "spec": {...}}, whose spec has the members of its kind's
// record. This is for tests and the operator; services write their wishes in their own
// transactions. E_INVALID with a sentence in `problem` (UNIT_PROBLEM_BYTES); what kv_run returns.
MUST_USE int machine_wish(struct machine *m, struct str json, struct arena *arena, char *problem);
// From a fiber: runs a function, {"pool", "code", "env": ["NAME=value"], "deadline_ms",
// "frozen_ms"}, of a pool that is a unit (functions.h), and waits until it has ended: out gets
// {"timed_out", "lost", "status", "signal", "started_us", "output"} as JSON. E_INVALID, E_NOT_FOUND
// and others, each with a sentence in `problem` (UNIT_PROBLEM_BYTES).
MUST_USE int machine_call(struct machine *m, struct str json, struct buf *out, char *problem);
// From a fiber: writes what fails, {"place": "us-east-1a", "state": "healthy" | "cut" | "dead"} or
// {"between": ["us-east-1a", "us-east-1b"], "delay_us": 35000, "loss_ppm": 0}, as zones.h has it.
// E_INVALID, E_LIMIT with a sentence in `problem` (UNIT_PROBLEM_BYTES); what kv_run returns.
MUST_USE int machine_fail(struct machine *m, struct str json, struct arena *arena, char *problem);
// From a fiber: {"network": NAME}. What was counted there since the last call (network_flows_take),
// as JSON. E_INVALID, E_NOT_FOUND with a sentence in `problem`: nothing is counted, or it does not
// run.
MUST_USE int machine_flows(struct machine *m, struct str json, struct buf *out, char *problem);

// What a unit of the kind sandbox boots from and writes to.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/driver.h"
#include "src/host/host_records.h"
#include "src/host/sandbox.h"

// At a sandbox's first start its image is found, held, and noted beside its changes; then it stays.
struct sandbox_disk {
    struct host *host;
    const struct unit *unit;
    const struct host_sandbox_record *record;
    struct arena *arena;
    char *problem; // UNIT_PROBLEM_BYTES
};
enum { SANDBOX_DISK_MOUNTS = 2 };

// Mounts of its root, at most SANDBOX_DISK_MOUNTS, and the file of its disk, absent when it has
// none. Texts are in the arena. A fiber parks, as long as an image is unpacked. E_NOT_FOUND,
// E_INVALID, E_IO, E_FULL.
MUST_USE int sandbox_disk_make(const struct sandbox_disk *d, struct sandbox_mount *out,
                               size_t *count, struct str *disk);
// Of one that does not run. Its image goes too when nobody else holds it. E_IO.
MUST_USE int sandbox_disk_remove(struct host *h, struct str name);

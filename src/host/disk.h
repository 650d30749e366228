// Disks of guests: file systems in files, so that a guest can write and make only so much.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host.h"

enum { DISK_BYTES_MIN = 16 << 20 };

// Whether this machine lets us: root, a program that makes ext4, and loop devices. Blocks shortly.
bool disk_can_limit(const struct host *h);
// Makes the file `path`, sparse, with an ext4 that holds an overlay's folders for each of `states`
// ("root": root/upper and root/work), which belong to that row of ids. OK also when it is there
// already, whatever its size. The shim of a sandbox mounts it (struct sandbox_spec), nobody else:
// it is seen nowhere, and gone with the guest. files: as many can be made, folders too; 0: one for
// each 16 KiB. E_INVALID: too small; E_IO, E_FULL. `problem` (of HOST_PROBLEM_BYTES) gets a
// sentence. A fiber parks.
struct disk_order {
    const char *path;
    uint64_t bytes, files;
    const char *const *states;
    size_t state_count;
    uint32_t ids_row;
};
MUST_USE int disk_make(struct host *h, const struct disk_order *order, char *problem);

// What guests boot from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/sandbox.h"

// The default image is this machine's /usr, read-only below an overlay, with an /etc that is made
// here and empty /root, /home and /var: the host's programs, never its own files.
enum { IMAGE_MOUNTS = 2 };

// Makes the default image below the host's folder, anew at every start of c10m, since it costs
// little and the host's programs change. E_IO, E_FULL with a sentence in `problem`. Blocks.
MUST_USE int image_default_make(struct host *h, char *problem, size_t problem_size);

// The mounts of a guest of the default image whose changes are kept in `dir`, which is made when
// missing and stays as it is when there. Texts are in the arena. E_IO, E_FULL.
MUST_USE int image_mounts(struct host *h, const char *dir, uint32_t ids_row, struct arena *arena,
                          struct sandbox_mount out[IMAGE_MOUNTS]);

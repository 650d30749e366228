// Images from tarballs of root file systems, by the hash of what they hold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/sandbox.h"

// An image is a folder "images/ID" below the host's, whose ID is the SHA-256 of its tarball in
// hexadecimal. It never changes; guests see it as the read-only lower folder of an overlay. It is
// kept while somebody holds it. All calls come from fibers and park; on failure `problem` (of
// IMAGE_PROBLEM_BYTES) gets a sentence.
enum { IMAGE_ID_BYTES = 65, IMAGE_PROBLEM_BYTES = 512 };

// Unpacks a tarball (plain, or packed as the host's tar knows), in a sandbox, so that nothing that
// it holds reaches beyond its own folder; what is in its /dev is left out, and other device nodes
// are refused. As an ordinary user all its files are one user's. The same tarball again is OK at
// once. E_NOT_FOUND; E_INVALID: it is no tarball, or holds what is refused; E_FULL, E_IO.
MUST_USE int image_import(struct host *h, const char *tarball, char out[IMAGE_ID_BYTES],
                          char *problem);

// Who holds it (host_name_is_valid) does so until he releases it. E_NOT_FOUND: there is no such
// image.
MUST_USE int image_hold(struct host *h, const char *id, struct str holder);
MUST_USE int image_release(struct host *h, const char *id, struct str holder); // OK if he did not
// Removes the images that nobody holds.
MUST_USE int image_collect(struct host *h, size_t *removed);

// Removes what a c10m that was killed had not finished. Before anything else is done here.
MUST_USE int image_sweep(struct host *h);

// The root of a guest of the image, whose changes are kept in `dir`, which is made when missing.
// Texts are in the arena. E_NOT_FOUND, E_IO, E_FULL.
MUST_USE int image_root(struct host *h, const char *id, const char *dir, uint32_t ids_row,
                        struct arena *arena, struct sandbox_mount *out);

// A new image of what a guest of an image has in its root now: it is frozen while its changes are
// copied. E_INVALID: it runs, and this system cannot freeze it.
struct image_snapshot {
    struct str sandbox; // that runs or not
    const char *id;     // of its image
    const char *dir;    // of its changes
    uint32_t ids_row;
};
MUST_USE int image_snapshot(struct host *h, const struct image_snapshot *s,
                            char out[IMAGE_ID_BYTES], char *problem);

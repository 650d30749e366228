// Keeping the blobs of a store: backups, and checks of heads, contents and files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/blob.h"
#include "src/store/check.h"

// From a fiber: until the release, nothing that becomes garbage from now on is removed. So every
// blob that a state of the kv links to is there as long as it is copied.
void blobs_hold(struct blobs *b);
void blobs_release(struct blobs *b);

// Every head has its contents, of the right length, every one without links is in the list of
// garbage, and there is nothing that no head names. Mends: contents and entries of no head go;
// missing entries come. The blobs are those of c->kv.
MUST_USE int blobs_check(struct blobs *b, struct check *c);

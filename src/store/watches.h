// Who waits for keys to change, by the beginning of the key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"

struct watches;

struct watches *watches_new(void);
void watches_free(struct watches *w); // nobody watches any more
// Again with the same watch: replaces. For the calling fiber.
void watches_add(struct watches *w, struct str key, struct kv_watch *out);
// Wakes those whose key is the beginning of one of these. From any thread; cheap when nobody
// watches.
void watches_fire(struct watches *w, const struct str *keys, size_t n);
size_t watches_count(const struct watches *w); // of keys
// Wakes everybody: what has changed is not known.
void watches_fire_all(struct watches *w);

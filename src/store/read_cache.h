// Values that transactions read again and again, as long as nobody writes them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

// Almost every call reads the record of its resource first. Each loop keeps its own table of such
// values; one table of versions, shared by all, says when a key was last written. Only for stores
// that no other process writes to.
enum { READ_CACHE_VALUE_BYTES_MAX = 2048 };

struct read_cache;
// All of it together takes at most bytes_max, but for READ_CACHE_BYTES_MIN and a table of a few
// slots a loop, which hold nothing when there is no room.
enum { READ_CACHE_BYTES_MIN = 40 * 1024 };
struct read_cache *read_cache_new(int loop_count, size_t bytes_max);
void read_cache_free(struct read_cache *c); // NULL is accepted

// The committer's thread, before the engine gets the write: no snapshot that holds the write finds
// an older value here.
void read_cache_written(struct read_cache *c, struct str key, uint64_t version);
// What the key holds at a read version whose snapshot was taken already. False: ask the snapshot,
// then tell read_cache_put. A copy in the arena.
bool read_cache_get(const struct read_cache *c, int loop, struct str key, uint64_t version,
                    struct arena *arena, struct str *out);
// Keeps what was read twice of late, in place of others; larger values never, nor that there is
// none.
void read_cache_put(struct read_cache *c, int loop, struct str key, struct str value,
                    uint64_t version);
// What it takes now. Not beside the loops' calls.
size_t read_cache_bytes(const struct read_cache *c);

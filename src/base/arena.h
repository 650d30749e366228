// Memory that is freed all at once: one arena per request, so that handlers never free.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdarg.h>

#include "src/base/str.h"

// A chain of chunks. Not thread-safe. Running out of memory aborts: sizes that a user controls are
// limited before they are taken from an arena.
struct arena_mark {
    struct arena_chunk *chunk;
    size_t chunk_used;
    size_t used_bytes;
};

struct arena {
    struct arena_chunk *chunk; // newest; NULL when nothing was allocated
    size_t used_bytes;         // asked for, over all chunks: for budgets and tests
    struct arena_mark held;    // what lies below may not be given back
};

void arena_init(struct arena *a);
void arena_fini(struct arena *a);
// Keeps one chunk of the default size for the next use, frees the rest.
void arena_reset(struct arena *a);

// Zeroed, aligned to 16 bytes. size 0 gives a valid unique pointer.
void *arena_alloc(struct arena *a, size_t size);
// count * size with an overflow check.
void *arena_alloc_array(struct arena *a, size_t count, size_t size);
// Not zeroed, not aligned: for bytes.
char *arena_alloc_bytes(struct arena *a, size_t size);
// Grows the newest allocation in place where it can, else copies. The new bytes are not zeroed; old
// may be NULL with old_size 0. Aligned to 16 bytes when old was.
void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size);

struct str arena_copy(struct arena *a, struct str s);
// A zero-terminated copy.
char *arena_copy_z(struct arena *a, struct str s);
struct str arena_print(struct arena *a, const char *format, ...) PRINTF(2, 3);
struct str arena_print_v(struct arena *a, const char *format, va_list args);

// Everything allocated after the mark is given back: for bodies that may run twice.
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);
// From now on a rewind below what lives now aborts, until the mark of before is put back: for those
// who keep things in the arena of somebody who rewinds it.
void arena_hold(struct arena *a);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_alloc_array((arena), (count), sizeof(type)))

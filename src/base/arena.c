// Memory that is freed all at once, in a chain of chunks.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) // gcc
#define IS_SANITIZED 1
#elif defined(__has_feature) // clang
#define IS_SANITIZED __has_feature(address_sanitizer)
#else
#define IS_SANITIZED 0
#endif

#if IS_SANITIZED
#include <sanitizer/asan_interface.h>
// What is not allocated is poisoned, so that the sanitizer finds use after a rewind, and a gap
// after each allocation finds overruns. BYTES_ALIGN is the sanitizer's granule.
#define POISON(ptr, size) ASAN_POISON_MEMORY_REGION(ptr, size)
#define UNPOISON(ptr, size) ASAN_UNPOISON_MEMORY_REGION(ptr, size)
enum { GAP_BYTES = 16, BYTES_ALIGN = 8, STAIN = 0xa5 };
#else
#define POISON(ptr, size) ((void)(ptr), (void)(size))
#define UNPOISON(ptr, size) ((void)(ptr), (void)(size))
enum { GAP_BYTES = 0, BYTES_ALIGN = 1, STAIN = 0 };
#endif

enum {
    CHUNK_BYTES = 16 * 1024, // with the header, so that malloc serves a round size
    ALIGN = 16,
};

// Far below what would overflow when chunk sizes are doubled.
static const size_t alloc_max = SIZE_MAX / 8;

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; // of bytes
    size_t used; // end of the newest allocation
    alignas(ALIGN) char bytes[];
};

static const size_t chunk_size_default = CHUNK_BYTES - sizeof(struct arena_chunk);

static struct arena_chunk *
chunk_new(struct arena_chunk *older, size_t size_min)
{
    size_t total = CHUNK_BYTES;
    while (total - sizeof(struct arena_chunk) < size_min)
        total *= 2;
    struct arena_chunk *chunk = malloc(total);
    CHECK(chunk != NULL);
    chunk->older = older;
    chunk->size = total - sizeof(struct arena_chunk);
    chunk->used = 0;
    POISON(chunk->bytes, chunk->size);
    return chunk;
}

static void
chunk_free(struct arena_chunk *chunk)
{
    UNPOISON(chunk->bytes, chunk->size);
    free(chunk);
}

static void
chunk_rewind(struct arena_chunk *chunk, size_t used)
{
    chunk->used = used;
    POISON(chunk->bytes + used, chunk->size - used);
}

// Shows up in sanitized builds where somebody takes new bytes for zeroed ones.
static void
stain(char *bytes, size_t size)
{
    if (STAIN != 0)
        memset(bytes, STAIN, size);
}

static char *
take_bytes(struct arena *a, size_t size, size_t align)
{
    CHECK(size <= alloc_max);
    struct arena_chunk *chunk = a->chunk;
    size_t from = 0;
    if (chunk != NULL && chunk->used > 0)
        from = (chunk->used + GAP_BYTES + align - 1) / align * align;
    // A size of 0 takes a byte all the same, so that its address is its own.
    size_t to = from + (size > 0 ? size : 1);
    if (chunk == NULL || to > chunk->size) {
        to -= from;
        from = 0;
        chunk = a->chunk = chunk_new(chunk, to);
    }
    chunk->used = to;
    a->used_bytes += size;
    UNPOISON(chunk->bytes + from, size);
    return chunk->bytes + from;
}

void
arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

void
arena_fini(struct arena *a)
{
    arena_rewind(a, (struct arena_mark){0});
}

void
arena_reset(struct arena *a)
{
    struct arena_chunk *kept = NULL;
    for (struct arena_chunk *chunk = a->chunk, *older; chunk != NULL; chunk = older) {
        older = chunk->older;
        if (kept == NULL && chunk->size == chunk_size_default)
            kept = chunk;
        else
            chunk_free(chunk);
    }
    if (kept != NULL) {
        kept->older = NULL;
        chunk_rewind(kept, 0);
    }
    *a = (struct arena){.chunk = kept};
}

void *
arena_alloc(struct arena *a, size_t size)
{
    return memset(take_bytes(a, size, ALIGN), 0, size);
}

void *
arena_alloc_array(struct arena *a, size_t count, size_t size)
{
    size_t bytes;
    CHECK(!__builtin_mul_overflow(count, size, &bytes));
    return arena_alloc(a, bytes);
}

char *
arena_alloc_bytes(struct arena *a, size_t size)
{
    char *bytes = take_bytes(a, size, BYTES_ALIGN);
    stain(bytes, size);
    return bytes;
}

static bool
grow_in_place(struct arena *a, char *old, size_t old_size, size_t new_size)
{
    struct arena_chunk *chunk = a->chunk;
    size_t old_taken = old_size > 0 ? old_size : 1;
    if (chunk == NULL || old + old_taken != chunk->bytes + chunk->used)
        return false;
    if (new_size - old_taken > chunk->size - chunk->used)
        return false;
    chunk->used += new_size - old_taken;
    a->used_bytes += new_size - old_size;
    UNPOISON(old, new_size);
    return true;
}

void *
arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size)
{
    CHECK(new_size <= alloc_max);
    if (old != NULL && new_size <= old_size)
        return old;
    char *grown = old;
    if (old == NULL || !grow_in_place(a, old, old_size, new_size)) {
        grown = take_bytes(a, new_size, ALIGN);
        if (old != NULL)
            memcpy(grown, old, old_size);
    }
    stain(grown + old_size, new_size - old_size);
    return grown;
}

struct str
arena_copy(struct arena *a, struct str s)
{
    if (!str_is_present(s))
        return s;
    return (struct str){memcpy(arena_alloc_bytes(a, s.len), s.ptr, s.len), s.len};
}

char *
arena_copy_z(struct arena *a, struct str s)
{
    char *copy = arena_alloc_bytes(a, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

struct str
arena_print(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str s = arena_print_v(a, format, args);
    va_end(args);
    return s;
}

struct str
arena_print_v(struct arena *a, const char *format, va_list args)
{
    CHECK(format != NULL);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    CHECK(len >= 0);
    char *text = arena_alloc_bytes(a, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return (struct str){text, (size_t)len};
}

struct arena_mark
arena_mark(const struct arena *a)
{
    size_t chunk_used = a->chunk == NULL ? 0 : a->chunk->used;
    return (struct arena_mark){a->chunk, chunk_used, a->used_bytes};
}

void
arena_rewind(struct arena *a, struct arena_mark mark)
{
    while (a->chunk != mark.chunk) {
        struct arena_chunk *newest = a->chunk;
        CHECK(newest != NULL); // else the mark is of another arena, or was rewound over
        CHECK(newest != a->held.chunk);
        a->chunk = newest->older;
        chunk_free(newest);
    }
    CHECK(a->chunk != a->held.chunk || mark.chunk_used >= a->held.chunk_used);
    if (a->chunk != NULL)
        chunk_rewind(a->chunk, mark.chunk_used);
    a->used_bytes = mark.used_bytes;
}

void
arena_hold(struct arena *a)
{
    a->held = arena_mark(a);
}

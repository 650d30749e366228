// Who allocated what, so that a killed process leaves nothing behind.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "src/task/sim/state.h"
#include "src/task/sim/wrap.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define __asan_unpoison_memory_region(ptr, size) ((void)(ptr), (void)(size))
#endif

// A table with open addressing. What belongs to no process is not in it.
struct owned {
    void *ptr;           // NULL: free
    size_t mapped_bytes; // 0: it came from malloc
    struct sim_process *process;
};

// Beside the simulation and not in it: wrapped calls come before it begins and after it ends.
static struct owned *table;
static size_t table_size, table_count; // a power of two

static size_t
place_of(const void *ptr)
{
    uint64_t hash = (uint64_t)(uintptr_t)ptr * 0x9e3779b97f4a7c15;
    return (size_t)(hash >> 20) & (table_size - 1);
}

static void
insert(struct owned entry)
{
    size_t i = place_of(entry.ptr);
    while (table[i].ptr)
        i = (i + 1) & (table_size - 1);
    table[i] = entry;
    table_count++;
}

static void
grow(void)
{
    struct owned *old = table;
    size_t old_size = table_size;
    table_size = old_size ? 2 * old_size : 4096;
    table = __real_calloc(table_size, sizeof(*table));
    CHECK(table);
    table_count = 0;
    for (size_t i = 0; i < old_size; i++)
        if (old[i].ptr)
            insert(old[i]);
    __real_free(old);
}

// Closes the gap, so that every entry is found from its place on without one.
static void
take_out(size_t i)
{
    table_count--;
    for (size_t hole = i;;) {
        table[hole].ptr = NULL;
        do {
            i = (i + 1) & (table_size - 1);
            if (!table[i].ptr)
                return;
        } while (((i - place_of(table[i].ptr)) & (table_size - 1)) <
                 ((i - hole) & (table_size - 1)));
        table[hole] = table[i];
        hole = i;
    }
}

static void
own(void *ptr, size_t mapped_bytes)
{
    if (!ptr || !sim_is_inside() || sim->outside_depth > 0)
        return;
    if (2 * table_count >= table_size)
        grow();
    insert((struct owned){ptr, mapped_bytes, sim_process_self()});
}

static void
disown(const void *ptr)
{
    if (!ptr || table_count == 0)
        return;
    for (size_t i = place_of(ptr); table[i].ptr; i = (i + 1) & (table_size - 1)) {
        if (table[i].ptr == ptr) {
            take_out(i);
            return;
        }
    }
}

static void
release(const struct owned *o)
{
    if (o->mapped_bytes == 0) {
        __real_free(o->ptr);
        return;
    }
    // A stack that was left in the middle has red zones in it.
    __asan_unpoison_memory_region(o->ptr, o->mapped_bytes);
    CHECK(__real_munmap(o->ptr, o->mapped_bytes) == 0);
}

size_t
sim_memory_release(struct sim_process *p)
{
    size_t released = 0;
    for (size_t i = 0; i < table_size;) {
        struct owned o = table[i];
        if (!o.ptr || o.process != p) {
            i++;
            continue;
        }
        take_out(i); // another one may stand here now
        release(&o);
        released++;
    }
    return released;
}

size_t
sim_memory_count(const struct sim_process *p)
{
    size_t count = 0;
    for (size_t i = 0; i < table_size; i++)
        count += table[i].ptr && table[i].process == p;
    return count;
}

void
sim_memory_fini(void)
{
    CHECK(table_count == 0);
    __real_free(table);
    table = NULL;
    table_size = 0;
}

void *
sim_real_calloc(size_t count, size_t size)
{
    void *ptr = __real_calloc(count, size);
    CHECK(ptr);
    return ptr;
}

void
sim_real_free(void *ptr)
{
    __real_free(ptr);
}

void *
sim_stack_new(void)
{
    void *stack = __real_mmap(NULL, SIM_STACK_BYTES, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    CHECK(stack != MAP_FAILED);
    return stack;
}

void
sim_stack_free(void *stack)
{
    __asan_unpoison_memory_region(stack, SIM_STACK_BYTES);
    CHECK(__real_munmap(stack, SIM_STACK_BYTES) == 0);
}

// -- the wrapped calls

void *
__wrap_malloc(size_t size)
{
    void *ptr = __real_malloc(size);
    own(ptr, 0);
    return ptr;
}

void *
__wrap_calloc(size_t count, size_t size)
{
    void *ptr = __real_calloc(count, size);
    own(ptr, 0);
    return ptr;
}

void *
__wrap_realloc(void *ptr, size_t size)
{
    disown(ptr);
    void *grown = __real_realloc(ptr, size);
    own(grown, 0);
    return grown;
}

void *
__wrap_reallocarray(void *ptr, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return __wrap_realloc(ptr, bytes);
}

char *
__wrap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = __wrap_malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void
__wrap_free(void *ptr)
{
    disown(ptr);
    __real_free(ptr);
}

void *
__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *ptr = __real_mmap(at, size, protection, flags, fd, offset);
    if (ptr != MAP_FAILED)
        own(ptr, size);
    return ptr;
}

int
__wrap_munmap(void *at, size_t size)
{
    disown(at);
    return __real_munmap(at, size);
}

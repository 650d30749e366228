// OpenSSL's memory in a simulation: of no process, since what it keeps for ever is shared by all.
// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/crypto.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "src/task/sim/sim.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_ignore_object(ptr) ((void)(ptr))
#endif

static void *
outside_malloc(size_t size, const char *file, int line)
{
    sim_outside_begin();
    void *ptr = size > 0 ? malloc(size) : NULL;
    __lsan_ignore_object(ptr);
    sim_outside_end();
    return ptr;
}

static void *
outside_realloc(void *old, size_t size, const char *file, int line)
{
    sim_outside_begin();
    void *ptr = realloc(old, size);
    __lsan_ignore_object(ptr);
    sim_outside_end();
    return ptr;
}

static void
outside_free(void *ptr, const char *file, int line)
{
    free(ptr);
}

void
crypto_move_outside(void)
{
    CHECK(CRYPTO_set_mem_functions(outside_malloc, outside_realloc, outside_free) == 1);
}

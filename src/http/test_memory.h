// Whether bodies of any size take memory that does not grow with them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "src/base/str.h"

// Freed memory stays for a while there.
#ifdef __SANITIZE_ADDRESS__
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

enum { MEMORY_GROWTH_MAX_KIB = 16 * 1024 };

static inline long
memory_peak_kib(void)
{
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_maxrss;
}

// The latter with C10M_TEST_LONG=1.
static inline size_t
wanted_bytes(size_t bytes, size_t bytes_long)
{
    const char *is_long = getenv("C10M_TEST_LONG");
    return is_long && *is_long == '1' ? bytes_long : bytes;
}

// A loop's supply of random bytes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

// Private to src/task. The system gives a batch as cheaply as a few bytes, so a loop draws ahead.
// Bytes that were handed out are wiped here.
enum { RANDOM_CACHE_BYTES = 512 };

struct random_cache {
    unsigned char bytes[RANDOM_CACHE_BYTES];
    size_t left; // the last ones
};

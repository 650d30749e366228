// What both files of keys are made of.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/keys.h"

// The first key after this one.
static inline struct str
key_after(struct arena *a, struct str key)
{
    char *next = arena_alloc_bytes(a, key.len + 1);
    memcpy(next, key.ptr, key.len);
    next[key.len] = 0;
    return (struct str){next, key.len + 1};
}

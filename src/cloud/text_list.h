// What an option that may be given several times was given.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

enum { TEXT_LIST_MAX = 32 };

struct text_list {
    const char *items[TEXT_LIST_MAX]; // the caller's
    size_t count;
};

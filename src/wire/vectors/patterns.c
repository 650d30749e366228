// Reads patterns that end in a zero byte each, and writes those that the validator could not check.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "src/wire/pattern.h"

enum { PATTERNS_BYTES_MAX = 1 << 20 };

int
main(void)
{
    static char texts[PATTERNS_BYTES_MAX + 1];
    size_t len = fread(texts, 1, PATTERNS_BYTES_MAX, stdin);
    for (size_t at = 0; at < len; at += strlen(texts + at) + 1) {
        if (!wire_pattern_compiles(texts + at))
            (void)fwrite(texts + at, 1, strlen(texts + at) + 1, stdout);
    }
    return 0;
}

// Single UTF-8 characters: what the writers need to replace broken ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// The bytes of U+FFFD, which stands for what cannot be written.
#define UTF8_REPLACEMENT STR("\xef\xbf\xbd")

// Length of the well-formed character (RFC 3629) that s begins with; 0 when there is none.
size_t utf8_char_bytes(struct str s);
// Characters of well-formed text.
size_t utf8_length(struct str s);

// Hexadecimal, base64 and percent encodings.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// Lower case; out holds 2 * len bytes.
void hex_encode(const void *bytes, size_t len, char *out);
// Both cases; E_INVALID unless text has exactly 2 * len hexadecimal digits.
MUST_USE int hex_decode(struct str text, void *out, size_t len);

// RFC 4648 section 4, with padding.
void base64_encode(struct str bytes, struct buf *out);
// Strict: no white space, padding required, unused bits zero. E_INVALID otherwise. The result is in
// the arena.
MUST_USE int base64_decode(struct arena *a, struct str text, struct str *out);
// RFC 4648 section 5 alphabet without padding: for tokens in URLs.
void base64url_encode(struct str bytes, struct buf *out);
MUST_USE int base64url_decode(struct arena *a, struct str text, struct str *out);

// AWS's UriEncode: all but A-Z a-z 0-9 - . _ ~ become %XX (upper case); '/' stays when keep_slash.
void percent_encode(struct str s, bool keep_slash, struct buf *out);
// %XX decoded, '+' becomes a space when plus_is_space. E_INVALID on a broken escape. The result is
// in the arena, or s itself when nothing was encoded.
MUST_USE int percent_decode(struct arena *a, struct str s, bool plus_is_space, struct str *out);

// Patterns of AWS's models, which are Java's regular expressions, in the syntax of PCRE2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// What PCRE2 reads alike stays as it is. The differences, all of which stand in models:
//   \uD800\uDC00 \u0041         one character each; a surrogate alone can not match anything
//   \p{Print}                   Java's POSIX class
//   [\w-_]                      a '-' behind a set stands for itself
//   [.a.]                       PCRE2 takes it for a POSIX name
//   .                           Java's ends of lines: \n \r U+0085 U+2028 U+2029
//   x{1,100000}                 counts above PCRE2's limit become "any number"
void pattern_translate(struct str pattern, struct buf *out);

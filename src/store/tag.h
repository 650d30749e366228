// Tags: what may be one, and lists of them.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/store_records.h"

enum { TAGS_MAX = 50, TAG_KEY_MAX = 128, TAG_VALUE_MAX = 256 }; // characters

enum tag_problem {
    TAG_FINE,
    TAG_LENGTH,     // keys have 1 to TAG_KEY_MAX characters, values up to TAG_VALUE_MAX
    TAG_CHARACTERS, // others than letters, digits, white space and _ . : / = + - @
    TAG_RESERVED,   // begins with aws:, in any case
};
// How services say so differs.
enum tag_problem tag_key_problem(struct str key);
enum tag_problem tag_value_problem(struct str value);

// Adds a tag, or gives one of that key another value; E_LIMIT: there are TAGS_MAX others.
MUST_USE int tag_list_put(struct arena *arena, struct store_tag_list_record *tags, struct str key,
                          struct str value);
// A key that is not there is no error.
void tag_list_del(struct store_tag_list_record *tags, struct str key);

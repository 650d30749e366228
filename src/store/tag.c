// Tags: what may be one, and lists of them.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/tag.h"

#include "src/base/utf8.h"

// Letters and digits of any script, white space and _.:/=+-@
static bool
is_tag_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char ch = (unsigned char)text.ptr[i];
        bool is_letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch >= 0x80;
        bool is_digit = ch >= '0' && ch <= '9';
        if (!is_letter && !is_digit && ch != ' ' && ch != '\t' && ch != '\n' && ch != '\r' &&
            !(ch > ' ' && strchr("_.:/=+-@", ch)))
            return false;
    }
    return true;
}

static enum tag_problem
text_problem(struct str text, size_t min, size_t max)
{
    size_t length = utf8_length(text);
    if (length < min || length > max)
        return TAG_LENGTH;
    if (!is_tag_text(text))
        return TAG_CHARACTERS;
    return str_eq_nocase(str_slice(text, 0, 4), STR("aws:")) ? TAG_RESERVED : TAG_FINE;
}

enum tag_problem
tag_key_problem(struct str key)
{
    return text_problem(key, 1, TAG_KEY_MAX);
}

enum tag_problem
tag_value_problem(struct str value)
{
    return text_problem(value, 0, TAG_VALUE_MAX);
}

static struct store_tag_record *
tag_find(const struct store_tag_list_record *tags, struct str key)
{
    for (size_t i = 0; i < tags->count; i++)
        if (str_eq(tags->items[i].key, key))
            return &tags->items[i];
    return NULL;
}

int
tag_list_put(struct arena *arena, struct store_tag_list_record *tags, struct str key,
             struct str value)
{
    struct store_tag_record *tag = tag_find(tags, key);
    if (!tag) {
        if (tags->count >= TAGS_MAX)
            return E_LIMIT;
        size_t item = sizeof(tags->items[0]);
        tags->items = arena_grow(arena, tags->items, tags->count * item, (tags->count + 1) * item);
        tag = &tags->items[tags->count++];
    }
    *tag = (struct store_tag_record){key, value};
    return OK;
}

void
tag_list_del(struct store_tag_list_record *tags, struct str key)
{
    struct store_tag_record *tag = tag_find(tags, key);
    if (tag)
        *tag = tags->items[--tags->count];
}

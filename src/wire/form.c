// application/x-www-form-urlencoded bodies as a sorted array, to be walked by prefix.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/form.h"

#include <stdlib.h>

#include "src/base/encoding.h"
#include "src/wire/protocol.h"

static size_t
segment_bytes(struct str name, size_t at)
{
    const char *dot = memchr(name.ptr + at, '.', name.len - at);
    return dot == NULL ? name.len - at : (size_t)(dot - name.ptr) - at;
}

// The first byte of the first segments that differ, or the end of the shorter name.
static size_t
common_bytes(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    size_t start = 0;
    for (size_t i = 0; i < shorter && a.ptr[i] == b.ptr[i]; i++) {
        if (a.ptr[i] == '.')
            start = i + 1;
    }
    return start;
}

static int
name_cmp(struct str a, struct str b)
{
    size_t start = common_bytes(a, b);
    size_t a_len = segment_bytes(a, start), b_len = segment_bytes(b, start);
    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    int order = memcmp(a.ptr + start, b.ptr + start, a_len);
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static int
pair_cmp(const void *left, const void *right)
{
    const struct form_pair *a = left, *b = right;
    int order = name_cmp(a->name, b->name);
    return order != 0 ? order : a->position < b->position ? -1 : 1;
}

static int
parse_pair(struct arena *arena, struct str text, struct form_pair *out)
{
    struct str name, value;
    if (!str_cut(text, '=', &name, &value))
        value = STR("");
    TRY(percent_decode(arena, name, true, &out->name));
    return percent_decode(arena, value, true, &out->value);
}

static size_t
pairs_in(struct str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '&';
    return n;
}

int
form_parse(struct arena *arena, struct str text, size_t pairs_max, struct form *out)
{
    struct str head;
    size_t size = pairs_in(text);
    if (size > pairs_max)
        return E_LIMIT;
    *out = (struct form){ARENA_ARRAY(arena, size, struct form_pair), 0};
    for (bool more = text.len > 0; more;) {
        more = str_cut(text, '&', &head, &text);
        if (head.len == 0)
            continue;
        struct form_pair *pair = &out->pairs[out->count];
        TRY(parse_pair(arena, head, pair));
        pair->position = out->count++;
    }
    if (out->count > 1)
        qsort(out->pairs, out->count, sizeof(out->pairs[0]), pair_cmp);
    return OK;
}

struct form_range
form_all(const struct form *f)
{
    return (struct form_range){.to = f->count};
}

// Whether the pair's name is, or is below, that segment.
static bool
is_below(const struct form_pair *pair, size_t prefix_bytes, struct str segment)
{
    struct str rest = str_slice(pair->name, prefix_bytes, pair->name.len);
    return str_starts(rest, segment) && (rest.len == segment.len || rest.ptr[segment.len] == '.');
}

bool
form_next(const struct form *f, struct form_range *range, struct str *segment,
          struct form_range *below)
{
    if (range->from == range->to)
        return false;
    size_t at = range->prefix_bytes;
    struct str name = f->pairs[range->from].name;
    *segment = (struct str){name.ptr + at, segment_bytes(name, at)};
    size_t end = at + segment->len;
    *below = (struct form_range){.prefix_bytes = end + 1};
    if (name.len == end)
        below->value = f->pairs[range->from].value;
    while (range->from < range->to && f->pairs[range->from].name.len == end &&
           is_below(&f->pairs[range->from], at, *segment))
        range->from++;
    below->from = range->from;
    while (range->from < range->to && is_below(&f->pairs[range->from], at, *segment))
        range->from++;
    below->to = range->from;
    return true;
}

bool
form_find(const struct form *f, const struct form_range *range, struct str segment,
          struct form_range *below)
{
    struct form_range rest = *range;
    struct str found;
    while (form_next(f, &rest, &found, below)) {
        if (str_eq(found, segment))
            return true;
    }
    return false;
}

struct str
wire_form_get(struct str form, struct str name, struct arena *arena)
{
    struct str head, found, value;
    for (bool more = form.len > 0; more;) {
        more = str_cut(form, '&', &head, &form);
        if (!str_cut(head, '=', &found, &value))
            value = STR("");
        if (percent_decode(arena, found, true, &found) != OK || !str_eq(found, name))
            continue;
        return percent_decode(arena, value, true, &value) == OK ? value : (struct str){0};
    }
    return (struct str){0};
}

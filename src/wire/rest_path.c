// Paths against the patterns of AWS's models: "/{Bucket}/{Key+}".
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/rest_path.h"

#include "src/base/encoding.h"

// Takes the next segment out of the front of a path or pattern: false at its end. A single slash at
// the end is no segment.
static bool
next_segment(struct str *rest, struct str *segment)
{
    struct str at = str_starts(*rest, STR("/")) ? str_slice(*rest, 1, rest->len) : *rest;
    if (at.len == 0)
        return false;
    ptrdiff_t end = str_find_char(at, '/');
    *segment = str_slice(at, 0, end < 0 ? at.len : (size_t)end);
    *rest = str_slice(at, segment->len, at.len);
    return true;
}

static size_t
count_segments(struct str rest)
{
    struct str segment;
    size_t n = 0;
    while (next_segment(&rest, &segment))
        n++;
    return n;
}

// Whether a segment, percent-encoded, says that text.
static bool
segment_is(struct str segment, struct str text)
{
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = '\0';
        bool is_escape = at + 2 < segment.len && segment.ptr[at] == '%';
        if (is_escape && hex_decode(str_slice(segment, at + 1, at + 3), &c, 1) != OK)
            return false;
        if (!is_escape && at < segment.len)
            c = segment.ptr[at];
        if (c != text.ptr[i])
            return false;
        at += is_escape ? 3 : 1;
    }
    return at == segment.len;
}

static bool
is_greedy(struct str part)
{
    return str_starts(part, STR("{")) && str_ends(part, STR("+}"));
}

// All of the path but the slash in front and as many segments as the pattern still has.
static struct str
take_greedy(struct str *rest, size_t segments_after)
{
    struct str taken = str_starts(*rest, STR("/")) ? str_slice(*rest, 1, rest->len) : *rest;
    size_t end = taken.len;
    if (segments_after > 0 && str_ends(taken, STR("/")))
        end--;
    for (size_t n = 0; n < segments_after && end > 0; n++) {
        do
            end--;
        while (end > 0 && taken.ptr[end] != '/');
    }
    *rest = str_slice(taken, end, taken.len);
    return str_slice(taken, 0, end);
}

static bool
take_part(struct str part, struct str pattern_rest, struct str *rest, struct str *taken)
{
    if (is_greedy(part)) {
        *taken = take_greedy(rest, count_segments(pattern_rest));
        return taken->len > 0;
    }
    if (!next_segment(rest, taken))
        return false;
    return str_starts(part, STR("{")) ? taken->len > 0 : segment_is(*taken, part);
}

static struct str
label_name(struct str part)
{
    return str_slice(part, 1, part.len - (is_greedy(part) ? 2 : 1));
}

bool
rest_path_match(const char *pattern, struct str path, struct str label, struct str *value)
{
    struct str rest = {pattern, strcspn(pattern, "?")}, part, taken;
    *value = (struct str){0};
    while (next_segment(&rest, &part)) {
        if (!take_part(part, rest, &path, &taken))
            return false;
        if (str_starts(part, STR("{")) && str_eq(label_name(part), label))
            *value = taken;
    }
    return path.len == 0 || str_eq(path, STR("/"));
}

// libFuzzer: a pattern, a line's end, a text; the fast way says the same as the slow one.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/pattern.h"
#include "src/wire/pattern_plain.h"

enum { PATTERN_BYTES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
check(struct arena *arena, const char *format, struct str pattern, struct str text)
{
    struct wire_patterns patterns;
    struct str copy = arena_print(arena, format, STR_ARG(pattern));
    struct wire_model m = {.text = arena_copy_z(arena, copy)};
    struct wire_constraint c = {.pattern = 1}; // behind the format's first character
    wire_patterns_init(&patterns);
    int code = wire_pattern_check(&patterns, &m, &c, text);
    wire_patterns_fini(&patterns);
    return code;
}

static bool
is_unlimited(const struct plain_pattern *p, struct str text)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->parts[i].min > text.len ||
            (p->parts[i].max > text.len && p->parts[i].max != UINT32_MAX))
            return false;
    }
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct plain_pattern plain;
    struct str pattern, text, input = {(const char *)data, size};
    if (!str_cut(input, '\n', &pattern, &text) || pattern.len > PATTERN_BYTES_MAX ||
        str_find_char(pattern, '\0') >= 0)
        return 0;
    arena_init(&arena);
    int fast = check(&arena, " " STR_FMT, pattern, text);
    int slow = check(&arena, " (?:" STR_FMT ")", pattern, text);
    // The slow one may give up, and has no counts above PCRE2's.
    if (plain_parse(pattern, &plain) && is_unlimited(&plain, text) && slow != E_LIMIT)
        CHECK(fast == slow || !str_is_utf8(text));
    arena_fini(&arena);
    return 0;
}

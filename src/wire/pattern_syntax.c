// Patterns of AWS's models, which are Java's regular expressions, in the syntax of PCRE2.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/pattern_syntax.h"

#include "src/base/encoding.h"

enum {
    REPEAT_MAX = 65535, // PCRE2's, in {n,m}
    HIGH_SURROGATE = 0xd800,
    LOW_SURROGATE = 0xdc00,
    SURROGATES_END = 0xe000,
};

struct translation {
    struct str rest;
    struct buf *out;
    bool is_in_class;
    bool is_dot_all; // (?s): '.' matches ends of lines too
};

static void
copy(struct translation *t, size_t bytes)
{
    struct str head = str_slice(t->rest, 0, bytes);
    buf_put(t->out, head);
    t->rest = str_slice(t->rest, head.len, t->rest.len);
}

static void
replace(struct translation *t, size_t bytes, struct str by)
{
    buf_put(t->out, by);
    t->rest = str_slice(t->rest, bytes, t->rest.len);
}

// \uXXXX at a place of the rest.
static bool
peek_unicode(const struct translation *t, size_t at, unsigned *out)
{
    unsigned char bytes[2];
    struct str escape = str_slice(t->rest, at, at + 6);
    if (escape.len < 6 || !str_starts(escape, STR("\\u")) ||
        hex_decode(str_slice(escape, 2, 6), bytes, sizeof(bytes)) != OK)
        return false;
    *out = bytes[0] * 256u + bytes[1];
    return true;
}

// PCRE2 in UTF mode knows no surrogates: a pair is the character that it stands for.
static void
put_unicode(struct translation *t, unsigned code)
{
    unsigned low;
    size_t bytes = 6;
    bool is_high = code >= HIGH_SURROGATE && code < LOW_SURROGATE;
    if (is_high && peek_unicode(t, bytes, &low) && low >= LOW_SURROGATE && low < SURROGATES_END) {
        code = 0x10000 + (code - HIGH_SURROGATE) * 0x400 + (low - LOW_SURROGATE);
        bytes *= 2;
    }
    buf_print(t->out, "\\x{%x}", code);
    t->rest = str_slice(t->rest, bytes, t->rest.len);
}

// Behind a set, PCRE2 takes a '-' for a range that is none.
static void
copy_set(struct translation *t)
{
    copy(t, 2);
    bool is_dash = str_starts(t->rest, STR("-")) && !str_starts(t->rest, STR("-]"));
    if (t->is_in_class && is_dash)
        replace(t, 1, STR("\\-"));
}

static void
put_escape(struct translation *t)
{
    unsigned code;
    char c = t->rest.len > 1 ? t->rest.ptr[1] : '\0';
    if (peek_unicode(t, 0, &code))
        put_unicode(t, code);
    else if (str_starts(t->rest, STR("\\p{Print}")))
        replace(t, 9, t->is_in_class ? STR(" -~") : STR("[ -~]"));
    else if (c != '\0' && strchr("dDwWsS", c) != NULL)
        copy_set(t);
    else
        copy(t, 2);
}

static bool
is_too_large(struct str number)
{
    int64_t value;
    int code = str_to_int64(number, &value);
    return code == E_LIMIT || (code == OK && value > REPEAT_MAX);
}

// {n}, {n,} and {n,m}; anything else in braces is left to PCRE2.
static void
put_braces(struct translation *t)
{
    struct str inside, from, to, after;
    if (!str_cut(str_slice(t->rest, 1, t->rest.len), '}', &inside, &after) ||
        !str_cut(inside, ',', &from, &to) || !is_too_large(to)) {
        copy(t, 1);
        return;
    }
    replace(t, inside.len + 2, STR("{"));
    buf_put(t->out, from);
    buf_put(t->out, STR(",}"));
}

static void
put_plain(struct translation *t)
{
    char c = t->rest.ptr[0];
    if (t->is_in_class)
        t->is_in_class = c != ']';
    else
        t->is_in_class = c == '[';
    copy(t, 1);
    if (c == '[' && t->rest.len > 0 && strchr(".:=", t->rest.ptr[0]) != NULL)
        buf_put_char(t->out, '\\');
    if (c == '[' && str_starts(t->rest, STR("^")))
        copy(t, 1);
    if (c == '[' && str_starts(t->rest, STR("]")))
        copy(t, 1);
}

void
pattern_translate(struct str pattern, struct buf *out)
{
    struct translation t = {.rest = pattern, .out = out};
    t.is_dot_all = str_find(pattern, STR("(?s)")) >= 0;
    while (t.rest.len > 0) {
        char c = t.rest.ptr[0];
        if (c == '\\')
            put_escape(&t);
        else if (c == '{' && !t.is_in_class)
            put_braces(&t);
        else if (c == '.' && !t.is_in_class && !t.is_dot_all)
            replace(&t, 1, STR("[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"));
        else
            put_plain(&t);
    }
}

// Patterns that are one character class after the other, matched without a regular expression.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/pattern_plain.h"

#include "src/base/utf8.h"

enum { ASCII_END = 128, COUNT_MAX = 100000000 };

struct scanner {
    const char *at, *end;
};

// Unicode's categories and Java's POSIX classes, as far as they are ASCII.
static const struct {
    const char *name;
    const char *ascii; // ranges, two characters each
    enum plain_wide wide;
} properties[] = {
    {"L", "AZaz", PLAIN_WIDE_ASK},
    {"M", "", PLAIN_WIDE_ASK},
    {"N", "09", PLAIN_WIDE_ASK},
    {"P", "!#%*,/:;?@[]__{{}}", PLAIN_WIDE_ASK},
    {"S", "$$++<>^^``||~~", PLAIN_WIDE_ASK},
    {"Z", "  ", PLAIN_WIDE_ASK},
    {"Zs", "  ", PLAIN_WIDE_ASK},
    {"Print", " ~", PLAIN_WIDE_NONE},
};

static void
add_range(struct plain_part *part, unsigned from, unsigned to)
{
    for (unsigned c = from; c <= to && c < ASCII_END; c++)
        part->ascii[c / 64] |= UINT64_C(1) << c % 64;
    if (to >= ASCII_END)
        part->wide = PLAIN_WIDE_ASK;
}

static void
add_ranges(struct plain_part *part, const char *ranges)
{
    for (; *ranges != '\0'; ranges += 2)
        add_range(part, (unsigned char)ranges[0], (unsigned char)ranges[1]);
}

static void
negate(struct plain_part *part)
{
    part->ascii[0] = ~part->ascii[0];
    part->ascii[1] = ~part->ascii[1];
    if (part->wide != PLAIN_WIDE_ASK)
        part->wide = part->wide == PLAIN_WIDE_NONE ? PLAIN_WIDE_ALL : PLAIN_WIDE_NONE;
}

static void
add_all(struct plain_part *part, const struct plain_part *other)
{
    part->ascii[0] |= other->ascii[0];
    part->ascii[1] |= other->ascii[1];
    if (other->wide > part->wide)
        part->wide = other->wide;
}

static bool
take(struct scanner *s, char c)
{
    bool is_next = s->at < s->end && *s->at == c;
    s->at += is_next;
    return is_next;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return c > '@' && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool
read_hex(struct scanner *s, size_t digits, unsigned *out)
{
    *out = 0;
    for (; digits > 0; digits--, s->at++) {
        int digit = s->at == s->end ? -1 : hex_digit(*s->at);
        if (digit < 0)
            return false;
        *out = *out * 16 + (unsigned)digit;
    }
    return true;
}

static bool
read_property(struct scanner *s, struct plain_part *part)
{
    struct str rest = {s->at, (size_t)(s->end - s->at)}, name;
    if (!str_cut(rest, '}', &name, &rest) || !str_starts(name, STR("{")))
        return false;
    s->at += name.len + 1;
    name = str_slice(name, 1, name.len);
    for (size_t i = 0; i < COUNT_OF(properties); i++) {
        if (!str_eq(name, str_of(properties[i].name)))
            continue;
        add_ranges(part, properties[i].ascii);
        if (properties[i].wide > part->wide)
            part->wide = properties[i].wide;
        return true;
    }
    return false;
}

// \d \w \s, ASCII only as in Java, and their opposites.
static bool
add_shorthand(struct plain_part *part, char letter)
{
    struct plain_part set = {0};
    char lower = (char)(letter | 0x20);
    add_ranges(&set, lower == 'd' ? "09" : lower == 'w' ? "AZaz09__" : "\t\r  ");
    if (letter != lower)
        negate(&set);
    add_all(part, &set);
    return true;
}

// What stands behind a backslash: a set that was added to the part, or one character.
static bool
read_escape(struct scanner *s, struct plain_part *part, bool *is_set, unsigned *out)
{
    static const char names[] = "nrtf", values[] = "\n\r\t\f";
    if (s->at == s->end)
        return false;
    char c = *s->at++;
    const char *name = c == '\0' ? NULL : strchr(names, c);
    *is_set = c != '\0' && strchr("dDwWsSp", c) != NULL;
    if (*is_set)
        return c == 'p' ? read_property(s, part) : add_shorthand(part, c);
    if (c == 'x' || c == 'u')
        return read_hex(s, c == 'x' ? 2 : 4, out);
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    *out = (unsigned char)(name != NULL ? values[name - names] : c);
    return name != NULL || (!is_letter && *out < ASCII_END);
}

// One character of a class, or a set. Java reads a '[' here as a nested class, "&&" as a cut.
static bool
read_class_item(struct scanner *s, struct plain_part *part, bool *is_set, unsigned *out)
{
    *is_set = false;
    if (s->at == s->end || *s->at == '[' || (s->end - s->at > 1 && memcmp(s->at, "&&", 2) == 0))
        return false;
    if (take(s, '\\'))
        return read_escape(s, part, is_set, out);
    *out = (unsigned char)*s->at++;
    return *out < ASCII_END;
}

// What follows a class's first character: the end of a range, when a '-' stands there.
static bool
read_range_end(struct scanner *s, unsigned from, unsigned *to)
{
    bool is_set;
    struct plain_part none = {0};
    *to = from;
    if (s->end - s->at < 2 || s->at[0] != '-' || s->at[1] == ']')
        return true;
    s->at++;
    return read_class_item(s, &none, &is_set, to) && !is_set && *to >= from;
}

static bool
read_class(struct scanner *s, struct plain_part *part)
{
    bool is_negated = take(s, '^'), is_set;
    unsigned from, to;
    do {
        if (!read_class_item(s, part, &is_set, &from))
            return false;
        if (is_set)
            continue;
        if (!read_range_end(s, from, &to))
            return false;
        add_range(part, from, to);
    } while (!take(s, ']'));
    if (is_negated)
        negate(part);
    return true;
}

static bool
read_atom(struct scanner *s, struct plain_part *part)
{
    bool is_set;
    unsigned c;
    if (take(s, '['))
        return read_class(s, part);
    if (take(s, '.')) { // not a line's end: ASCII's two, and three others
        add_ranges(part, "\n\n\r\r");
        negate(part);
        part->wide = PLAIN_WIDE_ASK;
        return true;
    }
    if (take(s, '\\')) {
        if (!read_escape(s, part, &is_set, &c))
            return false;
        if (!is_set)
            add_range(part, c, c);
        return true;
    }
    c = (unsigned char)*s->at++;
    add_range(part, c, c);
    return c < ASCII_END && strchr("()|*+?{}]^$", (int)c) == NULL;
}

static bool
read_number(struct scanner *s, uint32_t *out)
{
    const char *start = s->at;
    *out = 0;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
        *out = *out * 10 + (uint32_t)(*s->at - '0');
        if (*out > COUNT_MAX)
            return false;
    }
    return s->at > start;
}

static bool
read_braces(struct scanner *s, struct plain_part *part)
{
    if (!read_number(s, &part->min))
        return false;
    part->max = part->min;
    if (take(s, ',')) {
        part->max = UINT32_MAX;
        if (s->at < s->end && *s->at != '}' && !read_number(s, &part->max))
            return false;
    }
    return take(s, '}') && part->min <= part->max;
}

static bool
read_count(struct scanner *s, struct plain_part *part)
{
    bool is_star = take(s, '*');
    part->min = part->max = 1;
    if (is_star || take(s, '+')) {
        part->min = is_star ? 0 : 1;
        part->max = UINT32_MAX;
    } else if (take(s, '?')) {
        part->min = 0;
    } else if (take(s, '{') && !read_braces(s, part)) {
        return false;
    }
    return s->at == s->end || (*s->at != '?' && *s->at != '+'); // lazy, possessive
}

static bool
is_disjoint(const struct plain_part *a, const struct plain_part *b)
{
    return (a->ascii[0] & b->ascii[0]) == 0 && (a->ascii[1] & b->ascii[1]) == 0 &&
           (a->wide == PLAIN_WIDE_NONE || b->wide == PLAIN_WIDE_NONE);
}

// Whether taking as much as possible, part by part, finds a match if there is one: what follows a
// part of no fixed length can not begin with one of its characters.
static bool
is_without_choice(const struct plain_pattern *p)
{
    for (size_t i = 0; i < p->count; i++) {
        for (size_t k = i + 1; p->parts[i].min < p->parts[i].max && k < p->count; k++) {
            if (!is_disjoint(&p->parts[i], &p->parts[k]))
                return false;
            if (p->parts[k].min > 0)
                break;
        }
    }
    return true;
}

bool
plain_parse(struct str pattern, struct plain_pattern *out)
{
    struct scanner s = {pattern.ptr, pattern.ptr + pattern.len};
    out->count = 0;
    take(&s, '^');
    while (s.at < s.end && !(*s.at == '$' && s.at + 1 == s.end)) {
        if (out->count == PLAIN_PARTS_MAX)
            return false;
        struct plain_part *part = &out->parts[out->count++];
        *part = (struct plain_part){0};
        if (!read_atom(&s, part) || !read_count(&s, part))
            return false;
    }
    return is_without_choice(out);
}

// Takes one character that the class accepts.
static enum plain_answer
match_char(const struct plain_part *part, struct str text, size_t *at)
{
    unsigned char c = (unsigned char)text.ptr[*at];
    if (c < ASCII_END) {
        *at += 1;
        return part->ascii[c / 64] >> c % 64 & 1 ? PLAIN_YES : PLAIN_NO;
    }
    if (part->wide != PLAIN_WIDE_ALL)
        return part->wide == PLAIN_WIDE_ASK ? PLAIN_ASK : PLAIN_NO;
    size_t bytes = utf8_char_bytes(str_slice(text, *at, text.len));
    *at += bytes;
    return bytes > 0 ? PLAIN_YES : PLAIN_NO;
}

static enum plain_answer
match_part(const struct plain_part *part, struct str text, size_t *at)
{
    for (uint32_t n = 0; n < part->max; n++) {
        size_t next = *at;
        enum plain_answer answer = next < text.len ? match_char(part, text, &next) : PLAIN_NO;
        if (answer == PLAIN_NO)
            return n < part->min ? PLAIN_NO : PLAIN_YES;
        if (answer == PLAIN_ASK)
            return PLAIN_ASK;
        *at = next;
    }
    return PLAIN_YES;
}

enum plain_answer
plain_match(const struct plain_part *parts, size_t count, struct str text)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        enum plain_answer answer = match_part(&parts[i], text, &at);
        if (answer != PLAIN_YES)
            return answer;
    }
    return at == text.len ? PLAIN_YES : PLAIN_NO;
}

// JSON text, read: a pull reader, RFC 8259.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/json.h"

#include "src/wire/json_scan.h"

static void
skip_space(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static bool
take_char(struct json_reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

void
json_reader_init(struct json_reader *r, struct str text, struct arena *arena, unsigned depth_max)
{
    *r = (struct json_reader){.at = text.ptr, .arena = arena, .depth_max = depth_max};
    if (r->at == NULL)
        r->at = "";
    r->end = r->at + text.len;
}

enum json_kind
json_peek(struct json_reader *r)
{
    skip_space(r);
    if (r->at == r->end)
        return JSON_BAD;
    switch (*r->at) {
    case 'n':
        return JSON_NULL;
    case 'f':
        return JSON_FALSE;
    case 't':
        return JSON_TRUE;
    case '"':
        return JSON_STRING;
    case '[':
        return JSON_ARRAY;
    case '{':
        return JSON_OBJECT;
    default:
        return *r->at == '-' || (*r->at >= '0' && *r->at <= '9') ? JSON_NUMBER : JSON_BAD;
    }
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The four digits after \u.
static int
read_hex4(struct json_reader *r, uint32_t *out)
{
    if (r->end - r->at < 4)
        return E_INVALID;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(*r->at++);
        if (digit < 0)
            return E_INVALID;
        *out = *out << 4 | (uint32_t)digit;
    }
    return OK;
}

// One character after \u; a surrogate must be a high one with its low one behind it.
static int
read_unicode(struct json_reader *r, uint32_t *out)
{
    uint32_t low;
    TRY(read_hex4(r, out));
    if (*out < 0xd800 || *out > 0xdfff)
        return OK;
    if (*out >= 0xdc00 || !take_char(r, '\\') || !take_char(r, 'u'))
        return E_INVALID;
    TRY(read_hex4(r, &low));
    if (low < 0xdc00 || low > 0xdfff)
        return E_INVALID;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return OK;
}

static char *
put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    *out++ = (char)(leads[more] | c >> (6 * more));
    while (more-- > 0)
        *out++ = (char)(0x80 | (c >> (6 * more) & 0x3f));
    return out;
}

// What an escape of one letter stands for; 0: there is none such.
static char
letter_value(char name)
{
    switch (name) {
    case '"':
    case '\\':
    case '/':
        return name;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

// What follows a backslash. No escape is shorter than what it stands for.
static int
read_escape(struct json_reader *r, char **to)
{
    uint32_t unicode;
    if (r->at == r->end)
        return E_INVALID;
    char name = *r->at++;
    if (name != 'u') {
        **to = letter_value(name);
        return *(*to)++ != 0 ? OK : E_INVALID;
    }
    TRY(read_unicode(r, &unicode));
    *to = put_utf8(*to, unicode);
    return OK;
}

// The closing quote of the string that r is in, or where it breaks; escapes are stepped over.
static const char *
string_end(const struct json_reader *r)
{
    uint64_t high = 0;
    const char *p = r->at;
    while ((p = json_plain_end(p, r->end, &high)) < r->end && *p == '\\')
        p += r->end - p < 2 ? 1 : 2;
    return p;
}

// A string that has escapes, from its start.
static int
read_escaped(struct json_reader *r, struct str *out, uint64_t *high)
{
    const char *end = string_end(r);
    char *copy = arena_alloc_bytes(r->arena, (size_t)(end - r->at));
    char *to = copy;
    for (;;) {
        const char *start = r->at;
        r->at = json_copy_plain(start, end, to, high);
        to += r->at - start;
        if (r->at == end)
            break;
        r->at++; // nothing but a backslash stops before the end
        TRY(read_escape(r, &to));
    }
    *out = (struct str){copy, (size_t)(to - copy)};
    return OK;
}

int
json_read_string(struct json_reader *r, struct str *out)
{
    uint64_t high = 0;
    skip_space(r);
    if (!take_char(r, '"'))
        return E_INVALID;
    const char *start = r->at;
    r->at = json_plain_end(start, r->end, &high);
    *out = (struct str){start, (size_t)(r->at - start)};
    if (r->at < r->end && *r->at == '\\') {
        r->at = start;
        TRY(read_escaped(r, out, &high));
    }
    if (!take_char(r, '"'))
        return E_INVALID;
    return high == 0 || str_is_utf8(*out) ? OK : E_INVALID;
}

// At least one digit.
static bool
take_digits(struct json_reader *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > start;
}

static bool
take_exponent(struct json_reader *r)
{
    if (!take_char(r, 'e') && !take_char(r, 'E'))
        return true;
    if (!take_char(r, '+'))
        take_char(r, '-');
    return take_digits(r);
}

int
json_read_number(struct json_reader *r, struct str *out)
{
    skip_space(r);
    const char *start = r->at;
    take_char(r, '-');
    if (!take_char(r, '0') && !take_digits(r))
        return E_INVALID;
    if (take_char(r, '.') && !take_digits(r))
        return E_INVALID;
    if (!take_exponent(r))
        return E_INVALID;
    *out = (struct str){start, (size_t)(r->at - start)};
    return OK;
}

int
json_read_literal(struct json_reader *r)
{
    static const char *const texts[] = {
        [JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true"};
    enum json_kind kind = json_peek(r);
    if (kind > JSON_TRUE)
        return E_INVALID;
    size_t len = strlen(texts[kind]);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, texts[kind], len) != 0)
        return E_INVALID;
    r->at += len;
    return OK;
}

static int
begin(struct json_reader *r, char open)
{
    skip_space(r);
    if (!take_char(r, open))
        return E_INVALID;
    if (r->depth == r->depth_max)
        return E_LIMIT;
    r->depth++;
    r->is_first = true;
    return OK;
}

static int
next(struct json_reader *r, char close, bool *more)
{
    bool is_first = r->is_first;
    r->is_first = false;
    skip_space(r);
    *more = !take_char(r, close);
    if (!*more)
        r->depth--;
    return !*more || is_first || take_char(r, ',') ? OK : E_INVALID;
}

int
json_array_begin(struct json_reader *r)
{
    return begin(r, '[');
}

int
json_array_next(struct json_reader *r, bool *more)
{
    return next(r, ']', more);
}

int
json_object_begin(struct json_reader *r)
{
    return begin(r, '{');
}

int
json_object_next(struct json_reader *r, bool *more, struct str *key)
{
    TRY(next(r, '}', more));
    if (!*more)
        return OK;
    TRY(json_read_string(r, key));
    skip_space(r);
    return take_char(r, ':') ? OK : E_INVALID;
}

static int
skip_array(struct json_reader *r)
{
    bool more;
    TRY(json_array_begin(r));
    for (;;) {
        TRY(json_array_next(r, &more));
        if (!more)
            return OK;
        TRY(json_skip(r));
    }
}

static int
skip_object(struct json_reader *r)
{
    bool more;
    struct str key;
    TRY(json_object_begin(r));
    for (;;) {
        TRY(json_object_next(r, &more, &key));
        if (!more)
            return OK;
        TRY(json_skip(r));
    }
}

int
json_skip(struct json_reader *r)
{
    struct str text;
    switch (json_peek(r)) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        return json_read_literal(r);
    case JSON_NUMBER:
        return json_read_number(r, &text);
    case JSON_STRING:
        return json_read_string(r, &text);
    case JSON_ARRAY:
        return skip_array(r);
    case JSON_OBJECT:
        return skip_object(r);
    default:
        return E_INVALID;
    }
}

int
json_end(struct json_reader *r)
{
    skip_space(r);
    return r->at == r->end ? OK : E_INVALID;
}

// XML text, written.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/xml.h"

#include "src/base/utf8.h"
#include "src/wire/json_scan.h"

enum { OPEN_BYTES = 2, CLOSE_BYTES = 3 }; // of a tag, beside its name

// What a byte becomes; absent: it stands for itself, or begins a character that does.
static struct str
escape_of(unsigned char c)
{
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\t':
        return STR("&#x9;");
    case '\n':
        return STR("&#xA;");
    case '\r':
        return STR("&#xD;");
    default:
        return c < 0x20 ? UTF8_REPLACEMENT : (struct str){0};
    }
}

// U+FFFE and U+FFFF are UTF-8 and not XML.
static bool
is_noncharacter(struct str c)
{
    return c.len == 3 && memcmp(c.ptr, "\xef\xbf", 2) == 0 && (unsigned char)c.ptr[2] >= 0xbe;
}

static size_t
put_char(struct buf *b, struct str s)
{
    struct str escape = escape_of((unsigned char)s.ptr[0]);
    size_t n = utf8_char_bytes(s);
    struct str c = str_slice(s, 0, n);
    if (str_is_present(escape))
        buf_put(b, escape);
    else
        buf_put(b, n == 0 || is_noncharacter(c) ? UTF8_REPLACEMENT : c);
    return n == 0 ? 1 : n;
}

static bool
is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '&' && c != '<' && c != '>' && c != '"';
}

// Marks the bytes of a word that are not plain; the lowest mark is exact. < and > differ in one
// bit, and so do & and ".
static uint64_t
special_bytes(uint64_t v)
{
    uint64_t marks = json_zero_bytes((v | JSON_EACH_BYTE('<' ^ '>')) ^ JSON_EACH_BYTE('>')) |
                     json_zero_bytes((v | JSON_EACH_BYTE('&' ^ '"')) ^ JSON_EACH_BYTE('&')) |
                     (v - JSON_EACH_BYTE(0x20)) | v;
    return marks & JSON_EACH_BYTE(0x80);
}

// Copies eight bytes and tells how many of them, from the first, are plain.
static size_t
copy_word(const char *at, char *to)
{
    uint64_t v;
    memcpy(&v, at, sizeof(v));
    memcpy(to, &v, sizeof(v));
    uint64_t special = special_bytes(v);
    return special == 0 ? sizeof(v) : (size_t)__builtin_ctzll(special) / 8;
}

// Copies plain bytes up to the first that is none, and counts them: `to` has room for n.
static size_t
copy_plain(const char *from, size_t n, char *to)
{
    size_t at = 0;
    while (n - at >= 8) {
        size_t plain = copy_word(from + at, to + at);
        at += plain;
        if (plain < 8)
            return at;
    }
    if (at == n)
        return n;
    if (at > 0) // the last word once more: its first bytes are known to be plain
        return n - 8 + copy_word(from + n - 8, to + n - 8);
    while (at < n && is_plain((unsigned char)from[at])) {
        to[at] = from[at];
        at++;
    }
    return at;
}

void
xml_put_text(struct buf *b, struct str s)
{
    size_t at = 0;
    while (at < s.len) {
        size_t plain = copy_plain(s.ptr + at, s.len - at, buf_reserve(b, s.len - at));
        b->len += plain;
        at += plain;
        while (at < s.len && !is_plain((unsigned char)s.ptr[at]))
            at += put_char(b, str_slice(s, at, s.len));
    }
}

// Names are short: a call of memcpy takes longer than their bytes. The last word may overlap.
static char *
copy_name(char *to, const char *name, size_t len)
{
    size_t i = 0;
    for (; len - i >= 8; i += 8)
        memcpy(to + i, name + i, 8);
    if (i > 0 && i < len) {
        memcpy(to + len - 8, name + len - 8, 8);
        return to + len;
    }
    for (; i < len; i++)
        to[i] = name[i];
    return to + len;
}

static char *
copy_open(char *to, const char *name, size_t len)
{
    *to++ = '<';
    to = copy_name(to, name, len);
    *to++ = '>';
    return to;
}

static char *
copy_close(char *to, const char *name, size_t len)
{
    *to++ = '<';
    *to++ = '/';
    to = copy_name(to, name, len);
    *to++ = '>';
    return to;
}

void
xml_put_open(struct buf *b, const char *name)
{
    size_t len = strlen(name);
    copy_open(buf_reserve(b, len + OPEN_BYTES), name, len);
    b->len += len + OPEN_BYTES;
}

void
xml_put_close(struct buf *b, const char *name)
{
    size_t len = strlen(name);
    copy_close(buf_reserve(b, len + CLOSE_BYTES), name, len);
    b->len += len + CLOSE_BYTES;
}

// Room for all of it is taken at once; what is escaped takes more.
void
xml_put_element(struct buf *b, const char *name, struct str text)
{
    size_t len = strlen(name);
    char *to = buf_reserve(b, 2 * len + OPEN_BYTES + CLOSE_BYTES + text.len);
    to = copy_open(to, name, len);
    size_t plain = copy_plain(text.ptr, text.len, to);
    b->len += len + OPEN_BYTES + plain;
    if (plain < text.len)
        xml_put_text(b, str_slice(text, plain, text.len));
    copy_close(buf_reserve(b, len + CLOSE_BYTES), name, len);
    b->len += len + CLOSE_BYTES;
}

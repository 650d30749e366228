// XML text, written.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/xml.h"

#include "src/base/utf8.h"

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

void
xml_put_text(struct buf *b, struct str s)
{
    size_t at = 0;
    while (at < s.len) {
        size_t start = at;
        while (at < s.len && is_plain((unsigned char)s.ptr[at]))
            at++;
        buf_put(b, str_slice(s, start, at));
        if (at < s.len)
            at += put_char(b, str_slice(s, at, s.len));
    }
}

void
xml_put_open(struct buf *b, const char *name)
{
    size_t len = strlen(name);
    char *to = buf_reserve(b, len + 2);
    to[0] = '<';
    memcpy(to + 1, name, len);
    to[len + 1] = '>';
    b->len += len + 2;
}

void
xml_put_close(struct buf *b, const char *name)
{
    size_t len = strlen(name);
    char *to = buf_reserve(b, len + 3);
    to[0] = '<';
    to[1] = '/';
    memcpy(to + 2, name, len);
    to[len + 2] = '>';
    b->len += len + 3;
}

void
xml_put_element(struct buf *b, const char *name, struct str text)
{
    xml_put_open(b, name);
    xml_put_text(b, text);
    xml_put_close(b, name);
}

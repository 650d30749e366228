// Structured log lines in logfmt.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "src/base/timestamp.h"

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

enum {
    CUT_NOTE_MAX = 32,   // room for `" cut_bytes=N` and the end of the line
    QUOTE_END_BYTES = 5, // `..."` and the zero
    ESCAPE_BYTES_MAX = 4,
};

struct line {
    size_t len;
    char bytes[LOG_LINE_MAX];
};

static size_t
put_head(const struct log *log, enum log_level level, const char *event, char *out, size_t size)
{
    char t[] = "t=0000-00-00T00:00:00.000Z ";
    if (log->now_ms != NULL)
        timestamp_print_iso(log->now_ms(log->now_arg), t + 2);
    int len = snprintf(out, size, "%slevel=%s event=%s ", log->now_ms == NULL ? "" : t,
                       level_names[level], event);
    CHECK(len > 0 && (size_t)len < size);
    return (size_t)len;
}

// Whether text ends within a quoted value, and whether its last byte begins an escape there.
static bool
ends_in_quotes(struct str text, bool *in_escape)
{
    bool in_quotes = false;
    *in_escape = false;
    for (size_t i = 0; i < text.len; i++) {
        if (*in_escape)
            *in_escape = false;
        else if (text.ptr[i] == '\\' && in_quotes)
            *in_escape = true;
        else if (text.ptr[i] == '"')
            in_quotes = !in_quotes;
    }
    return in_quotes;
}

// Shortens the line, which lacks missing bytes, so that it stays readable and says that it was cut.
static void
note_cut(struct line *line, size_t missing)
{
    size_t len = line->len - CUT_NOTE_MAX;
    // Not within a character.
    while (((uint8_t)line->bytes[len] & 0xc0) == 0x80)
        len--;
    bool in_escape;
    bool in_quotes = ends_in_quotes((struct str){line->bytes, len}, &in_escape);
    len -= in_escape;
    size_t cut = missing + line->len - len;
    int note =
        snprintf(line->bytes + len, CUT_NOTE_MAX, "%s cut_bytes=%zu", in_quotes ? "\"" : "", cut);
    line->len = len + (size_t)note;
}

static void
put_fields(struct line *line, const char *format, va_list args)
{
    size_t room = sizeof(line->bytes) - line->len; // with vsnprintf's zero, where the newline goes
    int wanted = vsnprintf(line->bytes + line->len, room, format, args);
    CHECK(wanted >= 0);
    if ((size_t)wanted < room) {
        line->len += (size_t)wanted;
        return;
    }
    line->len += room - 1;
    note_cut(line, (size_t)wanted - (room - 1));
}

// A value that should have been quoted must not become a second line.
static void
blank_controls(struct line *line)
{
    for (size_t i = 0; i < line->len; i++) {
        if ((uint8_t)line->bytes[i] < ' ' || line->bytes[i] == 0x7f)
            line->bytes[i] = ' ';
    }
}

void
log_event(const struct log *log, enum log_level level, const char *event, const char *format, ...)
{
    if (level < log->level_min)
        return;
    int saved_errno = errno;
    struct line line;
    line.len = put_head(log, level, event, line.bytes, sizeof(line.bytes));
    va_list args;
    va_start(args, format);
    if (format != NULL)
        put_fields(&line, format, args);
    va_end(args);
    blank_controls(&line);
    while (line.len > 0 && line.bytes[line.len - 1] == ' ')
        line.len--;
    line.bytes[line.len++] = '\n';
    // Nobody can be told that the log is broken, and the program goes on without it.
    while (write(log->fd, line.bytes, line.len) < 0 && errno == EINTR)
        ;
    errno = saved_errno;
}

// Writes c as it stands or escaped; the bytes written, at most ESCAPE_BYTES_MAX.
static size_t
put_escaped(char *out, char c, bool is_utf8)
{
    static const char digits[] = "0123456789abcdef";
    static const char named[128] = {
        ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    uint8_t byte = (uint8_t)c;
    if (byte < sizeof(named) && named[byte] != 0) {
        memcpy(out, (char[]){'\\', named[byte]}, 2);
        return 2;
    }
    bool is_plain = byte >= 0x80 ? is_utf8 : byte >= ' ' && byte != 0x7f;
    if (is_plain) {
        out[0] = c;
        return 1;
    }
    memcpy(out, (char[]){'\\', 'x', digits[byte >> 4], digits[byte & 15]}, 4);
    return 4;
}

// Bytes of the character at s[0], so that a cut never splits one.
static size_t
character_bytes(struct str s, bool is_utf8)
{
    size_t n = 1;
    while (is_utf8 && n < s.len && ((uint8_t)s.ptr[n] & 0xc0) == 0x80)
        n++;
    return n;
}

char *
log_quote(struct str s, char *out, size_t size)
{
    CHECK(size > QUOTE_END_BYTES);
    bool is_utf8 = str_is_utf8(s);
    size_t len = 0;
    out[len++] = '"';
    for (size_t i = 0; i < s.len;) {
        char piece[ESCAPE_BYTES_MAX];
        size_t piece_len = 0;
        for (size_t n = character_bytes(str_slice(s, i, s.len), is_utf8); n > 0; n--)
            piece_len += put_escaped(piece + piece_len, s.ptr[i++], is_utf8);
        if (len + piece_len + QUOTE_END_BYTES > size) {
            memcpy(out + len, "...", 3);
            len += 3;
            break;
        }
        memcpy(out + len, piece, piece_len);
        len += piece_len;
    }
    memcpy(out + len, "\"", 2);
    return out;
}

// Reads and writes bodies a piece at a time; see h1_body.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/h1_body.h"

#include <stdio.h>

enum {
    NS_PER_MS = 1000 * 1000,
    NS_PER_BYTE = 1000 * 1000, // of patience: about 1 KiB a second
    SKIP_BYTES_MAX = 256 * 1024,
    PIECE_BYTES = 64 * 1024,
    CHUNK_HEAD_BYTES = 24,
};

const struct str h1_continue = {"HTTP/1.1 100 Continue\r\n\r\n", 25};

// -- of a request

static int64_t
patience_max_ns(const struct h1_body *b)
{
    return b->c->home->options->head_timeout_ms * NS_PER_MS;
}

// The client waits for a word before it sends its body.
static int
send_continue(struct h1_body *b)
{
    struct http_head *head = &b->c->reader->head;
    if (!head->wants_continue)
        return OK;
    head->wants_continue = false;
    return connection_write_all(b->c, &h1_continue, 1);
}

// Only the time in which a reader waits counts against the client.
static int
await_bytes(struct h1_body *b)
{
    int64_t before_ns = connection_now_ns(b->c);
    int code = socket_wait(b->c->socket, SOCKET_READABLE, before_ns + b->patience_ns);
    b->patience_ns -= connection_now_ns(b->c) - before_ns;
    return code;
}

// A client that is faster than we are would keep all others of the loop waiting.
static void
yield_at_times(struct h1_body *b, size_t n)
{
    b->since_yield += n;
    if (b->since_yield < PIECE_BYTES)
        return;
    b->since_yield = 0;
    fiber_yield();
}

// At least one byte from the connection.
static int
receive(struct h1_body *b, char *out, size_t size, size_t *got)
{
    TRY(send_continue(b));
    ptrdiff_t n;
    while ((n = b->c->transport->read(b->c, out, size)) == E_AGAIN)
        TRY(await_bytes(b));
    if (n < 0)
        return (int)n;
    *got = (size_t)n;
    yield_at_times(b, (size_t)n);
    b->patience_ns += n * NS_PER_BYTE;
    if (b->patience_ns > patience_max_ns(b))
        b->patience_ns = patience_max_ns(b);
    return OK;
}

// From now on nothing else tells that the client goes away.
static void
note_end(struct h1_body *b)
{
    struct http_connection *c = b->c;
    b->is_at_end = c->h1.is_read = true;
    c->reader->ahead = (struct str){b->raw, b->raw_len};
    http_chunks_end(&c->reader->chunks, &c->reader->head.request);
    if (!b->is_handled && !c->h1.is_half_closed)
        connection_watch(c, SOCKET_HANGUP);
}

static void
use_raw(struct h1_body *b, size_t n)
{
    b->raw += n;
    b->raw_len -= n;
}

// What came with the head first; then straight into the reader's memory, and not beyond the end.
static int
read_plain(struct h1_body *b, char *out, size_t size, size_t *got)
{
    size_t wanted = (uint64_t)b->left < size ? (size_t)b->left : size, n;
    if (b->raw_len > 0) {
        n = b->raw_len < wanted ? b->raw_len : wanted;
        memcpy(out, b->raw, n);
        use_raw(b, n);
    } else {
        TRY(receive(b, out, wanted, &n));
    }
    *got = n;
    b->left -= (int64_t)n;
    if (b->left == 0)
        note_end(b);
    return OK;
}

static int
decode_more(struct h1_body *b)
{
    if (b->raw_len == 0) {
        b->raw = b->memory;
        TRY(receive(b, b->memory, b->room, &b->raw_len));
    }
    char *from = b->raw;
    size_t consumed, produced;
    enum http_parse result =
        http_chunks_decode(&b->c->reader->chunks, from, b->raw_len, &consumed, &produced);
    use_raw(b, consumed);
    b->ready = (struct str){from, produced};
    if (result == HTTP_PARSE_BAD)
        return E_INVALID;
    if (result == HTTP_PARSE_DONE)
        note_end(b);
    return OK;
}

static int
read_chunked(struct h1_body *b, char *out, size_t size, size_t *got)
{
    while (b->ready.len == 0 && !b->is_at_end)
        TRY(decode_more(b));
    size_t n = b->ready.len < size ? b->ready.len : size;
    if (n > 0)
        memcpy(out, b->ready.ptr, n);
    b->ready = str_slice(b->ready, n, b->ready.len);
    *got = n;
    return OK;
}

static int
h1_body_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct h1_body *b = (struct h1_body *)stream;
    *got = 0;
    bool is_over = b->is_at_end && b->ready.len == 0;
    if (b->code == OK && !is_over && size > 0)
        b->code = b->c->reader->head.is_chunked ? read_chunked(b, out, size, got)
                                                : read_plain(b, out, size, got);
    return b->code;
}

void
h1_body_init(struct h1_body *b, struct http_connection *c)
{
    const struct http_head *head = &c->reader->head;
    *b = (struct h1_body){
        .stream = {.read = h1_body_read,
                   .length = head->is_chunked ? STREAM_LENGTH_UNKNOWN : head->content_length},
        .c = c,
        .is_at_end = !c->h1.is_streamed,
        .left = head->content_length,
    };
    b->patience_ns = patience_max_ns(b);
    c->h1.is_read = b->is_at_end;
    if (b->is_at_end)
        return;
    b->raw = b->memory = http_reader_give_body(c->reader, &b->raw_len, &b->room);
    if (b->raw_len > 0)
        c->reader->head.wants_continue = false;
    c->reader->head.request.stream = &b->stream;
}

bool
h1_body_skip(struct h1_body *b)
{
    char bytes[4096];
    size_t n = 1;
    if (b->c->reader->head.wants_continue && !b->is_at_end)
        return false;   // it may send its body or not
    b->patience_ns = 0; // takes only what is there
    for (size_t skipped = 0; n > 0 && skipped < SKIP_BYTES_MAX; skipped += n)
        if (h1_body_read(&b->stream, bytes, sizeof(bytes), &n) != OK)
            return false;
    return n == 0;
}

// -- of a response

static int
send_piece(struct http_connection *c, struct str piece, bool is_chunked)
{
    char head[CHUNK_HEAD_BYTES];
    if (!is_chunked)
        return connection_write_all(c, &piece, 1);
    int len = snprintf(head, sizeof(head), "%zx\r\n", piece.len);
    struct str parts[] = {{head, (size_t)len}, piece, STR("\r\n")};
    return connection_write_all(c, parts, COUNT_OF(parts));
}

// While the next piece is made nothing is written that would tell of a client that is gone. One
// that waits for a body of known length may have shut down its side.
static int
read_piece(struct http_connection *c, struct stream *s, char *piece, size_t size, size_t *got)
{
    bool is_watched = s->length == STREAM_LENGTH_UNKNOWN && c->h1.is_read && !c->h1.is_half_closed;
    if (is_watched)
        connection_watch(c, SOCKET_HANGUP);
    int code = stream_read(s, piece, size, got);
    connection_watch(c, 0);
    return code;
}

// Never more than the length that was announced.
static int
send_pieces(struct http_connection *c, struct stream *s, bool is_chunked)
{
    int64_t left = s->length == STREAM_LENGTH_UNKNOWN ? INT64_MAX : s->length;
    char *piece = arena_alloc_bytes(&c->reader->arena, PIECE_BYTES);
    size_t n = 1;
    while (n > 0 && left > 0) {
        size_t wanted = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        TRY(read_piece(c, s, piece, wanted, &n));
        left -= (int64_t)n;
        if (n > 0)
            TRY(send_piece(c, (struct str){piece, n}, is_chunked));
        fiber_yield(); // others have their turn, however fast this client is
    }
    if (s->length != STREAM_LENGTH_UNKNOWN)
        return left == 0 ? OK : E_INVALID;
    struct str last = STR("0\r\n\r\n");
    return is_chunked ? connection_write_all(c, &last, 1) : OK;
}

int
h1_send_stream(struct http_connection *c, const struct http_response *r, struct h1_body *body,
               bool *may_go_on)
{
    const struct http_head *request = &c->reader->head;
    bool is_counted = r->stream->length != STREAM_LENGTH_UNKNOWN;
    bool is_chunked = !is_counted && request->minor_version > 0;
    *may_go_on = *may_go_on && (is_counted || is_chunked);
    struct str head =
        http_response_encode(r, request, *may_go_on, connection_date(c), &c->reader->arena);
    if (!body->is_at_end)
        TRY(send_continue(body)); // behind this head it would be none
    TRY(connection_write_all(c, &head, 1));
    if (!http_response_has_body(r, &request->request))
        return OK;
    return send_pieces(c, r->stream, is_chunked);
}

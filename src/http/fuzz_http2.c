// Fuzzes HTTP/2: any frames, in any pieces, answered soon or late, over a clock that jumps.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "src/http/h2.h"
#include "src/http/target.h"

// The first byte says how large the pieces are; the second which requests are answered at once, and
// how far the clock goes with each piece.
enum {
    INPUT_BYTES_MAX = 256 * 1024,
    HELD_MAX = H2_STREAMS_LIVE_MAX,
    OUT_BYTES = 2 * H2_FRAME_BYTES_MAX,
    MS = 1000 * 1000,
};

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct world {
    int64_t now_ns;
    unsigned answer_bits;
    unsigned request_count;
    struct h2_stream *held[HELD_MAX];
    size_t held_count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Paths that begin with /s are streams, in both directions.
static bool
is_stream(const struct h2_stream *s)
{
    return str_starts(s->request.path, STR("/s"));
}

static bool
wants_stream(void *owner, struct h2_stream *s)
{
    return is_stream(s);
}

static void
read_some(struct h2_stream *s)
{
    char bytes[100];
    size_t n = 1;
    int code = OK;
    for (int i = 0; i < 8 && code == OK && n > 0; i++)
        code = h2_read(s, bytes, sizeof(bytes), &n);
    CHECK(code == OK || code == E_AGAIN || code == E_CLOSED);
    CHECK(code != E_CLOSED || s->is_closed);
}

static void
on_progress(void *owner, struct h2_stream *s)
{
    CHECK(s->phase == H2_RUNNING);
}

static void
answer_in_pieces(struct h2_stream *s)
{
    struct http_response r = {.status = 200};
    struct stream none = {.length = STREAM_LENGTH_UNKNOWN};
    r.stream = &none;
    if (s->is_streamed)
        read_some(s);
    h2_answer_begin(s, &r);
    h2_answer_add(s, STR("a piece"));
    h2_answer_end(s, !str_eq(s->request.path, STR("/sbroken")));
}

static void
answer(struct h2_stream *s)
{
    if (is_stream(s) && !str_eq(s->request.method, STR("HEAD"))) {
        answer_in_pieces(s);
        return;
    }
    struct http_response r = {.status = 200, .body = s->request.body};
    http_response_add(&r, STR("X-Path"), s->request.path);
    http_response_add(&r, STR("Connection"), STR("close")); // must not be sent
    r.must_close = str_eq(s->request.path, STR("/close"));
    h2_answer(s, &r);
}

static void
check_request(const struct http_request *r)
{
    struct str host = http_request_header(r, STR("Host"));
    CHECK(r->method.len > 0 && r->path.len > 0);
    CHECK(r->path.ptr[0] == '/' || str_eq(r->path, STR("*")));
    CHECK(str_is_present(host) && http_authority_is_valid(host));
    CHECK(r->header_count <= HTTP_HEADERS_MAX + 1);
    CHECK(r->body.len <= HTTP_BODY_BYTES_MAX);
    for (size_t i = 0; i < r->header_count; i++) {
        CHECK(r->headers[i].name.len > 0 && r->headers[i].name.ptr[0] != ':');
        CHECK(str_find_char(r->headers[i].value, '\n') < 0);
        CHECK(str_find_char(r->headers[i].value, '\r') < 0);
    }
}

static void
on_request(void *owner, struct h2_stream *s)
{
    struct world *w = owner;
    check_request(&s->request);
    if (w->answer_bits >> (w->request_count++ % 4) & 1) {
        answer(s);
    } else {
        CHECK(w->held_count < HELD_MAX);
        w->held[w->held_count++] = s;
    }
}

static void
on_cancel(void *owner, struct h2_stream *s)
{
    CHECK(s->phase == H2_RUNNING);
}

static void
on_refuse(void *owner, const struct h2_stream *s)
{
    CHECK(s->error_status >= 400 && s->error_status < 600);
}

static int64_t
now_ns(void *owner)
{
    struct world *w = owner;
    return w->now_ns;
}

static struct str
date(void *owner)
{
    return STR("Tue, 29 Dec 2015 17:59:00 GMT");
}

static void
write_out(struct h2 *h)
{
    static const int rounds_max = 64; // of a client that does not take all
    char *out = malloc(OUT_BYTES);
    CHECK(out != NULL);
    for (int i = 0; i < rounds_max && h2_fill(h, out, OUT_BYTES) > 0; i++)
        continue;
    free(out);
}

static void
answer_held(struct world *w)
{
    while (w->held_count > 0)
        answer(w->held[--w->held_count]);
}

static void
step(struct h2 *h, struct world *w, int64_t ms)
{
    write_out(h);
    w->now_ns += ms * MS;
    if (h2_deadline_ns(h) <= w->now_ns)
        h2_expire(h);
    if (w->held_count > 2)
        answer_held(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_BYTES_MAX)
        return 0;
    size_t piece = data[0] + (size_t)1;
    struct world w = {.answer_bits = data[1] & 15};
    const struct h2_events events = {
        .wants_stream = wants_stream,
        .on_request = on_request,
        .on_progress = on_progress,
        .on_cancel = on_cancel,
        .on_refuse = on_refuse,
        .now_ns = now_ns,
        .date = date,
        .head_timeout_ms = 300,
        .send_timeout_ms = 700,
    };
    struct h2 *h = h2_new(&events, &w);
    int code = h2_receive(h, (struct str){preface, sizeof(preface) - 1});
    for (size_t at = 2; at < size && code == OK && !h2_is_over(h); at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        code = h2_receive(h, (struct str){(const char *)data + at, n});
        step(h, &w, data[1] >> 4);
    }
    h2_drain(h);
    answer_held(&w);
    write_out(h);
    h2_free(h);
    return 0;
}

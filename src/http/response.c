// Responses as bytes.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/response.h"

enum { HEAD_BYTES_HINT = 512 };

static bool
status_has_body(int status)
{
    return status != 101 && status != 204 && status != 304;
}

static void
put_header(struct buf *b, struct str name, struct str value)
{
    buf_put(b, name);
    buf_put(b, STR(": "));
    buf_put(b, value);
    buf_put(b, STR("\r\n"));
}

static void
put_status_line(struct buf *b, int status)
{
    CHECK(status == 101 || (status >= 200 && status <= 999));
    buf_put(b, STR("HTTP/1.1 "));
    buf_put_int(b, status);
    buf_put_char(b, ' ');
    buf_put(b, str_of(http_status_text(status)));
    buf_put(b, STR("\r\n"));
}

static void
put_connection(struct buf *b, const struct http_head *request, int status, bool keep_alive)
{
    if (status == 101)
        put_header(b, STR("Connection"), STR("Upgrade"));
    else if (!keep_alive)
        put_header(b, STR("Connection"), STR("close"));
    else if (request->minor_version == 0)
        put_header(b, STR("Connection"), STR("keep-alive"));
}

static void
put_framing(struct buf *b, const struct http_response *r, const struct http_head *request)
{
    int64_t length = r->stream ? r->stream->length : (int64_t)r->body.len;
    if (length != STREAM_LENGTH_UNKNOWN) {
        buf_put(b, STR("Content-Length: "));
        buf_put_int(b, length);
        buf_put(b, STR("\r\n"));
    } else if (request->minor_version > 0) {
        put_header(b, STR("Transfer-Encoding"), STR("chunked"));
    }
}

struct str
http_date_get(struct http_date *d, int64_t wall_ms)
{
    int64_t second = wall_ms / 1000;
    if (d->second != second) {
        timestamp_print_http(second * 1000, d->text);
        d->second = second;
    }
    return (struct str){d->text, sizeof(d->text)};
}

struct str
http_response_encode(const struct http_response *r, const struct http_head *request,
                     bool keep_alive, struct str date, struct arena *arena)
{
    struct buf b;
    buf_init(&b, arena, HEAD_BYTES_HINT);
    put_status_line(&b, r->status);
    put_header(&b, STR("Date"), date);
    if (status_has_body(r->status))
        put_framing(&b, r, request);
    put_connection(&b, request, r->status, keep_alive);
    for (size_t i = 0; i < r->header_count; i++)
        put_header(&b, r->headers[i].name, r->headers[i].value);
    for (size_t i = 0; i < r->more_count; i++)
        put_header(&b, r->more[i].name, r->more[i].value);
    buf_put(&b, STR("\r\n"));
    return buf_str(&b);
}

bool
http_response_has_body(const struct http_response *r, const struct http_request *request)
{
    return status_has_body(r->status) && !str_eq(request->method, STR("HEAD"));
}

// What libcurl gives and takes while a request is under way.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/client_state.h"

#include <string.h>

void
client_exchange_wake(struct client_exchange *x)
{
    if (x->waiter != NULL)
        fiber_wake(x->waiter);
}

// -- the response's head

static void
begin_head(struct client_exchange *x, struct str line)
{
    int64_t status = 0;
    struct str version, rest, code;
    str_cut(line, ' ', &version, &rest);
    str_cut(rest, ' ', &code, &rest);
    if (str_to_int64(code, &status) != OK)
        status = 0;
    x->status = (int)status;
    x->header_count = 0;
}

static void
add_header(struct client_exchange *x, struct str line)
{
    struct str name, value;
    if (!str_cut(line, ':', &name, &value))
        return;
    if (x->header_count == HTTP_CLIENT_HEADERS_MAX) {
        x->is_head_too_large = true;
        return;
    }
    if (x->headers == NULL)
        x->headers = ARENA_ARRAY(x->arena, HTTP_CLIENT_HEADERS_MAX, struct header);
    struct header *h = &x->headers[x->header_count++];
    *h = (struct header){arena_copy(x->arena, name), arena_copy(x->arena, str_trim(value))};
}

// Only at the end of a head that is not of an interim response.
static void
end_head(struct client_exchange *x)
{
    if (x->status < 200 && x->status != 101)
        return;
    curl_off_t length = -1;
    const struct curl *c = &x->home->client->curl;
    (void)c->easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    x->length = length < 0 ? STREAM_LENGTH_UNKNOWN : length;
    x->is_head_done = true;
    client_exchange_wake(x);
}

// A line with its end, or the empty one. Trailers come the same way, and are dropped.
size_t
client_on_header(char *line, size_t one, size_t len, void *exchange)
{
    struct client_exchange *x = exchange;
    struct str text = {line, len};
    if (x->is_head_done)
        return len;
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    x->head_bytes += len;
    if (str_starts(text, STR("HTTP/")))
        begin_head(x, text);
    else if (text.len == 0)
        end_head(x);
    else
        add_header(x, text);
    x->is_head_too_large |= x->head_bytes > HTTP_CLIENT_HEAD_BYTES_MAX;
    return x->is_head_too_large ? 0 : len; // 0 ends it
}

// -- the bodies

size_t
client_on_body(char *bytes, size_t one, size_t len, void *exchange)
{
    struct client_exchange *x = exchange;
    if (x->in_end + len > HTTP_CLIENT_BUFFER_BYTES) {
        x->is_in_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    memcpy(x->in + x->in_end, bytes, len);
    x->in_end += len;
    client_exchange_wake(x);
    return len;
}

size_t
client_on_upload(char *out, size_t one, size_t size, void *exchange)
{
    struct client_exchange *x = exchange;
    size_t held = x->out_end - x->out_start, n = held < size ? held : size;
    if (x->out_code != OK)
        return CURL_READFUNC_ABORT;
    if (n == 0 && !x->is_out_done) {
        x->is_out_paused = true;
        return CURL_READFUNC_PAUSE;
    }
    if (n > 0)
        memcpy(out, x->out + x->out_start, n);
    x->out_start += n;
    if (x->out_start == x->out_end && x->pump != NULL)
        fiber_wake(x->pump);
    return n;
}

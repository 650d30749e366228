// Digests of what passes by, compared at the end with what headers say.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/header_digest.h"

#include "src/base/encoding.h"

static size_t
sum_bytes(enum checksum_kind kind)
{
    struct checksum empty;
    uint8_t out[CHECKSUM_BYTES_MAX];
    checksum_init(&empty, kind);
    return checksum_end(&empty, out);
}

static bool
decode(struct header_digest *d, struct str text, size_t bytes, struct str *out)
{
    return base64_decode(d->arena, text, out) == OK && out->len == bytes;
}

// At most one of the kinds: S3 refuses more.
static bool
read_checksum(struct header_digest *d, const struct header *h)
{
    enum checksum_kind kind = checksum_kind_of(h->name);
    if (kind == CHECKSUM_KINDS)
        return true;
    if (str_is_present(d->sum_wanted) || !decode(d, h->value, sum_bytes(kind), &d->sum_wanted))
        return false;
    checksum_init(&d->sum, kind);
    d->result = HEADER_DIGEST_OK;
    return true;
}

static bool
read_headers(struct header_digest *d, const struct http_request *request)
{
    d->md5_sent = http_request_header(request, STR("Content-MD5"));
    if (str_is_present(d->md5_sent)) {
        d->result = HEADER_DIGEST_OK;
        if (!decode(d, d->md5_sent, MD5_BYTES, &d->md5_wanted))
            return false;
    }
    for (size_t i = 0; i < request->header_count; i++)
        if (!read_checksum(d, &request->headers[i]))
            return false;
    return true;
}

enum header_digest_result
header_digest_init(struct header_digest *d, const struct http_request *request)
{
    *d = (struct header_digest){.arena = request->arena};
    md5_stream_init(&d->md5);
    if (!read_headers(d, request))
        d->result = HEADER_DIGEST_INVALID;
    return d->result;
}

static void
add(struct header_digest *d, struct str bytes)
{
    if (str_is_present(d->md5_wanted))
        md5_stream_add(&d->md5, bytes);
    if (str_is_present(d->sum_wanted))
        checksum_add(&d->sum, bytes);
}

static bool
is_md5_right(struct header_digest *d)
{
    struct buf text;
    struct md5 md5 = md5_stream_end(&d->md5);
    struct str bytes = {(const char *)md5.bytes, MD5_BYTES};
    buf_init(&text, d->arena, 2 * MD5_BYTES);
    base64_encode(bytes, &text);
    d->md5_of_all = buf_str(&text);
    return str_eq(bytes, d->md5_wanted);
}

static bool
is_sum_right(struct header_digest *d)
{
    uint8_t out[CHECKSUM_BYTES_MAX];
    size_t len = checksum_end(&d->sum, out);
    return str_eq((struct str){(const char *)out, len}, d->sum_wanted);
}

static int
end(struct header_digest *d)
{
    d->is_at_end = true;
    if ((!str_is_present(d->md5_wanted) || is_md5_right(d)) &&
        (!str_is_present(d->sum_wanted) || is_sum_right(d)))
        return OK;
    d->result = HEADER_DIGEST_WRONG;
    return E_INVALID;
}

static int
read_piece(struct header_digest *d, void *out, size_t size, size_t *got)
{
    TRY(stream_read(d->source, out, size, got));
    add(d, (struct str){out, *got});
    if (d->left != STREAM_LENGTH_UNKNOWN)
        d->left -= (int64_t)*got;
    return *got == 0 || d->left == 0 ? end(d) : OK;
}

static int
header_digest_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct header_digest *d = (struct header_digest *)stream;
    *got = 0;
    if (d->code == OK && !d->is_at_end && size > 0)
        d->code = read_piece(d, out, size, got);
    if (d->code != OK)
        *got = 0; // what came before the fault was seen is not given out
    return d->code;
}

static void
header_digest_close(struct stream *stream)
{
    stream_close(((struct header_digest *)stream)->source);
}

void
header_digest_open(struct header_digest *d, struct stream *source)
{
    d->stream = (struct stream){header_digest_read, header_digest_close, source->length};
    d->source = source;
    d->left = source->length;
}

enum header_digest_result
header_digest_check(struct header_digest *d, struct str body)
{
    add(d, body);
    return end(d) == OK ? HEADER_DIGEST_OK : d->result;
}

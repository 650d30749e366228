// The canonical request: what both sides of a signature must agree on, byte for byte.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/sigv4.h"

#include <stdlib.h>

#include "src/base/encoding.h"

struct query_parameter {
    struct str name;
    struct str value;
};

// Every part is decoded and encoded again, so that clients may escape more or less than AWS does. A
// broken escape stays as it is. '+' is a plus sign, as in awslabs/aws-c-auth.
static struct str
encode_again(struct arena *arena, struct str raw, bool keep_slash)
{
    struct str decoded;
    struct buf out;
    if (percent_decode(arena, raw, false, &decoded) != OK)
        decoded = raw;
    buf_init(&out, arena, decoded.len);
    percent_encode(decoded, keep_slash, &out);
    return buf_str(&out);
}

static void
put_s3_path(struct arena *arena, struct str path, struct buf *out)
{
    buf_put(out, path.len > 0 ? encode_again(arena, path, true) : STR("/"));
}

static void
drop_last_segment(size_t start, struct buf *out)
{
    while (out->len > start && out->ptr[--out->len] != '/')
        ;
}

// Without empty and dot segments, and encoded once more than it was sent. A final '/' stays.
static void
put_normal_path(struct str path, struct buf *out)
{
    size_t start = out->len;
    struct str segment, rest = path;
    while (str_is_present(rest)) {
        str_cut(rest, '/', &segment, &rest);
        if (str_eq(segment, STR("..")))
            drop_last_segment(start, out);
        else if (segment.len > 0 && !str_eq(segment, STR("."))) {
            buf_put_char(out, '/');
            percent_encode(segment, false, out);
        }
    }
    if (out->len == start || str_ends(path, STR("/")))
        buf_put_char(out, '/');
}

static int
compare_parameters(const void *left, const void *right)
{
    const struct query_parameter *a = left, *b = right;
    int by_name = str_cmp(a->name, b->name);
    return by_name != 0 ? by_name : str_cmp(a->value, b->value);
}

static size_t
count_pieces(struct str query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.len; i++)
        count += query.ptr[i] == '&';
    return count;
}

static size_t
read_query(struct arena *arena, struct str query, bool is_signed_here,
           struct query_parameter *parameters)
{
    size_t count = 0;
    struct str piece, name, value, rest = query;
    while (str_is_present(rest)) {
        str_cut(rest, '&', &piece, &rest);
        if (piece.len == 0)
            continue;
        if (!str_cut(piece, '=', &name, &value))
            value = STR("");
        name = encode_again(arena, name, false);
        if (is_signed_here && str_eq(name, STR("X-Amz-Signature")))
            continue;
        parameters[count++] = (struct query_parameter){name, encode_again(arena, value, false)};
    }
    return count;
}

static void
put_query(struct arena *arena, struct str query, bool is_signed_here, struct buf *out)
{
    if (query.len == 0)
        return;
    struct query_parameter *parameters =
        ARENA_ARRAY(arena, count_pieces(query), struct query_parameter);
    size_t count = read_query(arena, query, is_signed_here, parameters);
    qsort(parameters, count, sizeof(*parameters), compare_parameters);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_char(out, '&');
        buf_put(out, parameters[i].name);
        buf_put_char(out, '=');
        buf_put(out, parameters[i].value);
    }
}

// Trimmed, with runs of spaces made one.
static void
put_header_value(struct str value, struct buf *out)
{
    value = str_trim(value);
    char *to = buf_reserve(out, value.len);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] != ' ' || value.ptr[i - 1] != ' ')
            to[len++] = value.ptr[i];
    out->len += len;
}

static void
put_header(const struct http_request *r, struct str name, struct buf *out)
{
    bool is_first = true;
    buf_put(out, name);
    buf_put_char(out, ':');
    for (size_t i = 0; i < r->header_count; i++) {
        if (!str_eq_nocase(r->headers[i].name, name))
            continue;
        if (!is_first)
            buf_put_char(out, ',');
        put_header_value(r->headers[i].value, out);
        is_first = false;
    }
    buf_put_char(out, '\n');
}

static void
put_headers(const struct http_request *r, struct str names, struct buf *out)
{
    struct str name;
    while (str_is_present(names)) {
        str_cut(names, ';', &name, &names);
        put_header(r, name, out);
    }
}

static void
put_payload_hash(const struct http_request *r, const struct sigv4 *sig, struct buf *out)
{
    if (sig->is_body_left_out) {
        buf_put(out, STR("UNSIGNED-PAYLOAD"));
        return;
    }
    struct str sent = http_request_header(r, STR("x-amz-content-sha256"));
    if (str_is_present(sent)) {
        buf_put(out, sent);
        return;
    }
    if (str_is_present(sig->body_hash)) {
        buf_put(out, sig->body_hash);
        return;
    }
    struct sha256 hash = sha256_of(r->body);
    hex_encode(hash.bytes, SHA256_BYTES, buf_reserve(out, 2 * SHA256_BYTES));
    out->len += 2 * SHA256_BYTES;
}

void
sigv4_canonical_request(const struct http_request *request, const struct sigv4 *sig,
                        struct buf *out)
{
    buf_put(out, request->method);
    buf_put_char(out, '\n');
    if (str_eq(sig->service, STR("s3")))
        put_s3_path(request->arena, request->path, out);
    else
        put_normal_path(request->path, out);
    buf_put_char(out, '\n');
    put_query(request->arena, request->query, sig->is_in_query, out);
    buf_put_char(out, '\n');
    put_headers(request, sig->signed_headers, out);
    buf_put_char(out, '\n');
    buf_put(out, sig->signed_headers);
    buf_put_char(out, '\n');
    put_payload_hash(request, sig, out);
}

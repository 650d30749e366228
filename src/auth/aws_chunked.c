// A state machine over lines and data.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/aws_chunked.h"

#include <stdio.h>

#include "src/base/encoding.h"

enum { SIZE_DIGITS_MAX = 15, STRING_TO_SIGN_BYTES_MAX = 640 };

enum state {
    SIZE_LINE,
    DATA,
    DATA_END, // the line end after a chunk's data
    TRAILER_LINE,
    END,
    FAILED, // and above: FAILED + enum aws_chunked_result
};

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static int
fail(enum aws_chunked_result why)
{
    return FAILED + (int)why;
}

static struct str
hash_text(const uint8_t *hash, char out[2 * SHA256_BYTES])
{
    hex_encode(hash, SHA256_BYTES, out);
    return (struct str){out, 2 * SHA256_BYTES};
}

static void
hash_chunk(struct aws_chunked *c, struct str data)
{
    if (c->is_signed)
        checksum_add(&c->chunk_hash, data);
    if (c->has_trailer)
        checksum_add(&c->trailer_sum, data);
}

// Compares, and makes it the one that the next string to sign holds.
static bool
is_signature(struct aws_chunked *c, const char *algorithm, const char *middle, struct str hash)
{
    char text[STRING_TO_SIGN_BYTES_MAX], hex[2 * SHA256_BYTES];
    int len =
        snprintf(text, sizeof(text), "%s\n%.*s\n%.*s\n%s" STR_FMT, algorithm, (int)c->scope_bytes,
                 c->scope, AWS_CHUNKED_SIGNATURE_BYTES, c->last_signature, middle, STR_ARG(hash));
    CHECK(len > 0 && (size_t)len < sizeof(text));
    struct sha256 computed = hmac_sha256((struct str){(const char *)c->key.bytes, SHA256_BYTES},
                                         (struct str){text, (size_t)len});
    struct str sent = {c->signature, sizeof(c->signature)};
    if (!str_eq_constant_time(hash_text(computed.bytes, hex), sent))
        return false;
    memcpy(c->last_signature, c->signature, sizeof(c->signature));
    return true;
}

static bool
ends_chunk_well(struct aws_chunked *c)
{
    uint8_t hash[CHECKSUM_BYTES_MAX];
    char hex[2 * SHA256_BYTES];
    if (!c->is_signed)
        return true;
    checksum_end(&c->chunk_hash, hash);
    return is_signature(c, "AWS4-HMAC-SHA256-PAYLOAD", EMPTY_HASH "\n", hash_text(hash, hex));
}

static bool
read_signature(struct aws_chunked *c, struct str text)
{
    if (text.len != sizeof(c->signature))
        return false;
    memcpy(c->signature, text.ptr, text.len);
    return true;
}

static bool
read_size(struct str text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        char lower = (char)(text.ptr[i] | 0x20);
        bool is_digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        if (!is_digit && !(lower >= 'a' && lower <= 'f'))
            return false;
        *out = *out * 16 + (uint64_t)(is_digit ? text.ptr[i] - '0' : lower - 'a' + 10);
    }
    return text.len > 0 && text.len <= SIZE_DIGITS_MAX;
}

// 10000;chunk-signature=...
static int
take_size_line(struct aws_chunked *c, struct str line)
{
    struct str size, extension, prefix = STR("chunk-signature=");
    str_cut(line, ';', &size, &extension);
    if (c->is_signed && (!str_starts(extension, prefix) ||
                         !read_signature(c, str_slice(extension, prefix.len, extension.len))))
        return fail(AWS_CHUNKED_MALFORMED);
    if (!read_size(size, &c->chunk_left))
        return fail(AWS_CHUNKED_MALFORMED);
    if (c->chunk_left > c->body_left || (c->chunk_left == 0 && c->body_left > 0))
        return fail(AWS_CHUNKED_LENGTH);
    checksum_init(&c->chunk_hash, CHECKSUM_SHA256);
    if (c->chunk_left > 0)
        return DATA;
    return ends_chunk_well(c) ? TRAILER_LINE : fail(AWS_CHUNKED_SIGNATURE);
}

static int
take_data_end(struct aws_chunked *c, struct str line)
{
    if (line.len > 0)
        return fail(AWS_CHUNKED_MALFORMED);
    return ends_chunk_well(c) ? SIZE_LINE : fail(AWS_CHUNKED_SIGNATURE);
}

static bool
is_checksum(struct aws_chunked *c, struct str value)
{
    struct arena arena;
    struct str sent;
    uint8_t sum[CHECKSUM_BYTES_MAX];
    arena_init(&arena);
    size_t len = checksum_end(&c->trailer_sum, sum);
    bool is_same = base64_decode(&arena, value, &sent) == OK &&
                   str_eq(sent, (struct str){(const char *)sum, len});
    arena_fini(&arena);
    return is_same;
}

static int
take_trailer(struct aws_chunked *c, struct str line)
{
    struct str name, value;
    if (!c->has_trailer || !str_cut(line, ':', &name, &value))
        return fail(AWS_CHUNKED_MALFORMED);
    value = str_trim(value);
    if (c->is_signed && c->has_checksum && !c->has_trailer_signature &&
        str_eq_nocase(name, STR("x-amz-trailer-signature"))) {
        c->has_trailer_signature = true;
        return read_signature(c, value) ? TRAILER_LINE : fail(AWS_CHUNKED_MALFORMED);
    }
    if (c->has_checksum || checksum_kind_of(name) != c->trailer_kind)
        return fail(AWS_CHUNKED_MALFORMED);
    c->has_checksum = true;
    int len = snprintf(c->trailer, sizeof(c->trailer), STR_FMT ":" STR_FMT "\n", STR_ARG(name),
                       STR_ARG(value));
    CHECK(len > 0 && (size_t)len < sizeof(c->trailer)); // no longer than the line was
    c->trailer_bytes = (size_t)len;
    return is_checksum(c, value) ? TRAILER_LINE : fail(AWS_CHUNKED_CHECKSUM);
}

static int
take_end(struct aws_chunked *c)
{
    char hex[2 * SHA256_BYTES];
    if (!c->has_trailer)
        return END;
    if (!c->has_checksum || (c->is_signed && !c->has_trailer_signature))
        return fail(AWS_CHUNKED_MALFORMED);
    if (!c->is_signed)
        return END;
    struct sha256 hash = sha256_of((struct str){c->trailer, c->trailer_bytes});
    return is_signature(c, "AWS4-HMAC-SHA256-TRAILER", "", hash_text(hash.bytes, hex))
               ? END
               : fail(AWS_CHUNKED_SIGNATURE);
}

static int
take_line(struct aws_chunked *c, struct str line)
{
    if (c->state == SIZE_LINE)
        return take_size_line(c, line);
    if (c->state == DATA_END)
        return take_data_end(c, line);
    return line.len > 0 ? take_trailer(c, line) : take_end(c);
}

static void
take_byte(struct aws_chunked *c, char byte)
{
    if (c->line_bytes == sizeof(c->line)) {
        c->state = fail(AWS_CHUNKED_MALFORMED);
        return;
    }
    c->line[c->line_bytes++] = byte;
    if (byte != '\n')
        return;
    struct str line = {c->line, c->line_bytes};
    c->line_bytes = 0;
    if (!str_ends(line, STR("\r\n")))
        c->state = fail(AWS_CHUNKED_MALFORMED);
    else
        c->state = take_line(c, str_slice(line, 0, line.len - 2));
}

static size_t
take_data(struct aws_chunked *c, char *to, const char *from, size_t len)
{
    size_t n = c->chunk_left < len ? (size_t)c->chunk_left : len;
    hash_chunk(c, (struct str){from, n});
    memmove(to, from, n);
    c->chunk_left -= n;
    c->body_left -= n;
    if (c->chunk_left == 0)
        c->state = DATA_END;
    return n;
}

static int
read_headers(struct aws_chunked *c, const struct http_request *r)
{
    struct str length = http_request_header(r, STR("x-amz-decoded-content-length"));
    int64_t body_bytes;
    TRY(str_to_int64(length, &body_bytes));
    if (body_bytes < 0)
        return E_INVALID;
    c->body_left = (uint64_t)body_bytes;
    if (!c->has_trailer)
        return OK;
    c->trailer_kind = checksum_kind_of(http_request_header(r, STR("x-amz-trailer")));
    if (c->trailer_kind == CHECKSUM_KINDS)
        return E_INVALID;
    checksum_init(&c->trailer_sum, c->trailer_kind);
    return OK;
}

int
aws_chunked_init(struct aws_chunked *c, const struct http_request *request, const struct sigv4 *sig,
                 const struct sha256 *key)
{
    enum sigv4_payload payload = sigv4_payload_of(request);
    CHECK(payload >= SIGV4_PAYLOAD_CHUNKS && payload <= SIGV4_PAYLOAD_UNSIGNED_TRAILER);
    *c = (struct aws_chunked){
        .is_signed = payload != SIGV4_PAYLOAD_UNSIGNED_TRAILER,
        .has_trailer = payload != SIGV4_PAYLOAD_CHUNKS,
        .key = *key,
    };
    int len = snprintf(
        c->scope, sizeof(c->scope), STR_FMT "\n" STR_FMT "/" STR_FMT "/" STR_FMT "/aws4_request",
        STR_ARG(sig->timestamp), STR_ARG(sig->date), STR_ARG(sig->region), STR_ARG(sig->service));
    if (len < 0 || (size_t)len >= sizeof(c->scope))
        return E_INVALID;
    c->scope_bytes = (size_t)len;
    if (c->is_signed && sig->signature.len != sizeof(c->signature))
        return E_INVALID;
    if (c->is_signed)
        memcpy(c->last_signature, sig->signature.ptr, sizeof(c->last_signature));
    return read_headers(c, request) == OK ? OK : E_INVALID;
}

enum aws_chunked_result
aws_chunked_decode(struct aws_chunked *c, char *bytes, size_t len, size_t *consumed,
                   size_t *produced)
{
    size_t in = 0, out = 0;
    while (in < len && c->state < END) {
        if (c->state == DATA) {
            size_t n = take_data(c, bytes + out, bytes + in, len - in);
            in += n;
            out += n;
        } else {
            take_byte(c, bytes[in++]);
        }
    }
    *consumed = in;
    *produced = out;
    if (c->state < END)
        return AWS_CHUNKED_MORE;
    return c->state == END ? AWS_CHUNKED_DONE : (enum aws_chunked_result)(c->state - FAILED);
}

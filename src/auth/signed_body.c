// Hashes what passes by, and judges it at its end; see signed_body.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/signed_body.h"

#include "src/base/encoding.h"

enum { FRAMING_BYTES = 512 };

// The words for a checksum are those of
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
static const struct {
    enum sigv4_result result;
    const char *reason;
} chunk_faults[] = {
    [AWS_CHUNKED_MORE] = {SIGV4_BODY_INCOMPLETE, "The chunked body ended too early."},
    [AWS_CHUNKED_DONE] = {SIGV4_BODY_INCOMPLETE, "The chunked body goes on after its end."},
    [AWS_CHUNKED_MALFORMED] = {SIGV4_BODY_INCOMPLETE, "The body is not correctly aws-chunked."},
    [AWS_CHUNKED_LENGTH] = {SIGV4_BODY_INCOMPLETE,
                            "The body is not as long as x-amz-decoded-content-length says."},
    [AWS_CHUNKED_SIGNATURE] = {SIGV4_BODY_SIGNATURE,
                               "The signature of a chunk of the body is wrong."},
    [AWS_CHUNKED_CHECKSUM] = {SIGV4_BODY_CHECKSUM,
                              "The Content-MD5 or checksum value that you specified did not match "
                              "what the server received."},
};

static bool
is_chunked(const struct signed_body *b)
{
    return b->payload >= SIGV4_PAYLOAD_CHUNKS && b->payload <= SIGV4_PAYLOAD_UNSIGNED_TRAILER;
}

static int
refuse(struct signed_body *b, enum sigv4_result result, struct str reason)
{
    b->result = result;
    b->reason = reason;
    return E_INVALID;
}

static int
refuse_chunks(struct signed_body *b, enum aws_chunked_result why)
{
    return refuse(b, chunk_faults[why].result, str_of(chunk_faults[why].reason));
}

// -- as it passes

// Takes the framing out of `len` bytes; the body's are at their front then.
static int
take_chunks(struct signed_body *b, char *bytes, size_t len, size_t *produced)
{
    size_t consumed;
    *produced = 0;
    if (b->is_chunks_end)
        return refuse_chunks(b, AWS_CHUNKED_DONE);
    enum aws_chunked_result result =
        aws_chunked_decode(&b->chunks, bytes, len, &consumed, produced);
    if (result == AWS_CHUNKED_DONE && consumed == len)
        b->is_chunks_end = true;
    else if (result != AWS_CHUNKED_MORE)
        return refuse_chunks(b, result);
    return OK;
}

static int
take(struct signed_body *b, char *bytes, size_t len, size_t *produced)
{
    if (is_chunked(b))
        return take_chunks(b, bytes, len, produced);
    if (b->is_hashed)
        checksum_add(&b->hash, (struct str){bytes, len});
    *produced = len;
    return OK;
}

// -- at the end

static int
check_hash(struct signed_body *b)
{
    uint8_t hash[CHECKSUM_BYTES_MAX];
    char *text = arena_alloc_bytes(b->request->arena, 2 * SHA256_BYTES);
    checksum_end(&b->hash, hash);
    hex_encode(hash, SHA256_BYTES, text);
    struct str computed = {text, 2 * SHA256_BYTES};
    b->sig.body_hash = computed;
    if (str_is_present(b->hash_sent) && !str_eq(b->hash_sent, computed))
        return refuse(b, SIGV4_BODY_HASH, sigv4_payload_text);
    if (str_is_present(b->hash_sent))
        return OK;
    struct str reason;
    enum sigv4_result result = sigv4_check(b->request, &b->sig, &b->key, &reason);
    return result == SIGV4_OK ? OK : refuse(b, result, reason);
}

static int
check_end(struct signed_body *b)
{
    b->is_at_end = true;
    if (is_chunked(b))
        return b->is_chunks_end ? OK : refuse_chunks(b, AWS_CHUNKED_MORE);
    return b->is_hashed ? check_hash(b) : OK;
}

// The body is complete but for what its framing says of it.
static int
read_framing(struct signed_body *b)
{
    char bytes[FRAMING_BYTES];
    size_t n = 1, produced;
    while (!b->is_at_end) {
        TRY(stream_read(b->source, bytes, sizeof(bytes), &n));
        TRY(n > 0 ? take(b, bytes, n, &produced) : check_end(b));
    }
    return OK;
}

static int
read_piece(struct signed_body *b, char *out, size_t size, size_t *got)
{
    size_t n;
    while (*got == 0 && !b->is_at_end) {
        TRY(stream_read(b->source, out, size, &n));
        TRY(n > 0 ? take(b, out, n, got) : check_end(b));
    }
    if (b->left == STREAM_LENGTH_UNKNOWN)
        return OK;
    b->left -= (int64_t)*got;
    return b->left == 0 ? read_framing(b) : OK;
}

static int
signed_body_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct signed_body *b = (struct signed_body *)stream;
    *got = 0;
    if (b->code == OK && !b->is_at_end && size > 0)
        b->code = read_piece(b, out, size, got);
    if (b->code != OK)
        *got = 0; // what came before the fault was seen is not given out
    return b->code;
}

static void
signed_body_close(struct stream *stream)
{
    stream_close(((struct signed_body *)stream)->source);
}

// -- the start

static enum sigv4_result
open_chunks(struct signed_body *b, struct str *reason)
{
    if (aws_chunked_init(&b->chunks, b->request, &b->sig, &b->key) != OK) {
        *reason = str_of(chunk_faults[AWS_CHUNKED_MALFORMED].reason);
        return SIGV4_BODY_INCOMPLETE;
    }
    b->left = b->stream.length = (int64_t)b->chunks.body_left;
    return SIGV4_OK;
}

static void
init(struct signed_body *b, const struct http_request *request, struct stream *source)
{
    *b = (struct signed_body){
        .stream = {signed_body_read, signed_body_close, source->length},
        .source = source,
        .request = request,
        .payload = sigv4_payload_of(request),
        .left = source->length,
    };
}

enum sigv4_result
signed_body_open(struct signed_body *b, const struct http_request *request, struct stream *source,
                 const struct sigv4 *sig, const struct sha256 *signing_key, unsigned payloads,
                 int64_t now_ms, struct str *reason)
{
    init(b, request, source);
    b->sig = *sig;
    b->key = *signing_key;
    b->hash_sent = http_request_header(request, STR("x-amz-content-sha256"));
    b->is_hashed = b->payload == SIGV4_PAYLOAD_HASHED &&
                   (str_is_present(b->hash_sent) || !sig->is_body_left_out);
    checksum_init(&b->hash, CHECKSUM_SHA256);
    enum sigv4_result result = sigv4_verify_head(request, sig, payloads, now_ms, reason);
    if (result == SIGV4_OK && (str_is_present(b->hash_sent) || !b->is_hashed))
        result = sigv4_check(request, sig, signing_key, reason);
    if (result == SIGV4_OK && is_chunked(b))
        result = open_chunks(b, reason);
    return result;
}

enum sigv4_result
signed_body_open_anonymous(struct signed_body *b, const struct http_request *request,
                           struct stream *source, unsigned payloads, struct str *reason)
{
    init(b, request, source);
    if (!is_chunked(b))
        return SIGV4_OK;
    if (b->payload == SIGV4_PAYLOAD_UNSIGNED_TRAILER && payloads & 1u << b->payload)
        return open_chunks(b, reason);
    *reason = STR("Chunks can only carry signatures where the request carries one.");
    return SIGV4_INCOMPLETE;
}

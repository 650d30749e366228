// Fuzzes aws-chunked bodies: the first byte says which payload and how large the pieces are.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/aws_chunked.h"

#include <stdlib.h>

enum { PIECE_BITS = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const payloads[] = {
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};

static void
decode(const struct http_request *r, char *bytes, size_t len, size_t piece)
{
    struct aws_chunked c;
    struct sha256 key = {0};
    struct sigv4 sig = {
        .timestamp = STR("20130524T000000Z"),
        .signature = STR("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"),
    };
    enum aws_chunked_result result = AWS_CHUNKED_MORE;
    size_t body_bytes = 0;
    CHECK(aws_chunked_init(&c, r, &sig, &key) == OK);
    for (size_t at = 0, consumed, produced; at < len && result == AWS_CHUNKED_MORE;
         at += consumed) {
        size_t n = piece < len - at ? piece : len - at;
        result = aws_chunked_decode(&c, bytes + at, n, &consumed, &produced);
        CHECK(consumed <= n && produced <= consumed);
        CHECK(result != AWS_CHUNKED_MORE || consumed == n);
        body_bytes += produced;
    }
    CHECK(result == AWS_CHUNKED_DONE ? body_bytes == 5 : body_bytes <= 5);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct header headers[] = {
        {STR("x-amz-content-sha256"), str_of(payloads[data[0] >> PIECE_BITS])},
        {STR("x-amz-decoded-content-length"), STR("5")},
        {STR("x-amz-trailer"), STR("x-amz-checksum-crc32")},
    };
    struct http_request r = {.headers = headers, .header_count = COUNT_OF(headers)};
    char *bytes = malloc(size);
    CHECK(bytes != NULL);
    memcpy(bytes, data + 1, size - 1);
    decode(&r, bytes, size - 1, 1 + data[0] % (1u << PIECE_BITS));
    free(bytes);
    return 0;
}

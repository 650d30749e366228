// Fuzzes the HTTP grammar: however the bytes are cut into pieces, the outcome is the same.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/reader.h"

// The first byte of an input says what it is for, the second how large the pieces are.
enum { FOR_HEAD = '0', FOR_CHUNKS = '1', FOR_READER = '2', INPUT_BYTES_MAX = 256 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void
check_same_head(const struct http_head *a, const struct http_head *b)
{
    CHECK(a->head_bytes == b->head_bytes && a->content_length == b->content_length);
    CHECK(a->is_chunked == b->is_chunked && a->keep_alive == b->keep_alive);
    CHECK(str_eq(a->request.path, b->request.path) && str_eq(a->request.query, b->request.query));
    CHECK(a->request.header_count == b->request.header_count);
    for (size_t i = 0; i < a->request.header_count; i++) {
        CHECK(str_eq(a->request.headers[i].name, b->request.headers[i].name));
        CHECK(str_eq(a->request.headers[i].value, b->request.headers[i].value));
    }
}

static void
fuzz_head(struct str bytes, size_t piece)
{
    struct arena arena;
    arena_init(&arena);
    struct http_head whole = {0}, pieces = {0};
    enum http_parse at_once = http_head_parse(bytes, &arena, &whole);
    enum http_parse slowly = HTTP_PARSE_MORE;
    for (size_t len = 0; len < bytes.len && slowly == HTTP_PARSE_MORE;) {
        len = smaller(len + piece, bytes.len);
        slowly = http_head_parse(str_slice(bytes, 0, len), &arena, &pieces);
    }
    // Pieces show some faults only once the head is complete.
    CHECK(at_once == slowly || (at_once == HTTP_PARSE_BAD && slowly == HTTP_PARSE_MORE));
    if (at_once == HTTP_PARSE_DONE)
        check_same_head(&whole, &pieces);
    CHECK((at_once == HTTP_PARSE_BAD) == (whole.error_status != 0));
    arena_fini(&arena);
}

// Decodes in pieces; the body replaces bytes.
static enum http_parse
decode_chunks(char *bytes, size_t len, size_t piece, size_t *body_len)
{
    struct http_chunks c = {0};
    enum http_parse result = HTTP_PARSE_MORE;
    *body_len = 0;
    for (size_t at = 0; at < len && result == HTTP_PARSE_MORE;) {
        size_t consumed, produced, n = smaller(piece, len - at);
        result = http_chunks_decode(&c, bytes + at, n, &consumed, &produced);
        CHECK(consumed <= n && produced <= consumed);
        CHECK(result != HTTP_PARSE_MORE || consumed == n);
        memmove(bytes + *body_len, bytes + at, produced);
        *body_len += produced;
        at += consumed;
    }
    return result;
}

static void
fuzz_chunks(struct str bytes, size_t piece)
{
    struct arena arena;
    arena_init(&arena);
    char *a = arena_alloc_bytes(&arena, bytes.len), *b = arena_alloc_bytes(&arena, bytes.len);
    memcpy(a, bytes.ptr, bytes.len);
    memcpy(b, bytes.ptr, bytes.len);
    size_t a_len, b_len;
    enum http_parse at_once = decode_chunks(a, bytes.len, SIZE_MAX, &a_len);
    enum http_parse slowly = decode_chunks(b, bytes.len, piece, &b_len);
    CHECK(at_once == slowly && a_len == b_len);
    CHECK(at_once == HTTP_PARSE_BAD || memcmp(a, b, a_len) == 0);
    arena_fini(&arena);
}

// A number that depends on all requests, their bodies and their order.
static uint64_t
mix(uint64_t sum, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        sum = (sum ^ (unsigned char)s.ptr[i]) * 0x100000001b3;
    return (sum ^ s.len) * 0x100000001b3;
}

static uint64_t
read_requests(struct str bytes, size_t piece)
{
    struct http_reader r;
    http_reader_init(&r);
    uint64_t sum = 0;
    enum http_parse result = HTTP_PARSE_MORE;
    for (size_t at = 0; at < bytes.len && result != HTTP_PARSE_BAD;) {
        size_t room;
        char *space = http_reader_space(&r, &room);
        size_t n = smaller(room, smaller(piece, bytes.len - at));
        memcpy(space, bytes.ptr + at, n);
        at += n;
        for (result = http_reader_add(&r, n); result == HTTP_PARSE_DONE;
             result = http_reader_next(&r)) {
            sum = mix(mix(sum, r.head.request.target), r.head.request.body);
            for (size_t i = 0; i < r.head.request.header_count; i++)
                sum = mix(sum, r.head.request.headers[i].value);
        }
    }
    http_reader_fini(&r);
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_BYTES_MAX)
        return 0;
    struct str bytes = {(const char *)data + 2, size - 2};
    size_t piece = data[1] + (size_t)1;
    switch (data[0]) {
    case FOR_HEAD:
        fuzz_head(bytes, piece);
        break;
    case FOR_CHUNKS:
        fuzz_chunks(bytes, piece);
        break;
    case FOR_READER:
        CHECK(read_requests(bytes, piece) == read_requests(bytes, SIZE_MAX));
        break;
    }
    return 0;
}

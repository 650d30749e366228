// AWS's own examples of chunked uploads, whole, in pieces, and damaged.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/aws_chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { BODY_BYTES = 66560, ENCODED_BYTES_MAX = 70 * 1024 };

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html#example-signature-calculations-streaming
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html#example-signature-calculations-trailing-header
struct example {
    const char *payload, *seed;
    const char *chunks[3]; // signatures; NULL: unsigned
    const char *trailer;   // its lines
};

static const struct example examples[] = {
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
     "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
     {"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
     ""},
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
     "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
     {"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
      "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
      "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
     "x-amz-checksum-crc32c:sOO8/Q==\r\n"
     "x-amz-trailer-signature:"
     "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"},
    {"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
     "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
     {NULL, NULL, NULL},
     "x-amz-checksum-crc32c:sOO8/Q==\r\n"},
};

struct fixture {
    struct arena arena;
    struct http_request request;
    struct header headers[4];
    struct sigv4 sig;
    struct sha256 key;
    char *bytes;
    size_t len;
};

static void
put_chunk(struct buf *out, size_t size, const char *signature)
{
    buf_print(out, "%zx%s%s\r\n", size, signature ? ";chunk-signature=" : "",
              signature ? signature : "");
    if (size == 0)
        return;
    memset(buf_reserve(out, size), 'a', size);
    out->len += size;
    buf_put(out, STR("\r\n"));
}

static void
fixture_init(struct fixture *f, const struct example *e)
{
    struct buf out;
    *f = (struct fixture){0};
    arena_init(&f->arena);
    f->headers[0] = (struct header){STR("x-amz-content-sha256"), str_of(e->payload)};
    f->headers[1] = (struct header){STR("x-amz-decoded-content-length"), STR("66560")};
    f->headers[2] = (struct header){STR("x-amz-trailer"), STR("x-amz-checksum-crc32c")};
    f->request =
        (struct http_request){.headers = f->headers, .header_count = 3, .arena = &f->arena};
    f->sig = (struct sigv4){.date = STR("20130524"),
                            .region = STR("us-east-1"),
                            .service = STR("s3"),
                            .timestamp = STR("20130524T000000Z"),
                            .signature = str_of(e->seed)};
    f->key = sigv4_signing_key(STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), f->sig.date,
                               f->sig.region, f->sig.service);
    buf_init(&out, &f->arena, ENCODED_BYTES_MAX);
    put_chunk(&out, 65536, e->chunks[0]);
    put_chunk(&out, 1024, e->chunks[1]);
    put_chunk(&out, 0, e->chunks[2]);
    buf_print(&out, "%s\r\n", e->trailer);
    f->bytes = out.ptr;
    f->len = out.len;
}

// The body stands at the front of f->bytes after it, when all went well.
static enum aws_chunked_result
decode(struct fixture *f, size_t piece, size_t *body_bytes)
{
    struct aws_chunked c;
    enum aws_chunked_result result = AWS_CHUNKED_MORE;
    *body_bytes = 0;
    assert_int_equal(aws_chunked_init(&c, &f->request, &f->sig, &f->key), OK);
    for (size_t at = 0; at < f->len && result == AWS_CHUNKED_MORE;) {
        size_t consumed, produced, len = piece < f->len - at ? piece : f->len - at;
        result = aws_chunked_decode(&c, f->bytes + at, len, &consumed, &produced);
        memmove(f->bytes + *body_bytes, f->bytes + at, produced);
        *body_bytes += produced;
        at += consumed;
        if (result == AWS_CHUNKED_MORE)
            assert_int_equal(consumed, len);
    }
    return result;
}

static void
test_examples(void **state)
{
    static const size_t pieces[] = {1, 7, 4096, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(examples) * COUNT_OF(pieces); i++) {
        struct fixture f;
        size_t body_bytes;
        fixture_init(&f, &examples[i / COUNT_OF(pieces)]);
        assert_int_equal(decode(&f, pieces[i % COUNT_OF(pieces)], &body_bytes), AWS_CHUNKED_DONE);
        assert_int_equal(body_bytes, BODY_BYTES);
        for (size_t at = 0; at < body_bytes; at++)
            assert_int_equal(f.bytes[at], 'a');
        arena_fini(&f.arena);
    }
}

static void
replace(struct fixture *f, const char *from, const char *to)
{
    struct str all = {f->bytes, f->len};
    ptrdiff_t at = str_find(all, str_of(from));
    assert_true(at >= 0 && strlen(from) == strlen(to));
    memcpy(f->bytes + at, to, strlen(to));
}

static void
test_damage(void **state)
{
    static const struct {
        int example;
        const char *from, *to;
        enum aws_chunked_result result;
    } rows[] = {
        {0, "aaaa\r\n400", "aaab\r\n400", AWS_CHUNKED_SIGNATURE},
        {0, "ad80c7", "ad80c8", AWS_CHUNKED_SIGNATURE},
        {0, "b6c6ea", "B6C6EA", AWS_CHUNKED_SIGNATURE},
        {0, "chunk-signature=", "chunk-signatur3=", AWS_CHUNKED_MALFORMED},
        {0, "10000;", "10001;", AWS_CHUNKED_MALFORMED},
        {0, "10000;", "1ffff;", AWS_CHUNKED_LENGTH},
        {0, "10000;", "100x0;", AWS_CHUNKED_MALFORMED},
        {0, "10000;", "     ;", AWS_CHUNKED_MALFORMED},
        {0, "10000;", "00000;", AWS_CHUNKED_LENGTH},
        {0, "\r\n400;", "\r\r400;", AWS_CHUNKED_MALFORMED},
        {1, "aaaa\r\n400", "aaab\r\n400", AWS_CHUNKED_SIGNATURE},
        {1, "sOO8/Q==", "sOO8/A==", AWS_CHUNKED_CHECKSUM},
        {1, "sOO8/Q==", "sOO8/Q=a", AWS_CHUNKED_CHECKSUM},
        {1, "d81f82", "d81f83", AWS_CHUNKED_SIGNATURE},
        {1, "x-amz-trailer-signature", "x-amz-trailer-signaturE", AWS_CHUNKED_DONE},
        {1, "x-amz-trailer-signature", "x-amz-trailer-signaturx", AWS_CHUNKED_MALFORMED},
        {1, "x-amz-checksum-crc32c", "x-amz-checksum-sha256", AWS_CHUNKED_MALFORMED},
        {2, "aaaa\r\n400", "aaab\r\n400", AWS_CHUNKED_CHECKSUM},
        {2, "sOO8/Q==\r", "sOO8/Q== ", AWS_CHUNKED_MALFORMED},
        {2, "x-amz-checksum-crc32c:", "x-amz-checksum-crc32c;", AWS_CHUNKED_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        size_t body_bytes;
        fixture_init(&f, &examples[rows[i].example]);
        replace(&f, rows[i].from, rows[i].to);
        enum aws_chunked_result result = decode(&f, 1000, &body_bytes);
        if (result != rows[i].result)
            fail_msg("row %zu: %d", i, (int)result);
        arena_fini(&f.arena);
    }
}

// What is cut off never counts as whole, and what follows is not taken.
static void
test_ends(void **state)
{
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct fixture f;
        size_t body_bytes;
        for (size_t cut = 1; cut < 200; cut += 3) {
            fixture_init(&f, &examples[i]);
            f.len -= cut;
            assert_int_equal(decode(&f, SIZE_MAX, &body_bytes), AWS_CHUNKED_MORE);
            arena_fini(&f.arena);
        }
    }
    struct fixture f;
    struct aws_chunked c;
    size_t consumed, produced;
    fixture_init(&f, &examples[0]);
    char *bytes = arena_alloc_bytes(&f.arena, f.len + 1);
    memcpy(bytes, f.bytes, f.len);
    bytes[f.len] = 'x';
    assert_int_equal(aws_chunked_init(&c, &f.request, &f.sig, &f.key), OK);
    assert_int_equal(aws_chunked_decode(&c, bytes, f.len + 1, &consumed, &produced),
                     AWS_CHUNKED_DONE);
    assert_int_equal(consumed, f.len);
    arena_fini(&f.arena);
}

static void
test_missing_trailer(void **state)
{
    for (size_t i = 1; i < COUNT_OF(examples); i++) {
        struct example e = examples[i];
        struct fixture f;
        size_t body_bytes;
        e.trailer = "";
        fixture_init(&f, &e);
        assert_int_equal(decode(&f, SIZE_MAX, &body_bytes), AWS_CHUNKED_MALFORMED);
        arena_fini(&f.arena);
    }
    struct example e = examples[0];
    struct fixture f;
    size_t body_bytes;
    e.trailer = "x-amz-checksum-crc32c:sOO8/Q==\r\n";
    fixture_init(&f, &e);
    assert_int_equal(decode(&f, SIZE_MAX, &body_bytes), AWS_CHUNKED_MALFORMED);
    arena_fini(&f.arena);
}

static void
test_bad_headers(void **state)
{
    static const struct {
        const char *length, *trailer, *signature;
    } rows[] = {
        {"-1", "x-amz-checksum-crc32c", NULL},
        {"", "x-amz-checksum-crc32c", NULL},
        {"99999999999999999999", "x-amz-checksum-crc32c", NULL},
        {"66560", "x-amz-checksum-md5", NULL},
        {"66560", "", NULL},
        {"66560", "x-amz-checksum-crc32c", "00"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        struct aws_chunked c;
        fixture_init(&f, &examples[rows[i].signature ? 1 : 2]);
        f.headers[1].value = str_of(rows[i].length);
        f.headers[2].value = str_of(rows[i].trailer);
        if (rows[i].signature != NULL)
            f.sig.signature = str_of(rows[i].signature);
        assert_int_equal(aws_chunked_init(&c, &f.request, &f.sig, &f.key), E_INVALID);
        arena_fini(&f.arena);
    }
}

static void
test_endless_line(void **state)
{
    struct fixture f;
    size_t body_bytes;
    fixture_init(&f, &examples[0]);
    memset(f.bytes, '0', 1000);
    assert_int_equal(decode(&f, SIZE_MAX, &body_bytes), AWS_CHUNKED_MALFORMED);
    arena_fini(&f.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),    cmocka_unit_test(test_damage),
        cmocka_unit_test(test_ends),        cmocka_unit_test(test_missing_trailer),
        cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_endless_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Bodies that are checked while they are read: AWS's examples, every checksum, every damage.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/signed_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/base/encoding.h"

#define KEY "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define DATE "20130524T000000Z"

enum { CLOSED = -2, NOW_S = 1369353600, ALL_PAYLOADS = 0xff, HEADERS_MAX = 12, PIECE_MAX = 70000 };

struct fixture {
    struct arena arena;
    struct http_request request;
    struct header headers[HEADERS_MAX];
    struct str_stream source;
    struct signed_body body;
    struct str reason;
    struct buf read;
};

static int
setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    arena_init(&f.arena);
    f.request = (struct http_request){.method = STR("PUT"),
                                      .path = STR("/examplebucket/chunkObject.txt"),
                                      .headers = f.headers,
                                      .arena = &f.arena};
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    arena_fini(&f->arena);
    return 0;
}

static void
add(struct fixture *f, const char *name, const char *value)
{
    assert_true(f->request.header_count < HEADERS_MAX);
    f->headers[f->request.header_count++] = (struct header){str_of(name), str_of(value)};
}

// Signs what the request holds by then.
static void
sign(struct fixture *f, struct str service)
{
    add(f, "Host", "s3.amazonaws.com");
    add(f, "X-Amz-Date", DATE);
    struct str text =
        sigv4_authorization(&f->request, STR(KEY), STR(SECRET), STR("us-east-1"), service);
    add(f, "Authorization", arena_copy_z(&f->arena, text));
}

static enum sigv4_result
open_body(struct fixture *f, struct str encoded, bool has_length)
{
    struct sigv4 sig;
    assert_int_equal(sigv4_parse(&f->request, &sig, &f->reason), SIGV4_OK);
    struct sha256 key = sigv4_signing_key(STR(SECRET), sig.date, sig.region, sig.service);
    str_stream_init(&f->source, encoded);
    if (!has_length)
        f->source.stream.length = STREAM_LENGTH_UNKNOWN;
    return signed_body_open(&f->body, &f->request, &f->source.stream, &sig, &key, ALL_PAYLOADS,
                            NOW_S * 1000LL, &f->reason);
}

// What the last read answers.
static int
read_all(struct fixture *f, size_t piece)
{
    static char bytes[PIECE_MAX];
    size_t n = 1;
    int code = OK;
    buf_init(&f->read, &f->arena, 1024);
    while (n > 0 && code == OK) {
        code = stream_read(&f->body.stream, bytes, piece, &n);
        buf_put(&f->read, (struct str){bytes, n});
    }
    size_t after;
    assert_int_equal(stream_read(&f->body.stream, bytes, piece, &after), code);
    assert_int_equal(after, 0);
    stream_close(&f->body.stream);
    return code;
}

static const size_t pieces[] = {1, 7, 4096, PIECE_MAX};

// -- AWS's examples

struct example {
    const char *payload, *signature, *content_length, *trailer_name;
    const char *chunks[3], *trailer;
};

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
static const struct example examples[] = {
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
     "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
     "66824",
     NULL,
     {"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
     ""},
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
     "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
     NULL,
     "x-amz-checksum-crc32c",
     {"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
      "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
      "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
     "x-amz-checksum-crc32c:sOO8/Q==\r\n"
     "x-amz-trailer-signature:"
     "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"},
};

static void
add_example_headers(struct fixture *f, const struct example *e)
{
    struct str names = STR("");
    add(f, "content-encoding", "aws-chunked");
    if (e->content_length)
        add(f, "content-length", e->content_length);
    add(f, "host", "s3.amazonaws.com");
    add(f, "x-amz-content-sha256", e->payload);
    add(f, "x-amz-date", DATE);
    add(f, "x-amz-decoded-content-length", "66560");
    add(f, "x-amz-storage-class", "REDUCED_REDUNDANCY");
    if (e->trailer_name)
        add(f, "x-amz-trailer", e->trailer_name);
    for (size_t i = 0; i < f->request.header_count; i++)
        names = arena_print(&f->arena, STR_FMT "%s" STR_FMT, STR_ARG(names), i > 0 ? ";" : "",
                            STR_ARG(f->headers[i].name));
    struct str value =
        arena_print(&f->arena,
                    "AWS4-HMAC-SHA256 Credential=" KEY
                    "/20130524/us-east-1/s3/aws4_request, SignedHeaders=" STR_FMT ", Signature=%s",
                    STR_ARG(names), e->signature);
    add(f, "Authorization", arena_copy_z(&f->arena, value));
}

static struct str
example_body(struct fixture *f, const struct example *e)
{
    static const size_t sizes[] = {65536, 1024, 0};
    struct buf out;
    buf_init(&out, &f->arena, PIECE_MAX);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        buf_print(&out, "%zx;chunk-signature=%s\r\n", sizes[i], e->chunks[i]);
        memset(buf_reserve(&out, sizes[i]), 'a', sizes[i]);
        out.len += sizes[i];
        buf_put(&out, sizes[i] > 0 ? STR("\r\n") : STR(""));
    }
    buf_print(&out, "%s\r\n", e->trailer);
    return buf_str(&out);
}

static void
examples_of_aws_are_taken(void **state)
{
    for (size_t i = 0; i < COUNT_OF(examples) * COUNT_OF(pieces) * 2; i++) {
        struct fixture *f = *state;
        const struct example *e = &examples[i % COUNT_OF(examples)];
        add_example_headers(f, e);
        assert_int_equal(open_body(f, example_body(f, e), i % 4 < 2), SIGV4_OK);
        assert_int_equal(f->body.stream.length, 66560);
        assert_int_equal(read_all(f, pieces[i / 4]), OK);
        assert_int_equal(f->read.len, 66560);
        for (size_t at = 0; at < f->read.len; at++)
            assert_int_equal(f->read.ptr[at], 'a');
        teardown(state);
        setup(state);
    }
}

// Each byte of the framing counts, and of the data.
static void
damaged_examples_fail_the_last_read(void **state)
{
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        for (size_t at = 0; at < 300; at += 3) {
            struct fixture *f = *state;
            add_example_headers(f, &examples[i]);
            struct str body = example_body(f, &examples[i]);
            char *bytes = arena_alloc_bytes(&f->arena, body.len);
            memcpy(bytes, body.ptr, body.len);
            bytes[at < 150 ? at : body.len - 1 - (at - 150)] ^= 1;
            body.ptr = bytes;
            assert_int_equal(open_body(f, body, true), SIGV4_OK);
            assert_int_equal(read_all(f, 4096), E_INVALID);
            assert_int_not_equal(f->body.result, SIGV4_OK);
            assert_true(f->body.reason.len > 0);
            assert_true(f->read.len < 66560);
            teardown(state);
            setup(state);
        }
    }
}

static void
cut_and_longer_examples_fail_the_last_read(void **state)
{
    for (size_t i = 0; i < 40; i++) {
        struct fixture *f = *state;
        add_example_headers(f, &examples[i % 2]);
        struct str body = example_body(f, &examples[i % 2]);
        body = i == 0 ? arena_print(&f->arena, STR_FMT "x", STR_ARG(body))
                      : str_slice(body, 0, body.len - i * 8);
        assert_int_equal(open_body(f, body, false), SIGV4_OK);
        assert_int_equal(read_all(f, 4096), E_INVALID);
        assert_true(f->read.len < 66560);
        teardown(state);
        setup(state);
    }
}

// -- bodies without framing

struct plain {
    const char *hash; // x-amz-content-sha256; NULL: only the signature is of the body's hash
    const char *body; // as it arrives
    enum sigv4_result result;
};

#define HASH_OF_HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static const struct plain plains[] = {
    {HASH_OF_HELLO, "hello", SIGV4_OK},
    {HASH_OF_HELLO, "hellp", SIGV4_BODY_HASH},
    {HASH_OF_HELLO, "hello ", SIGV4_BODY_HASH},
    {NULL, "hello", SIGV4_OK},
    {NULL, "hellp", SIGV4_MISMATCH},
    {NULL, "", SIGV4_MISMATCH},
    {"UNSIGNED-PAYLOAD", "anything", SIGV4_OK},
};

static void
plain_bodies_are_hashed(void **state)
{
    for (size_t i = 0; i < COUNT_OF(plains) * 4; i++) {
        struct fixture *f = *state;
        const struct plain *p = &plains[i / 4];
        f->request.body = STR("hello"); // of which the client knows when it signs
        if (p->hash)
            add(f, "x-amz-content-sha256", p->hash);
        sign(f, i % 2 ? STR("s3") : STR("glacier"));
        f->request.body = (struct str){0};
        assert_int_equal(open_body(f, str_of(p->body), i % 4 < 2), SIGV4_OK);
        int code = read_all(f, i % 2 ? 2 : 100);
        assert_int_equal(code, p->result == SIGV4_OK ? OK : E_INVALID);
        assert_int_equal(f->body.result, p->result);
        if (code == OK)
            assert_true(str_eq(buf_str(&f->read), str_of(p->body)));
        else if (i % 4 < 2)
            assert_true(f->read.len < strlen(p->body) || f->read.len == 0);
        teardown(state);
        setup(state);
    }
}

static void
what_the_head_tells_is_refused_at_once(void **state)
{
    struct fixture *f = *state;
    add(f, "x-amz-content-sha256", HASH_OF_HELLO);
    sign(f, STR("s3"));
    add(f, "x-amz-meta", "not signed");
    assert_int_equal(open_body(f, STR("hello"), true), SIGV4_NOT_SIGNED);
    f->request.header_count--;
    f->request.method = STR("POST");
    assert_int_equal(open_body(f, STR("hello"), true), SIGV4_MISMATCH);
    teardown(state);
    setup(state);
    add(f, "x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    sign(f, STR("s3")); // without a decoded length
    assert_int_equal(open_body(f, STR("hello"), true), SIGV4_BODY_INCOMPLETE);
}

// -- checksums in trailers

static const char *const checksums[] = {"x-amz-checksum-crc32", "x-amz-checksum-crc32c",
                                        "x-amz-checksum-crc64nvme", "x-amz-checksum-sha1",
                                        "x-amz-checksum-sha256"};

static struct str
trailer_of(struct fixture *f, const char *name, struct str body)
{
    struct checksum sum;
    uint8_t bytes[CHECKSUM_BYTES_MAX];
    struct buf out;
    checksum_init(&sum, checksum_kind_of(str_of(name)));
    checksum_add(&sum, body);
    size_t len = checksum_end(&sum, bytes);
    buf_init(&out, &f->arena, 64);
    base64_encode((struct str){(const char *)bytes, len}, &out);
    return buf_str(&out);
}

static void
every_checksum_is_verified(void **state)
{
    for (size_t i = 0; i < COUNT_OF(checksums) * 2; i++) {
        struct fixture *f = *state;
        const char *name = checksums[i / 2];
        bool is_wrong = i % 2;
        add(f, "x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
        add(f, "x-amz-decoded-content-length", "5");
        add(f, "x-amz-trailer", name);
        sign(f, STR("s3"));
        struct str sum = trailer_of(f, name, is_wrong ? STR("hellp") : STR("hello"));
        struct str body =
            arena_print(&f->arena, "5\r\nhello\r\n0\r\n%s:" STR_FMT "\r\n\r\n", name, STR_ARG(sum));
        assert_int_equal(open_body(f, body, true), SIGV4_OK);
        assert_int_equal(read_all(f, 3), is_wrong ? E_INVALID : OK);
        assert_int_equal(f->body.result, is_wrong ? SIGV4_BODY_CHECKSUM : SIGV4_OK);
        assert_true(is_wrong ? f->read.len < 5 : f->read.len == 5);
        teardown(state);
        setup(state);
    }
}

static int
broken_read(struct stream *s, void *out, size_t size, size_t *got)
{
    *got = 0;
    return E_CLOSED;
}

static void
close_counted(struct stream *s)
{
    s->length = CLOSED;
}

static void
faults_of_the_source_are_passed_on_and_it_is_closed(void **state)
{
    struct fixture *f = *state;
    struct sigv4 sig;
    struct stream source = {broken_read, close_counted, 5};
    add(f, "x-amz-content-sha256", HASH_OF_HELLO);
    sign(f, STR("s3"));
    assert_int_equal(sigv4_parse(&f->request, &sig, &f->reason), SIGV4_OK);
    struct sha256 key = sigv4_signing_key(STR(SECRET), sig.date, sig.region, sig.service);
    assert_int_equal(signed_body_open(&f->body, &f->request, &source, &sig, &key, ALL_PAYLOADS,
                                      NOW_S * 1000LL, &f->reason),
                     SIGV4_OK);
    assert_int_equal(read_all(f, 10), E_CLOSED);
    assert_int_equal(f->body.result, SIGV4_OK);
    assert_int_equal(source.length, CLOSED);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(examples_of_aws_are_taken),
        TEST(damaged_examples_fail_the_last_read),
        TEST(cut_and_longer_examples_fail_the_last_read),
        TEST(plain_bodies_are_hashed),
        TEST(what_the_head_tells_is_refused_at_once),
        TEST(every_checksum_is_verified),
        TEST(faults_of_the_source_are_passed_on_and_it_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

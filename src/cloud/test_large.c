// Large bodies through operations, both ways: from the socket through signature, tables and handler
// in memory that does not grow, framed as SDKs frame them.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/auth/checksum.h"
#include "src/base/encoding.h"
#include "src/base/timestamp.h"
#include "src/cloud/test_exchange.h"
#include "src/cloud/test_things.h"
#include "src/http/client.h"
#include "src/http/test_memory.h"

// The latter with C10M_TEST_LONG=1.
static const size_t body_bytes = 200 * 1000 * 1000, body_bytes_long = 5ull * 1000 * 1000 * 1000;

enum {
    CHUNK_BYTES = 64 * 1024, // as SDKs have it
    FRAME_BYTES = 512,
    HEADERS_MAX = 12,
};

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct fixture f;
static struct http_client *client;

// -- the body as an SDK frames it

enum framing { PLAIN, SIGNED_CHUNKS, TRAILER };

static const char *const payload_names[] = {
    [PLAIN] = "UNSIGNED-PAYLOAD",
    [SIGNED_CHUNKS] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    [TRAILER] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};

struct upload {
    struct stream stream;
    enum framing framing;
    size_t at, size;
    struct sha256 key;
    char scope[128];     // "20130524T000000Z\n20130524/eu-west-1/s3/aws4_request"
    char signature[65];  // of what came before
    struct checksum sum; // of all
    char frame[CHUNK_BYTES + FRAME_BYTES];
    struct str rest; // of the frame
    bool is_at_end;
};

static void
sign_chunk(struct upload *u, struct str data)
{
    char hash[65] = "", text[512];
    hex_encode(sha256_of(data).bytes, SHA256_BYTES, hash);
    int len = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256-PAYLOAD\n%s\n%s\n" EMPTY_HASH "\n%s",
                       u->scope, u->signature, hash);
    struct sha256 signature = hmac_sha256((struct str){(const char *)u->key.bytes, SHA256_BYTES},
                                          (struct str){text, (size_t)len});
    hex_encode(signature.bytes, SHA256_BYTES, u->signature);
}

// The data stands in the frame already, behind room for its line.
static void
frame_chunk(struct upload *u, size_t n)
{
    char *data = u->frame + FRAME_BYTES / 2, line[128];
    int len = snprintf(line, sizeof(line), "%zx", n);
    if (u->framing == SIGNED_CHUNKS) {
        sign_chunk(u, (struct str){data, n});
        len +=
            snprintf(line + len, sizeof(line) - (size_t)len, ";chunk-signature=%s", u->signature);
    } else {
        checksum_add(&u->sum, (struct str){data, n});
    }
    memcpy(line + len, "\r\n", 2);
    memcpy(data - len - 2, line, (size_t)len + 2);
    memcpy(data + n, "\r\n", 2);
    u->rest = (struct str){data - len - 2, (size_t)len + 2 + n + (n > 0 ? 2 : 0)};
}

static void
frame_end(struct upload *u)
{
    frame_chunk(u, 0);
    char *end = u->frame + (u->rest.ptr - u->frame) + u->rest.len;
    u->is_at_end = true;
    if (u->framing == TRAILER) {
        uint8_t sum[CHECKSUM_BYTES_MAX];
        struct buf text;
        buf_init(&text, &f.arena, 16);
        base64_encode((struct str){(const char *)sum, checksum_end(&u->sum, sum)}, &text);
        end += snprintf(end, FRAME_BYTES / 4, "x-amz-checksum-crc64nvme:" STR_FMT "\r\n",
                        STR_ARG(buf_str(&text)));
    }
    memcpy(end, "\r\n", 2);
    u->rest.len = (size_t)(end + 2 - u->rest.ptr);
}

static void
frame_next(struct upload *u)
{
    size_t n = u->size - u->at < CHUNK_BYTES ? u->size - u->at : CHUNK_BYTES;
    thing_fill(u->frame + FRAME_BYTES / 2, u->at, n);
    u->at += n;
    if (n == 0)
        frame_end(u);
    else
        frame_chunk(u, n);
}

static int
upload_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct upload *u = (struct upload *)stream;
    if (u->framing == PLAIN) {
        *got = u->size - u->at < size ? u->size - u->at : size;
        thing_fill(out, u->at, *got);
        u->at += *got;
        return OK;
    }
    if (u->rest.len == 0 && !u->is_at_end)
        frame_next(u);
    *got = u->rest.len < size ? u->rest.len : size;
    memcpy(out, u->rest.ptr, *got);
    u->rest = str_slice(u->rest, *got, u->rest.len);
    return OK;
}

// Of a body in signed chunks.
static int64_t
framed_length(size_t size)
{
    size_t last = size % CHUNK_BYTES;
    int overhead = 2 + 17 + 64 + 2; // line end, ";chunk-signature=", signature, line end
    int64_t length = (int64_t)(size / CHUNK_BYTES) * (5 + overhead + CHUNK_BYTES);
    if (last > 0)
        length += snprintf(NULL, 0, "%zx", last) + overhead + (int64_t)last;
    return length + 1 + overhead;
}

// -- requests

struct run {
    enum framing framing;
    size_t size;
};

static void
add(struct http_request *r, const char *name, struct str value)
{
    CHECK(r->header_count < HEADERS_MAX);
    r->headers[r->header_count++] = (struct header){str_of(name), value};
}

static struct str
timestamp_now(void)
{
    char *date = arena_alloc_bytes(&f.arena, TIMESTAMP_BASIC_BYTES);
    timestamp_print_basic(clock_wall_ms(f.cloud->runtime), date);
    return (struct str){date, TIMESTAMP_BASIC_BYTES};
}

// Its headers, signed; the first is Host, which the client adds by itself.
static void
sign_request(struct http_request *r, enum framing framing, size_t size)
{
    add(r, "Host", str_of(f.options.address.text));
    add(r, "X-Amz-Date", timestamp_now());
    add(r, "x-amz-content-sha256", str_of(payload_names[framing]));
    if (framing != PLAIN) {
        add(r, "Content-Encoding", STR("aws-chunked"));
        add(r, "x-amz-decoded-content-length", arena_print(&f.arena, "%zu", size));
    }
    if (framing == TRAILER)
        add(r, "x-amz-trailer", STR("x-amz-checksum-crc64nvme"));
    add(r, "Authorization",
        sigv4_authorization(r, STR("test"), STR("test"), STR("eu-west-1"), STR("s3")));
}

static void
begin_upload(struct upload *u, const struct run *run, const struct http_request *r)
{
    struct sigv4 sig;
    struct str reason;
    *u = (struct upload){.stream = {.read = upload_read, .length = STREAM_LENGTH_UNKNOWN},
                         .framing = run->framing,
                         .size = run->size};
    assert_int_equal(sigv4_parse(r, &sig, &reason), SIGV4_OK);
    u->key = sigv4_signing_key(STR("test"), sig.date, sig.region, sig.service);
    snprintf(u->scope, sizeof(u->scope), STR_FMT "\n" STR_FMT "/eu-west-1/s3/aws4_request",
             STR_ARG(sig.timestamp), STR_ARG(sig.date));
    memcpy(u->signature, sig.signature.ptr, sig.signature.len);
    checksum_init(&u->sum, CHECKSUM_CRC64NVME);
    if (run->framing == PLAIN)
        u->stream.length = (int64_t)run->size;
    else if (run->framing == SIGNED_CHUNKS)
        u->stream.length = framed_length(run->size);
}

static struct stream *
send_signed(const struct http_request *r, struct stream *body, int status)
{
    struct http_client_response response;
    struct http_client_request request = {
        .method = arena_copy_z(&f.arena, r->method),
        .url = arena_copy_z(&f.arena, arena_print(&f.arena, "http://%s" STR_FMT,
                                                  f.options.address.text, STR_ARG(r->path))),
        .headers = r->headers + 1,
        .header_count = r->header_count - 1,
        .stream = body,
        .deadline_ns = DEADLINE_NEVER};
    int code = http_client_send(client, &f.arena, &request, &response);
    if (code != OK)
        fail_msg("%s: %s", code_name(code), response.problem);
    assert_int_equal(response.status, status);
    return response.stream;
}

static int
put(void *arg)
{
    static struct upload upload;
    const struct run *run = arg;
    struct header headers[HEADERS_MAX];
    struct http_request r = {
        .method = STR("PUT"), .path = STR("/box/large"), .headers = headers, .arena = &f.arena};
    sign_request(&r, run->framing, run->size);
    begin_upload(&upload, run, &r);
    stream_close(send_signed(&r, &upload.stream, 204));
    assert_int_equal(things_taken(), run->size);
    return OK;
}

static int
get_back(void *arg)
{
    static char got[CHUNK_BYTES], wanted[CHUNK_BYTES];
    const struct run *run = arg;
    struct header headers[HEADERS_MAX];
    struct http_request r = {.method = STR("GET"),
                             .path = arena_print(&f.arena, "/box/%zu", run->size),
                             .headers = headers,
                             .arena = &f.arena};
    sign_request(&r, PLAIN, 0);
    struct stream *body = send_signed(&r, NULL, 200);
    size_t at = 0, n = 1;
    while (n > 0) {
        assert_int_equal(stream_read(body, got, sizeof(got), &n), OK);
        thing_fill(wanted, at, n);
        assert_memory_equal(got, wanted, n);
        at += n;
    }
    assert_int_equal(at, run->size);
    stream_close(body);
    return OK;
}

// -- memory and time

static void
transfer(const char *what, int (*run)(void *), enum framing framing, size_t size)
{
    struct run r = {framing, size};
    int64_t before_ns = clock_mono_ns(f.cloud->runtime);
    assert_int_equal(runtime_call(f.cloud->runtime, run, &r), OK);
    double seconds = (double)(clock_mono_ns(f.cloud->runtime) - before_ns) / 1e9;
    print_message("%s, %s: %zu bytes in %.1f s\n", what, payload_names[framing], size, seconds);
}

static void
large_bodies_take_constant_memory(void **state)
{
    fixture_init(&f);
    client = http_client_new(f.cloud->runtime, &(struct http_client_options){0});
    // The libraries and the buffers of each kind of request first.
    for (int round = 0; round < 2; round++) {
        size_t size = round == 0 ? 1000 * 1000 : wanted_bytes(body_bytes, body_bytes_long);
        long before_kib = memory_peak_kib();
        transfer("PUT", put, SIGNED_CHUNKS, size);
        transfer("PUT", put, PLAIN, size);
        transfer("PUT", put, TRAILER, size);
        transfer("GET", get_back, PLAIN, size);
        long growth_kib = memory_peak_kib() - before_kib;
        print_message("memory grew by %ld KiB\n", growth_kib);
        if (round == 1 && !is_sanitized)
            assert_true(growth_kib < MEMORY_GROWTH_MAX_KIB);
    }
    http_client_free(client);
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(large_bodies_take_constant_memory)};
    return cmocka_run_group_tests(tests, things_setup, NULL);
}

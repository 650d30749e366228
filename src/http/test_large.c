// Bodies of gigabytes through server and client, both ways at once: their memory does not grow.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/http/client.h"
#include "src/http/test_fixture.h"
#include "src/http/test_memory.h"
#include "src/http/tls.h"

// The latter with C10M_TEST_LONG=1.
static const size_t body_bytes = 50 * 1000 * 1000, body_bytes_long = 5ull * 1000 * 1000 * 1000;

enum { PIECE_BYTES = 64 * 1024 };

static struct fixture x;
static struct tls_options tls;
static struct http_client *client;
static char ca_path[] = "/tmp/c10m-large-ca-XXXXXX";

// Byte i of a body is a function of i.
static void
fill(char *out, size_t from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (char)((from + i) * 2654435761u >> 13);
}

struct source {
    struct stream stream;
    size_t at, size;
};

static int
source_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct source *s = (struct source *)stream;
    *got = s->size - s->at < size ? s->size - s->at : size;
    fill(out, s->at, *got);
    s->at += *got;
    return OK;
}

static void
check_body(struct stream *body, size_t size)
{
    static char got[PIECE_BYTES], wanted[PIECE_BYTES];
    size_t at = 0, n = 1;
    while (n > 0) {
        assert_int_equal(stream_read(body, got, sizeof(got), &n), OK);
        fill(wanted, at, n);
        assert_memory_equal(got, wanted, n);
        at += n;
    }
    assert_int_equal(at, size);
}

struct run {
    const char *scheme;
    size_t size;
    bool has_length;
};

static int
echo(void *arg)
{
    const struct run *r = arg;
    struct arena arena;
    struct http_client_response response;
    char url[100];
    struct source source = {
        .stream = {.read = source_read,
                   .length = r->has_length ? (int64_t)r->size : STREAM_LENGTH_UNKNOWN},
        .size = r->size};
    snprintf(url, sizeof(url), "%s://localhost:%u/stream/echo", r->scheme, x.options.address.port);
    struct http_client_request request = {
        .method = "PUT", .url = url, .stream = &source.stream, .deadline_ns = DEADLINE_NEVER};
    arena_init(&arena);
    int code = http_client_send(client, &arena, &request, &response);
    if (code != OK)
        fail_msg("%s: %s", code_name(code), response.problem);
    assert_int_equal(response.status, 200);
    check_body(response.stream, r->size);
    stream_close(response.stream);
    arena_fini(&arena);
    return OK;
}

static int
write_ca(void *arg)
{
    struct arena arena;
    struct str pem;
    arena_init(&arena);
    assert_int_equal(http_server_ca_get(x.server, &arena, &pem), OK);
    FILE *f = fopen(ca_path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(pem.ptr, 1, pem.len, f), pem.len);
    assert_int_equal(fclose(f), 0);
    arena_fini(&arena);
    return OK;
}

static void
large_bodies_take_constant_memory(void **state)
{
    static const struct run runs[] = {{"http", 0, true}, {"http", 0, false}, {"https", 0, true}};
    fixture_start(&x, &(struct runtime_options){.loops = 2},
                  &(struct http_server_options){.tls = &tls});
    assert_int_equal(runtime_call(x.rt, write_ca, NULL), OK);
    client = http_client_new(x.rt, &(struct http_client_options){.ca_path = ca_path});
    // The libraries and the buffers of each kind of connection first.
    for (int round = 0; round < 2; round++) {
        long before_kib = memory_peak_kib();
        for (size_t i = 0; i < COUNT_OF(runs); i++) {
            struct run r = runs[i];
            r.size = round == 0 ? 1000 * 1000 : wanted_bytes(body_bytes, body_bytes_long);
            assert_int_equal(runtime_call(x.rt, echo, &r), OK);
        }
        if (round == 1 && !is_sanitized)
            assert_true(memory_peak_kib() - before_kib < MEMORY_GROWTH_MAX_KIB);
    }
    http_client_free(client);
    fixture_end(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(large_bodies_take_constant_memory)};
    int fd = mkstemp(ca_path);
    if (fd < 0 || close(fd) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(ca_path);
    return failed;
}

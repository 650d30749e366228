// Tests of blobs as streams: what goes in comes out, in constant memory.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob_stream.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "src/store/blob_fixture.h"

enum {
    LARGE_MIB = 96, // C10M_BLOB_STREAM_MIB=5120 for the whole measure
    GROWTH_BYTES_MAX = 4 * 1024 * 1024,
    READ_BYTES = 10007,
};

// Words that say where they are, so that an exchanged piece is found.
struct counting {
    struct stream stream;
    uint64_t at, end;
    uint64_t fails_at; // 0: never
};

static void
count_fill(uint64_t at, char *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (char)((at + i) * 0x9e3779b97f4a7c15 >> 56);
}

static int
count_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct counting *c = (struct counting *)stream;
    if (c->fails_at != 0 && c->at >= c->fails_at)
        return E_INVALID;
    // Pieces of odd sizes, as from a network.
    size_t most = (size_t)(c->at * 7919 % 5000) + 1;
    *got = size < most ? size : most;
    if (*got > c->end - c->at)
        *got = (size_t)(c->end - c->at);
    count_fill(c->at, out, *got);
    c->at += *got;
    return OK;
}

static struct counting
counting_of(uint64_t size)
{
    return (struct counting){.stream = {.read = count_read, .length = STREAM_LENGTH_UNKNOWN},
                             .end = size};
}

static struct blob_id
put_counting(struct blob_fixture *g, uint64_t size)
{
    struct counting in = counting_of(size);
    struct arena arena;
    struct blob_new blob;
    arena_init(&arena);
    CHECK(blob_put_stream(g->blobs, &in.stream, size, &arena, &blob) == OK && blob.size == size);
    CHECK(link_blob(g, &blob) == OK);
    arena_fini(&arena);
    return blob.id;
}

// Reads the range and compares it with what was written.
static void
compare_range(struct blob_fixture *g, const struct blob_id *id, uint64_t from, uint64_t to)
{
    struct blob_reader *reader;
    struct blob_stream s;
    char got[READ_BYTES], wanted[READ_BYTES];
    size_t n;
    CHECK(blob_open(g->blobs, id, &reader) == OK);
    blob_stream_init(&s, reader, from, to - from);
    CHECK(s.stream.length == (int64_t)(to - from));
    while (stream_read(&s.stream, got, READ_BYTES, &n) == OK && n > 0) {
        count_fill(from, wanted, n);
        CHECK(memcmp(got, wanted, n) == 0);
        from += n;
    }
    CHECK(from == to);
    stream_close(&s.stream);
}

static void
what_goes_in_comes_out(struct blob_fixture *g)
{
    static const uint64_t sizes[] = {0, 1, 16 * 1024, 16 * 1024 + 1, 100 * 1000, 3 * 1024 * 1024};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct blob_id id = put_counting(g, sizes[i]);
        compare_range(g, &id, 0, sizes[i]);
        compare_range(g, &id, sizes[i] / 3, sizes[i] / 2);
        compare_range(g, &id, sizes[i], sizes[i]);
    }
}

// A body that is longer than it may be, or that breaks, leaves nothing.
static void
failures_leave_nothing(struct blob_fixture *g)
{
    struct counting in = counting_of(300 * 1000);
    struct arena arena;
    struct blob_new blob;
    size_t files = count_files(g), records = count_records(g);
    arena_init(&arena);
    CHECK(blob_put_stream(g->blobs, &in.stream, 299999, &arena, &blob) == E_LIMIT);
    in = counting_of(300 * 1000);
    in.fails_at = 200 * 1000;
    CHECK(blob_put_stream(g->blobs, &in.stream, UINT64_MAX, &arena, &blob) == E_INVALID);
    in = counting_of(10);
    in.stream.length = 10;
    CHECK(blob_put_stream(g->blobs, &in.stream, 9, &arena, &blob) == E_LIMIT && in.at == 0);
    CHECK(collect_all(g) == 0);
    CHECK(count_files(g) == files && count_records(g) == records);
    arena_fini(&arena);
}

static int64_t
resident_bytes_max(void)
{
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return (int64_t)usage.ru_maxrss * 1024;
}

static void
any_length_takes_the_same_memory(struct blob_fixture *g)
{
    const char *text = getenv("C10M_BLOB_STREAM_MIB");
    int64_t mib = LARGE_MIB;
    CHECK(text == NULL || str_to_int64(str_of(text), &mib) == OK);
    uint64_t size = (uint64_t)mib << 20;
    struct blob_id small = put_counting(g, 8 << 20);
    compare_range(g, &small, 0, 8 << 20);
    int64_t before = resident_bytes_max();
    struct blob_id large = put_counting(g, size);
    compare_range(g, &large, 0, size);
    CHECK(resident_bytes_max() - before < GROWTH_BYTES_MAX);
}

#define BLOB_TEST(name)                                                                            \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        blob_in_fiber(*state, name);                                                               \
    }
BLOB_TEST(what_goes_in_comes_out)
BLOB_TEST(failures_leave_nothing)
BLOB_TEST(any_length_takes_the_same_memory)

#define ON(kind, name)                                                                             \
    {kind " " #name, test_##name, blob_fixture_setup, blob_fixture_teardown, (void *)kind}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON("rocks:", any_length_takes_the_same_memory), ON("mem:", what_goes_in_comes_out),
        ON("rocks:", what_goes_in_comes_out),           ON("mem:", failures_leave_nothing),
        ON("rocks:", failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

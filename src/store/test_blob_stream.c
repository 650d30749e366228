// Tests of blobs as streams: what goes in comes out, in constant memory.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob_stream.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "src/store/blob_fixture.h"

enum {
    LARGE_MIB = 96, // C10M_BLOB_STREAM_MIB=5120 for the whole measure
    GROWTH_BYTES_MAX = 4 * 1024 * 1024,
    READ_BYTES = 10007,
    STALLED_PAIRS = 200,
    STALLED_BYTES = 1 << 20, // before the other side stops
    STREAM_BYTES_MAX = 64 * 1024,
    LOOK_MS = 2,
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

// Streams whose other side has stopped in the middle: a sender that sends no more, or a client that
// takes no more. Each has a fiber, whose stack counts.
struct stalled {
    struct blob_fixture *blobs;
    struct blob_id id;
    _Atomic size_t count;
    _Atomic bool is_over;
    size_t before;
};

static void
stall(struct stalled *s)
{
    atomic_fetch_add(&s->count, 1);
    while (!atomic_load(&s->is_over))
        CHECK(fiber_sleep_until(deadline_in_ms(s->blobs->store.runtime, LOOK_MS)) == OK);
}

struct stalling {
    struct counting counting;
    struct stalled *stalled;
};

static int
stalling_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct stalling *s = (struct stalling *)stream;
    if (s->counting.at >= STALLED_BYTES) {
        stall(s->stalled);
        return E_CANCELLED;
    }
    return count_read(stream, out, size, got);
}

static void
stall_in(struct stalled *s)
{
    struct stalling in = {.counting = counting_of(2 * STALLED_BYTES), .stalled = s};
    struct arena arena;
    struct blob_new blob;
    in.counting.stream.read = stalling_read;
    arena_init(&arena);
    CHECK(blob_put_stream(s->blobs->blobs, &in.counting.stream, UINT64_MAX, &arena, &blob) ==
          E_CANCELLED);
    arena_fini(&arena);
}

static void
stall_out(struct stalled *s)
{
    struct blob_reader *reader;
    struct blob_stream out;
    char piece[4096];
    CHECK(blob_open(s->blobs->blobs, &s->id, &reader) == OK);
    blob_stream_init(&out, reader, 0, UINT64_MAX);
    for (size_t at = 0, n = 0; at < STALLED_BYTES; at += n)
        CHECK(stream_read(&out.stream, piece, sizeof piece, &n) == OK && n > 0);
    stall(s);
    stream_close(&out.stream);
}

// The first measures when all the others have come to their middle.
static void
stall_or_measure(struct fixture *f, size_t i)
{
    struct stalled *s = ((struct blob_fixture *)f)->shared;
    if (i > 0) {
        (i % 2 == 0 ? stall_in : stall_out)(s);
        return;
    }
    while (atomic_load(&s->count) < 2 * STALLED_PAIRS)
        CHECK(fiber_sleep_until(deadline_in_ms(f->runtime, LOOK_MS)) == OK);
    size_t each = (resident_bytes() - s->before) / (2 * STALLED_PAIRS);
    print_message("%zu bytes for each of %d streams\n", each, 2 * STALLED_PAIRS);
    CHECK(!IS_MEMORY_OURS || each <= STREAM_BYTES_MAX);
    atomic_store(&s->is_over, true);
}

static void
stalled_streams_take_64_kib(struct blob_fixture *g)
{
    struct stalled s = {.blobs = g, .id = put_counting(g, 2 * STALLED_BYTES)};
    compare_range(g, &s.id, 0, 2 * STALLED_BYTES); // whatever is loaded at the first
    g->shared = &s;
    s.before = resident_bytes();
    in_fibers(&g->store, 1 + 2 * STALLED_PAIRS, stall_or_measure);
}

#define BLOB_TEST(name)                                                                            \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        blob_in_fiber(*state, name);                                                               \
    }
BLOB_TEST(what_goes_in_comes_out)
BLOB_TEST(failures_leave_nothing)
BLOB_TEST(any_length_takes_the_same_memory)
BLOB_TEST(stalled_streams_take_64_kib)

#define ON(kind, name)                                                                             \
    {kind " " #name, test_##name, blob_fixture_setup, blob_fixture_teardown, (void *)kind}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON("rocks:", stalled_streams_take_64_kib), ON("rocks:", any_length_takes_the_same_memory),
        ON("mem:", what_goes_in_comes_out),        ON("rocks:", what_goes_in_comes_out),
        ON("mem:", failures_leave_nothing),        ON("rocks:", failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

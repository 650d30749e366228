// Tests of blobs: what goes in comes out, ranges, memory, limits.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/store/blob_fixture.h"

enum {
    DATA = BLOB_CHUNK_DATA_BYTES,
    BIG_BYTES = 300000,
    RANGES = 400,
    LONG_BYTES = 256 << 20,
    MANY = 200,
    PATH_BYTES = 3 * FIXTURE_PATH_MAX,
};

static void
all_sizes_come_back(struct blob_fixture *g)
{
    static const size_t SIZES[] = {
        0,
        1,
        15,
        16,
        17,
        DATA - 1,
        DATA,
        DATA + 1,
        BLOB_INLINE_BYTES_MAX - 1,
        BLOB_INLINE_BYTES_MAX,
        BLOB_INLINE_BYTES_MAX + 1,
        2 * DATA - 1,
        2 * DATA,
        2 * DATA + 1,
        BLOB_STREAM_DATA_BYTES - 1,
        BLOB_STREAM_DATA_BYTES,
        BLOB_STREAM_DATA_BYTES + 1,
        2 * BLOB_STREAM_DATA_BYTES - 1,
        2 * BLOB_STREAM_DATA_BYTES,
        2 * BLOB_STREAM_DATA_BYTES + 1,
        REFERENCE_BYTES,
    };
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        struct blob_id id = make_blob(g, reference(g, SIZES[i]));
        CHECK(compare_blob(g, &id, reference(g, SIZES[i])) == OK);
    }
    CHECK(collect_all(g) == 0);
}

static void
read_ranges(struct blob_fixture *g, size_t size)
{
    struct str data = reference(g, size);
    struct blob_id id = make_blob(g, data);
    struct blob_reader *r;
    uint64_t seed = size;
    char *out = malloc(size);
    CHECK(out != NULL && blob_open(g->blobs, &id, &r) == OK);
    for (size_t i = 0; i < RANGES; i++) {
        size_t from = next_random(&seed) % size;
        // Often near the edge of a chunk.
        if (i % 3 == 0 && size > 2 * DATA)
            from = from / DATA * DATA + i % 5 - (from >= DATA ? 2 : 0);
        size_t len = next_random(&seed) % (i % 2 ? size : 100), got;
        CHECK(blob_read_at(r, from, out, len, &got) == OK);
        CHECK(str_eq((struct str){out, got}, str_slice(data, from, from + len)));
    }
    blob_close(r);
    free(out);
}

static void
ranges_are_those_of_the_reference(struct blob_fixture *g)
{
    read_ranges(g, 1);
    read_ranges(g, 100);
    read_ranges(g, BLOB_INLINE_BYTES_MAX);
    read_ranges(g, BIG_BYTES);
}

static void
nothing_is_behind_the_end(struct blob_fixture *g)
{
    static const uint64_t OFFSETS[] = {BIG_BYTES, BIG_BYTES + 1, 1 << 30, INT64_MAX, UINT64_MAX};
    struct blob_id id = make_blob(g, reference(g, BIG_BYTES));
    struct blob_reader *r;
    char out[8];
    size_t got;
    CHECK(blob_open(g->blobs, &id, &r) == OK);
    CHECK(blob_size(r) == BIG_BYTES);
    for (size_t i = 0; i < COUNT_OF(OFFSETS); i++)
        CHECK(blob_read_at(r, OFFSETS[i], out, sizeof out, &got) == OK && got == 0);
    CHECK(blob_read_at(r, BIG_BYTES - 3, out, sizeof out, &got) == OK && got == 3);
    CHECK(blob_read_at(r, 0, out, 0, &got) == OK && got == 0);
    blob_close(r);
    struct blob_id other = {{1}};
    CHECK(blob_open(g->blobs, &other, &r) == E_NOT_FOUND);
}

static bool
file_holds(const struct blob_fixture *g, const struct blob_id *id, struct str text)
{
    static char contents[BIG_BYTES + 32 * BLOB_TAG_BYTES];
    char path[PATH_BYTES];
    blob_path(g, id, path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    ssize_t len = read(fd, contents, sizeof contents);
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_size == len);
    close(fd);
    CHECK((uint64_t)len == blob_stored_bytes(BIG_BYTES));
    return str_find((struct str){contents, (size_t)len}, text) >= 0;
}

static void
small_ones_stay_in_the_store(struct blob_fixture *g)
{
    make_blob(g, reference(g, BLOB_INLINE_BYTES_MAX));
    CHECK(access(g->dir, F_OK) != 0); // not even the directory
    CHECK(count_records(g) == 2);     // head, contents
    struct blob_id id = make_blob(g, reference(g, BIG_BYTES));
    CHECK(count_files(g) == 1 && count_records(g) == 3);
    for (size_t at = 0; at < BIG_BYTES; at += 10007)
        CHECK(!file_holds(g, &id, str_slice(reference(g, BIG_BYTES), at, at + 16)));
}

static void
cancelled_leaves_nothing(struct blob_fixture *g)
{
    struct blob_put *p;
    for (size_t size = 0; size <= BIG_BYTES; size += BIG_BYTES / 3) {
        CHECK(blob_put_begin(g->blobs, &p) == OK);
        CHECK(blob_put_write(p, reference(g, size)) == OK);
        blob_put_cancel(p);
    }
    blob_put_cancel(NULL);
    CHECK(count_records(g) == 0 && count_files(g) == 0);
}

static void
streams_are_counted(struct blob_fixture *g)
{
    struct blob_put *puts[3], *extra;
    struct blob_reader *r;
    struct blob_id id = make_blob(g, reference(g, 10));
    g->blobs->streams_max = COUNT_OF(puts);
    for (size_t i = 0; i < COUNT_OF(puts); i++)
        CHECK(blob_put_begin(g->blobs, &puts[i]) == OK);
    CHECK(blob_put_begin(g->blobs, &extra) == E_LIMIT);
    CHECK(blob_open(g->blobs, &id, &r) == E_LIMIT);
    blob_put_cancel(puts[0]);
    CHECK(blob_open(g->blobs, &id, &r) == OK);
    blob_close(r);
    blob_put_cancel(puts[1]);
    blob_put_cancel(puts[2]);
}

static void
long_streams_take_little_memory(struct blob_fixture *g)
{
    struct arena arena;
    arena_init(&arena);
    struct blob_new blob;
    struct blob_put *p;
    struct blob_reader *r;
    struct str piece = reference(g, REFERENCE_BYTES);
    char *out = malloc(REFERENCE_BYTES);
    size_t got;
    CHECK(out != NULL);
    memset(out, 1, REFERENCE_BYTES);
    make_blob(g, piece); // whatever is loaded at the first
    size_t before = resident_bytes();
    CHECK(blob_put_begin(g->blobs, &p) == OK);
    for (size_t at = 0; at < LONG_BYTES; at += piece.len)
        CHECK(blob_put_write(p, str_slice(piece, 0, LONG_BYTES - at)) == OK);
    CHECK(blob_put_commit(p, &arena, &blob) == OK && blob.size == LONG_BYTES);
    CHECK(blob_open(g->blobs, &blob.id, &r) == OK);
    for (size_t at = 0; at < LONG_BYTES; at += got) {
        CHECK(blob_read_at(r, at, out, REFERENCE_BYTES, &got) == OK && got > 0);
        CHECK(memcmp(out, piece.ptr, got) == 0);
    }
    CHECK(!IS_MEMORY_OURS || resident_bytes() < before + (1 << 20));
    blob_close(r);
    free(out);
    arena_fini(&arena);
}

static void
streams_take_64_kib(struct blob_fixture *g)
{
    struct blob_put *puts[MANY];
    struct blob_reader *readers[MANY];
    struct blob_id id = make_blob(g, reference(g, BIG_BYTES));
    char *out = malloc(BIG_BYTES);
    CHECK(out != NULL);
    memset(out, 1, BIG_BYTES);
    size_t before = resident_bytes(), got;
    for (size_t i = 0; i < MANY; i++) {
        CHECK(blob_put_begin(g->blobs, &puts[i]) == OK);
        CHECK(blob_put_write(puts[i], reference(g, BIG_BYTES)) == OK);
        CHECK(blob_open(g->blobs, &id, &readers[i]) == OK);
        CHECK(blob_read_at(readers[i], 0, out, BIG_BYTES, &got) == OK);
    }
    size_t grown = resident_bytes() - before;
    for (size_t i = 0; i < MANY; i++) {
        blob_put_cancel(puts[i]);
        blob_close(readers[i]);
    }
    free(out);
    CHECK(!IS_MEMORY_OURS || grown < 2 * MANY * (size_t)(64 * 1024));
}

static void
full_disk(struct blob_fixture *g)
{
    struct arena arena;
    arena_init(&arena);
    struct blob_put *p;
    struct blob_new blob;
    CHECK(blob_put_begin(g->blobs, &p) == OK);
    CHECK(blob_put_write(p, reference(g, BIG_BYTES)) == E_FULL);
    CHECK(blob_put_write(p, reference(g, 1)) == E_FULL);
    CHECK(blob_put_commit(p, &arena, &blob) == E_FULL);
    CHECK(count_files(g) == 1); // the one from before
    CHECK(compare_blob(g, &g->noted, reference(g, BIG_BYTES)) == OK);
    CHECK(unlink_blob(g, &g->noted) == OK && collect_all(g) == 1);
    CHECK(count_files(g) == 0);
    arena_fini(&arena);
}

static void
make_noted(struct blob_fixture *g)
{
    g->noted = make_blob(g, reference(g, BIG_BYTES));
}

static void
test_full_disk_reads_and_deletes(void **state)
{
    struct blob_fixture *g = *state;
    blob_in_fiber(g, make_noted);
    g->options.disk_reserve_bytes = INT64_MAX;
    blob_fixture_reopen(g);
    blob_in_fiber(g, full_disk);
}

static void
compare_noted(struct blob_fixture *g)
{
    CHECK(compare_blob(g, &g->noted, reference(g, BIG_BYTES)) == OK);
    CHECK(count_files(g) == 1 && count_records(g) == 1);
}

static void
test_reopened_has_all_but_drafts(void **state)
{
    struct blob_fixture *g = *state;
    char path[PATH_BYTES];
    blob_in_fiber(g, make_noted);
    snprintf(path, sizeof path, "%s/tmp/%032d", g->dir, 7);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    blob_fixture_reopen(g);
    blob_in_fiber(g, compare_noted);
}

#define BLOB_TEST(name)                                                                            \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        blob_in_fiber(*state, name);                                                               \
    }

BLOB_TEST(all_sizes_come_back)
BLOB_TEST(ranges_are_those_of_the_reference)
BLOB_TEST(nothing_is_behind_the_end)
BLOB_TEST(small_ones_stay_in_the_store)
BLOB_TEST(cancelled_leaves_nothing)
BLOB_TEST(streams_are_counted)
BLOB_TEST(long_streams_take_little_memory)
BLOB_TEST(streams_take_64_kib)

#define ON(kind, name)                                                                             \
    {kind " " #name, test_##name, blob_fixture_setup, blob_fixture_teardown, (void *)kind}
#define ON_BOTH(name) ON("mem:", name), ON("rocks:", name)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(all_sizes_come_back),
        ON_BOTH(ranges_are_those_of_the_reference),
        ON_BOTH(nothing_is_behind_the_end),
        ON("rocks:", small_ones_stay_in_the_store),
        ON_BOTH(cancelled_leaves_nothing),
        ON("mem:", streams_are_counted),
        ON("rocks:", long_streams_take_little_memory),
        ON("rocks:", streams_take_64_kib),
        ON("rocks:", full_disk_reads_and_deletes),
        ON("rocks:", reopened_has_all_but_drafts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

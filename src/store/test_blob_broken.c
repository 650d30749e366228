// Tests of broken blobs: whatever is not as it was written is reported, and never given out.
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
    STORED = BLOB_CHUNK_BYTES,
    CHUNKS = 7,
    SIZE = (CHUNKS - 1) * DATA + 1000, // the last chunk is short
    PATH_BYTES = 3 * FIXTURE_PATH_MAX,
    SAMPLE_STRIDE = 241,
    RECORD_BYTES_MAX = 2 * BLOB_CHUNK_BYTES,
};

// A record of the kv as it is, and a place to write it back.
struct record {
    struct str key;
    char bytes[RECORD_BYTES_MAX];
    size_t len;
};

static int
get_record(struct kv_txn *txn, void *arg)
{
    struct record *r = arg;
    struct str value;
    TRY(kv_get(txn, r->key, KV_SERIALIZABLE, &value));
    CHECK(str_is_present(value) && value.len <= sizeof r->bytes);
    memcpy(r->bytes, value.ptr, value.len);
    r->len = value.len;
    return OK;
}

static int
set_record(struct kv_txn *txn, void *arg)
{
    const struct record *r = arg;
    return kv_set(txn, r->key, (struct str){r->bytes, r->len});
}

static void
run(struct blob_fixture *g, kv_body_fn *body, struct record *r)
{
    struct arena arena;
    arena_init(&arena);
    CHECK(kv_run(g->store.kv, &arena, body, r) == OK);
    arena_fini(&arena);
}

// Every bit of a record of the blob, every shorter one and one that is longer.
static void
break_record(struct blob_fixture *g, struct str key, const struct blob_id *id, struct str data)
{
    struct record *r = calloc(1, sizeof *r);
    CHECK(r != NULL);
    r->key = key;
    run(g, get_record, r);
    size_t len = r->len;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        r->bytes[bit / 8] ^= (char)(1 << bit % 8);
        run(g, set_record, r);
        int code = compare_blob(g, id, data);
        CHECK(code == E_INVALID || code == E_NEWER); // versions are looked at first
        r->bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (r->len = 0; r->len < len; r->len++) {
        run(g, set_record, r);
        CHECK(compare_blob(g, id, data) == E_INVALID);
    }
    run(g, set_record, r);
    CHECK(compare_blob(g, id, data) == OK);
    free(r);
}

static void
every_bit_of_the_head(struct blob_fixture *g)
{
    struct arena arena;
    arena_init(&arena);
    struct blob_id small = make_blob(g, reference(g, 50)), large = make_blob(g, reference(g, SIZE));
    break_record(g, blob_head_key(&small, &arena), &small, reference(g, 50));
    break_record(g, blob_head_key(&large, &arena), &large, reference(g, SIZE));
    arena_fini(&arena);
}

static void
every_bit_of_small_contents(struct blob_fixture *g)
{
    struct arena arena;
    arena_init(&arena);
    struct blob_id id = make_blob(g, reference(g, 50));
    break_record(g, blob_contents_key(&id, &arena), &id, reference(g, 50));
    arena_fini(&arena);
}

static void
exchanged_records(struct blob_fixture *g)
{
    struct arena arena;
    arena_init(&arena);
    struct blob_id a = make_blob(g, reference(g, 50)), b = make_blob(g, reference(g, 50));
    struct record *r = calloc(1, sizeof *r);
    CHECK(r != NULL);
    r->key = blob_head_key(&a, &arena);
    run(g, get_record, r);
    r->key = blob_head_key(&b, &arena);
    run(g, set_record, r);
    CHECK(compare_blob(g, &b, reference(g, 50)) == E_INVALID);
    r->key = blob_contents_key(&b, &arena);
    run(g, get_record, r);
    r->key = blob_contents_key(&a, &arena);
    run(g, set_record, r);
    CHECK(compare_blob(g, &a, reference(g, 50)) == E_INVALID);
    free(r);
    arena_fini(&arena);
}

static int
open_file(struct blob_fixture *g, const struct blob_id *id)
{
    char path[PATH_BYTES];
    blob_path(g, id, path, sizeof path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

// What reading one byte of that chunk gives.
static int
probe(struct blob_fixture *g, const struct blob_id *id, uint64_t chunk)
{
    struct blob_reader *r;
    char out = 0;
    size_t got;
    TRY(blob_open(g->blobs, id, &r));
    int code = blob_read_at(r, chunk * DATA + 5, &out, 1, &got);
    CHECK(code != OK || (got == 1 && out == g->reference[chunk * DATA + 5]));
    CHECK(code == OK || out == 0);
    blob_close(r);
    return code;
}

// Exactly that chunk is broken, and who reads across it is told.
static void
check_broken(struct blob_fixture *g, const struct blob_id *id, uint64_t broken)
{
    CHECK(probe(g, id, broken) == E_INVALID);
    CHECK(probe(g, id, (broken + 1) % CHUNKS) == OK);
    CHECK(probe(g, id, (broken + CHUNKS - 1) % CHUNKS) == OK);
}

static void
flip(int fd, off_t at, unsigned bit)
{
    char byte;
    CHECK(pread(fd, &byte, 1, at) == 1);
    byte ^= (char)(1u << bit);
    CHECK(pwrite(fd, &byte, 1, at) == 1);
}

static void
sampled_bits_of_chunks(struct blob_fixture *g)
{
    struct blob_id id = make_blob(g, reference(g, SIZE));
    int fd = open_file(g, &id);
    off_t end = (off_t)blob_stored_bytes(SIZE);
    for (off_t at = 0; at < end; at += SAMPLE_STRIDE) {
        flip(fd, at, (unsigned)at % 8);
        check_broken(g, &id, (uint64_t)at / STORED);
        flip(fd, at, (unsigned)at % 8);
    }
    for (unsigned bit = 0; bit < 8 * BLOB_TAG_BYTES; bit++) { // all of the last tag
        flip(fd, end - 1 - bit / 8, bit % 8);
        CHECK(probe(g, &id, CHUNKS - 1) == E_INVALID);
        CHECK(compare_blob(g, &id, reference(g, SIZE)) == E_INVALID);
        flip(fd, end - 1 - bit / 8, bit % 8);
    }
    CHECK(compare_blob(g, &id, reference(g, SIZE)) == OK);
    close(fd);
}

static void
cut_files(struct blob_fixture *g)
{
    static const off_t LENGTHS[] = {0,          1,          STORED - 1, STORED,
                                    STORED + 1, 3 * STORED, 6 * STORED, 6 * STORED + 16};
    off_t end = (off_t)blob_stored_bytes(SIZE);
    for (size_t i = 0; i <= COUNT_OF(LENGTHS); i++) {
        off_t len = i < COUNT_OF(LENGTHS) ? LENGTHS[i] : end - 1;
        struct blob_id id = make_blob(g, reference(g, SIZE));
        int fd = open_file(g, &id);
        CHECK(ftruncate(fd, len) == 0);
        for (uint64_t chunk = 0; chunk < CHUNKS; chunk++) {
            bool is_whole = (off_t)(chunk + 1) * STORED <= len;
            CHECK(probe(g, &id, chunk) == (is_whole ? OK : E_INVALID));
        }
        CHECK(compare_blob(g, &id, reference(g, SIZE)) == E_INVALID);
        CHECK(ftruncate(fd, end) == 0); // zeroes are no contents
        CHECK(compare_blob(g, &id, reference(g, SIZE)) == E_INVALID);
        close(fd);
    }
}

static void
copy_chunk(int to, off_t to_chunk, int from, off_t from_chunk, size_t len)
{
    char chunk[STORED];
    CHECK(pread(from, chunk, len, from_chunk * STORED) == (ssize_t)len);
    CHECK(pwrite(to, chunk, len, to_chunk * STORED) == (ssize_t)len);
}

static void
moved_chunks(struct blob_fixture *g)
{
    struct blob_id id = make_blob(g, reference(g, SIZE)), twin = make_blob(g, reference(g, SIZE));
    int fd = open_file(g, &id), other = open_file(g, &twin);
    for (off_t chunk = 0; chunk < CHUNKS - 1; chunk++) {
        copy_chunk(fd, chunk, fd, (chunk + 1) % (CHUNKS - 1), STORED); // from another place
        check_broken(g, &id, (uint64_t)chunk);
        copy_chunk(fd, chunk, other, chunk, STORED); // of another blob with the same data
        check_broken(g, &id, (uint64_t)chunk);
        close(fd);
        id = make_blob(g, reference(g, SIZE));
        fd = open_file(g, &id);
    }
    copy_chunk(fd, CHUNKS - 1, other, CHUNKS - 1, 1000 + BLOB_TAG_BYTES);
    check_broken(g, &id, CHUNKS - 1);
    close(fd);
    close(other);
}

static void
lost_files(struct blob_fixture *g)
{
    char path[PATH_BYTES];
    struct blob_id id = make_blob(g, reference(g, SIZE));
    blob_path(g, &id, path, sizeof path);
    CHECK(unlink(path) == 0);
    CHECK(compare_blob(g, &id, reference(g, SIZE)) == E_INVALID);
    CHECK(unlink_blob(g, &id) == OK);
    CHECK(collect_all(g) == 1);
    CHECK(count_records(g) == 0);
}

// One key, the same bytes: only what is bound to the chunk differs.
static void
test_chunks_are_bound(void **state)
{
    struct aes *crypto = aes_new();
    struct blob_id id = {{1}}, other = {{2}};
    struct blob_key key = {{3}}, other_key = {{4}};
    static const struct {
        bool is_other_id, is_other_key, is_last;
        uint64_t number;
        int code;
    } CASES[] = {
        {false, false, false, 5, OK},        {true, false, false, 5, E_INVALID},
        {false, true, false, 5, E_INVALID},  {false, false, true, 5, E_INVALID},
        {false, false, false, 4, E_INVALID}, {false, false, false, 5 + (1ull << 32), E_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char chunk[100 + BLOB_TAG_BYTES] = "text", zeroes[100] = {0};
        struct blob_cipher *out = blob_cipher_new(crypto, BLOB_ENCRYPT, &id, &key);
        struct blob_cipher *in =
            blob_cipher_new(crypto, BLOB_DECRYPT, CASES[i].is_other_id ? &other : &id,
                            CASES[i].is_other_key ? &other_key : &key);
        blob_chunk_seal(out, 5, false, chunk, 100);
        int code = blob_chunk_open(in, CASES[i].number, CASES[i].is_last, chunk, 100);
        assert_int_equal(code, CASES[i].code);
        if (code == OK)
            assert_string_equal(chunk, "text");
        else
            assert_memory_equal(chunk, zeroes, sizeof zeroes);
        blob_cipher_free(out);
        blob_cipher_free(in);
    }
    aes_free(crypto);
}

#define BLOB_TEST(name)                                                                            \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        blob_in_fiber(*state, name);                                                               \
    }

BLOB_TEST(every_bit_of_the_head)
BLOB_TEST(every_bit_of_small_contents)
BLOB_TEST(exchanged_records)
BLOB_TEST(sampled_bits_of_chunks)
BLOB_TEST(cut_files)
BLOB_TEST(moved_chunks)
BLOB_TEST(lost_files)

#define ON(kind, name)                                                                             \
    {kind " " #name, test_##name, blob_fixture_setup, blob_fixture_teardown, (void *)kind}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_are_bound),
        ON("mem:", every_bit_of_the_head),
        ON("mem:", every_bit_of_small_contents),
        ON("mem:", exchanged_records),
        ON("rocks:", sampled_bits_of_chunks),
        ON("rocks:", cut_files),
        ON("rocks:", moved_chunks),
        ON("rocks:", lost_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

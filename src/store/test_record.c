// Tests of records: what is written reads back, and what is not ours or newer is refused.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/record.h"

#include "src/base/buf.h"
#include "src/store/fixture.h"

// A record as the generator would write it, and the same one two fields ago.
struct note {
    struct str title;
    struct opt_long size;
    struct opt_time sent;
};

enum { SHAPE_STRING, SHAPE_LONG, SHAPE_TIME, SHAPE_NOTE, SHAPE_OLD_NOTE };

#define MEMBER(field, shape_, id_)                                                                 \
    {.offset = offsetof(struct note, field), .shape = (shape_), .id = (id_)}
#define NOTE(members)                                                                              \
    {.type = WIRE_STRUCTURE, .c_size = sizeof(struct note), .member_count = (members)}

static const struct wire_member members[] = {
    MEMBER(title, SHAPE_STRING, 1),
    MEMBER(size, SHAPE_LONG, 4),
    MEMBER(sent, SHAPE_TIME, 300),
};

static const struct wire_shape shapes[] = {
    [SHAPE_STRING] = {.type = WIRE_STRING, .c_size = sizeof(struct str)},
    [SHAPE_LONG] = {.type = WIRE_LONG, .c_size = sizeof(struct opt_long)},
    [SHAPE_TIME] = {.type = WIRE_TIMESTAMP, .c_size = sizeof(struct opt_time)},
    [SHAPE_NOTE] = NOTE(3),
    [SHAPE_OLD_NOTE] = NOTE(1),
};

static const struct wire_model model = {.text = "", .shapes = shapes, .members = members};

// Version 1 had no size, and titles in quotes.
static int
note_upgrade(uint8_t version, void *record, struct arena *arena)
{
    struct note *n = record;
    if (version != 1 || n->title.len < 2)
        return E_IO;
    n->title = str_slice(n->title, 1, n->title.len - 1);
    n->size = OPT_LONG(-1);
    return OK;
}

static const struct record_type note_type = {&model, SHAPE_NOTE, 2, "test.note", note_upgrade};
static const struct record_type old_type = {&model, SHAPE_OLD_NOTE, 1, "test.note", NULL};

static int
set_body(struct kv_txn *txn, void *arg)
{
    TRY(record_set(txn, &note_type, STR("full"), arg));
    return record_set(txn, &note_type, STR("empty"), &(struct note){0});
}

static int
get_body(struct kv_txn *txn, void *arg)
{
    struct note n;
    CHECK(record_get(txn, &note_type, STR("full"), KV_SERIALIZABLE, &n) == OK);
    CHECK(str_eq(n.title, STR("a title")));
    CHECK(n.size.is_present && n.size.value == INT64_MIN);
    CHECK(n.sent.is_present && n.sent.value == 1700000000123);
    CHECK(record_get(txn, &note_type, STR("empty"), KV_SNAPSHOT, &n) == OK);
    CHECK(!str_is_present(n.title) && !n.size.is_present && !n.sent.is_present);
    CHECK(record_get(txn, &note_type, STR("none"), KV_SERIALIZABLE, &n) == E_NOT_FOUND);
    CHECK(record_get(txn, &old_type, STR("full"), KV_SERIALIZABLE, &n) == E_NEWER);
    return OK;
}

static void
round_trip(struct fixture *f)
{
    struct note n = {STR("a title"), OPT_LONG(INT64_MIN), OPT_TIME(1700000000123)};
    struct arena arena;
    arena_init(&arena);
    CHECK(kv_run(f->kv, &arena, set_body, &n) == OK);
    CHECK(kv_run(f->kv, &arena, get_body, NULL) == OK);
    arena_fini(&arena);
}

static void
records_read_back(void **state)
{
    in_fiber(*state, round_trip);
}

static struct str
encode(struct arena *a, const struct record_type *type, const struct note *n)
{
    struct buf b;
    buf_init(&b, a, 64);
    record_encode(type, n, &b);
    return buf_str(&b);
}

static void
older_records_are_read(void **state)
{
    struct arena arena;
    arena_init(&arena);
    struct note n, old = {.title = STR("\"old\"")};
    struct str bytes = encode(&arena, &old_type, &old);
    assert_int_equal(record_decode(&note_type, bytes, &arena, &n), OK);
    assert_true(str_eq(n.title, STR("old")) && n.size.value == -1);
    // Written again it is of today, and not upgraded twice.
    bytes = encode(&arena, &note_type, &n);
    assert_int_equal(record_decode(&note_type, bytes, &arena, &n), OK);
    assert_true(str_eq(n.title, STR("old")));
    // What the upgrade cannot make sense of.
    old.title = STR("x");
    bytes = encode(&arena, &old_type, &old);
    assert_int_equal(record_decode(&note_type, bytes, &arena, &n), E_IO);
    arena_fini(&arena);
}

static void
broken_records_are_refused(void **state)
{
    struct arena arena;
    arena_init(&arena);
    struct note n, full = {STR("title"), OPT_LONG(1000), OPT_TIME(1)};
    struct str bytes = encode(&arena, &note_type, &full);
    assert_int_equal(record_decode(&note_type, bytes, &arena, &n), OK);
    for (size_t len = 0; len < bytes.len; len++) {
        struct str cut = arena_copy(&arena, str_slice(bytes, 0, len));
        assert_int_equal(record_decode(&note_type, cut, &arena, &n), E_IO);
    }
    assert_int_equal(record_decode(&note_type, STR("\0\xa0"), &arena, &n), E_IO);
    assert_int_equal(record_decode(&note_type, STR("\x03\xa0"), &arena, &n), E_NEWER);
    assert_int_equal(record_decode(&note_type, STR("\x02\xa0x"), &arena, &n), E_IO);
    assert_int_equal(record_decode(&note_type, STR("\x02\x80"), &arena, &n), E_IO);
    arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        {"mem: records_read_back", records_read_back, fixture_setup, fixture_teardown,
         (void *)"mem:"},
        {"rocks: records_read_back", records_read_back, fixture_setup, fixture_teardown,
         (void *)"rocks:"},
        cmocka_unit_test(older_records_are_read),
        cmocka_unit_test(broken_records_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

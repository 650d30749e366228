// RPC v2 CBOR requests and responses over the hand-written model.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/rpc_cbor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/base/encoding.h"
#include "src/wire/test_fixture.h"
#include "src/wire/test_model.h"

static struct test_thing thing;
// The hand-written model, but its lists of strings and its maps of strings are sparse.
static struct wire_shape sparse_shapes[COUNT_OF(test_shapes)];
static struct wire_model sparse_model;

static int
setup(void **state)
{
    arena_init(&arena);
    memcpy(sparse_shapes, test_shapes, sizeof(test_shapes));
    sparse_shapes[TEST_STRINGS].is_sparse = true;
    sparse_shapes[TEST_TAGS].is_sparse = true;
    sparse_model = test_model;
    sparse_model.shapes = sparse_shapes;
    return 0;
}

static struct str
bytes_of(const char *hex)
{
    size_t len = strlen(hex) / 2;
    char *bytes = arena_alloc_bytes(&arena, len);
    assert_int_equal(hex_decode(str_of(hex), bytes, len), OK);
    return (struct str){bytes, len};
}

static int
decode(const struct wire_model *m, struct str body)
{
    memset(&thing, 0xff, sizeof(thing)); // decoders zero it
    return wire_rpc_cbor_decode(m, TEST_THING, body, &arena, &thing, &problem);
}

static void
assert_decodes(const char *hex)
{
    if (decode(&test_model, bytes_of(hex)) != OK)
        fail_msg("%s: " STR_FMT, hex, STR_ARG(problem.message));
    assert_int_equal(problem.kind, WIRE_PROBLEM_NONE);
}

static void
assert_encodes(const struct wire_model *m, const char *want)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_rpc_cbor_encode(m, TEST_THING, &thing, &b);
    char *got = arena_alloc(&arena, 2 * b.len + 1);
    hex_encode(b.ptr, b.len, got);
    assert_string_equal(got, want);
}

#define TEXT_ "6454657874"       // "Text"
#define SMALL_ "65536d616c6c"    // "Small"
#define RATIO_ "65526174696f"    // "Ratio"
#define WHEN_ "645768656e"       // "When"
#define NAMES_ "654e616d6573"    // "Names"
#define TAGS_ "6454616773"       // "Tags"
#define CHILD_ "654368696c64"    // "Child"
#define DATA_ "6444617461"       // "Data"
#define FLAG_ "64466c6167"       // "Flag"
#define BIG_ "63426967"          // "Big"
#define COUNTS_ "66436f756e7473" // "Counts"

static void
test_empty(void **state)
{
    static const char *const texts[] = {"", "a0", "bfff", "b800", "bb0000000000000000"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_decodes(texts[i]);
        assert_encodes(&test_model, "a0");
    }
}

static void
test_scalars(void **state)
{
    assert_decodes("a7" TEXT_ "6161" DATA_ "4200ff" FLAG_ "f5" SMALL_ "24" BIG_
                   "1b7fffffffffffffff" RATIO_ "fb3ff199999999999a" WHEN_ "c11a54c4a180");
    assert_str(thing.Text, "a");
    assert_memory_equal(thing.Data.ptr, "\0\xff", 2);
    assert_true(thing.Flag.is_present && thing.Flag.value);
    assert_true(thing.Small.is_present && thing.Small.value == -5);
    assert_true(thing.Big.value == INT64_MAX);
    assert_true(thing.Ratio.value == 1.1);
    assert_true(thing.When.value == 1422172544000);
    assert_encodes(&test_model,
                   "a7" TEXT_ "6161" DATA_ "4200ff" FLAG_ "f5" SMALL_ "24" BIG_
                   "1b7fffffffffffffff" RATIO_ "fb3ff199999999999a" WHEN_ "c1fb41d5312860000000");
}

// All forms of a number are the same number.
static void
test_numbers(void **state)
{
    static const char *const halves[] = {"a1" RATIO_ "f93e00", "a1" RATIO_ "fa3fc00000",
                                         "a1" RATIO_ "fb3ff8000000000000"};
    for (size_t i = 0; i < COUNT_OF(halves); i++) {
        assert_decodes(halves[i]);
        assert_true(thing.Ratio.value == 1.5);
        assert_encodes(&test_model, halves[1]);
    }
    assert_decodes("a1" RATIO_ "3863");
    assert_true(thing.Ratio.value == -100);
    assert_decodes("a1" RATIO_ "f97e00");
    assert_true(isnan(thing.Ratio.value));
    assert_encodes(&test_model, "a1" RATIO_ "fa7fc00000");
    assert_decodes("a1" SMALL_ "1b0000000000000007");
    assert_int_equal(thing.Small.value, 7);
    assert_encodes(&test_model, "a1" SMALL_ "07");
    assert_decodes("a1" SMALL_ "3a7fffffff");
    assert_true(thing.Small.value == INT32_MIN);
}

static void
test_timestamps(void **state)
{
    static const struct {
        const char *hex;
        int64_t ms;
    } cases[] = {
        {"a1" WHEN_ "c100", 0},
        {"a1" WHEN_ "c120", -1000},
        {"a1" WHEN_ "c1fb41cc37db380fbe77", 946845296123},
        {"a1" WHEN_ "c1f93800", 500},
        {"a1" WHEN_ "c1fa3fc00000", 1500},
        {"a1" WHEN_ "c1fb3fefff2e48e8a71e", 999}, // 0.9999: what is finer is cut off
        {"a1" WHEN_ "c11b0000003afff4417f", 253402300799000},
        {"a1" WHEN_ "d9000100", 0}, // a longer head
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_decodes(cases[i].hex);
        assert_true(thing.When.is_present && thing.When.value == cases[i].ms);
    }
    thing = (struct test_thing){.When = OPT_TIME(946845296123)};
    assert_encodes(&test_model, "a1" WHEN_ "c1fb41cc37db380fbe77");
}

static void
test_indefinite_lengths(void **state)
{
    assert_decodes("bf"
                   "7f625465627874ff" // "Te" "xt"
                   "7f616162c3a9ff"   // "a" "é"
                   NAMES_ "9f61617f61626163ffff" CHILD_ "bf" DATA_ "5f41004101ffff" TAGS_
                   "bf616b6176ffff");
    assert_str(thing.Text, "a\xc3\xa9");
    assert_int_equal(thing.Names.count, 2);
    assert_str(thing.Names.items[1], "bc");
    assert_memory_equal(thing.Child->Data.ptr, "\0\1", 2);
    assert_str(thing.Tags.items[0].value, "v");
    assert_encodes(&test_model, "a4" TEXT_ "6361c3a9" CHILD_ "a1" DATA_ "420001" NAMES_
                                "826161626263" TAGS_ "a1616b6176");
}

static void
test_nulls(void **state)
{
    assert_decodes("a4" TEXT_ "f6" NAMES_ "83f66161f7" TAGS_ "a2616bf6616c6176" CHILD_ "f7");
    assert_false(str_is_present(thing.Text));
    assert_null(thing.Child);
    assert_int_equal(thing.Names.count, 1);
    assert_str(thing.Names.items[0], "a");
    assert_int_equal(thing.Tags.count, 1);
    assert_str(thing.Tags.items[0].key, "l");
}

static void
test_sparse(void **state)
{
    const char *hex = "a2" NAMES_ "83f66161f6" TAGS_ "a2616bf6616c6176";
    assert_int_equal(decode(&sparse_model, bytes_of(hex)), OK);
    assert_int_equal(thing.Names.count, 3);
    assert_false(str_is_present(thing.Names.items[0]));
    assert_str(thing.Names.items[1], "a");
    assert_int_equal(thing.Tags.count, 2);
    assert_str(thing.Tags.items[0].key, "k");
    assert_false(str_is_present(thing.Tags.items[0].value));
    assert_encodes(&sparse_model, hex);
    // The same values, where nulls have no place.
    assert_encodes(&test_model, "a2" NAMES_ "816161" TAGS_ "a1616c6176");
}

static void
test_unknown_members_are_skipped(void **state)
{
    assert_decodes("a4665f5f747970656161"             // "__type"
                   "6178bf6178c249010000000000000000" // a bignum in a map
                   "ff61799f5f4100ff7f6161ff8201f8ffff" TEXT_ "6174");
    assert_str(thing.Text, "t");
}

static void
test_of_two_the_last_counts(void **state)
{
    assert_decodes("a3" TEXT_ "6161" TEXT_ "6162" TAGS_ "a2616b6161616b6162");
    assert_str(thing.Text, "b");
    assert_int_equal(thing.Tags.count, 1);
    assert_str(thing.Tags.items[0].value, "b");
}

static void
test_wrong_types(void **state)
{
    static const struct {
        const char *hex, *path, *message;
    } cases[] = {
        {"80", "", "An array can not be converted to a structure"},
        {"f6", "", "Null can not be converted to a structure"},
        {"a1" TEXT_ "4161", "text", "A byte string can not be converted to a String"},
        {"a1" TEXT_ "c06161", "text", "A tag can not be converted to a String"},
        {"a1" DATA_ "6161", "data", "A text string can not be converted to a Blob"},
        {"a1" FLAG_ "01", "flag", "An integer can not be converted to a Boolean"},
        {"a1" SMALL_ "f5", "small", "A boolean can not be converted to an Integer"},
        {"a1" SMALL_ "f93c00", "small", "A float can not be converted to an Integer"},
        {"a1" SMALL_ "1a80000000", "small", "An integer can not be converted to an Integer"},
        {"a1" BIG_ "1b8000000000000000", "big", "An integer can not be converted to a Long"},
        {"a1" BIG_ "c24101", "big", "A tag can not be converted to a Long"},
        {"a1" RATIO_ "63312e35", "ratio", "A text string can not be converted to a Double"},
        {"a1" RATIO_ "1bffffffffffffffff", "ratio", "An integer can not be converted to a Double"},
        {"a1" WHEN_ "1a54c4a180", "when", "An integer can not be converted to a Timestamp"},
        {"a1" WHEN_ "c06161", "when", "A tag can not be converted to a Timestamp"},
        {"a1" WHEN_ "c16161", "when", "A text string can not be converted to a Timestamp"},
        {"a1" WHEN_ "c1f97e00", "when", "A float can not be converted to a Timestamp"},
        {"a1" WHEN_ "c1fb7fefffffffffffff", "when", "A float can not be converted to a Timestamp"},
        {"a1" NAMES_ "a0", "names", "A map can not be converted to a list"},
        {"a1" NAMES_ "82616101", "names.2.member", "An integer can not be converted to a String"},
        {"a1" TAGS_ "a1616be0", "tags.k.member", "A simple value can not be converted to a String"},
        {"a1" CHILD_ "a1" CHILD_ "01", "child.child",
         "An integer can not be converted to a structure"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(decode(&test_model, bytes_of(cases[i].hex)), E_INVALID);
        assert_str(problem.message, cases[i].message);
        assert_int_equal(problem.kind, WIRE_PROBLEM_TYPE);
        assert_str(problem.path, cases[i].path);
    }
}

static void
test_syntax(void **state)
{
    static const char *const texts[] = {
        "a000",                // more behind it
        "a1",                  // ends early
        "a1" TEXT_,            //
        "a1" TEXT_ "6261",     //
        "a1" TEXT_ "61ff",     // not UTF-8
        "a1" TEXT_ "7f4161ff", // chunks of another kind
        "a1" NAMES_ "9f6161",  // without an end
        "bf" TEXT_ "6161",     //
        "bf" TEXT_ "ff",       // a name without a value
        "a10101",              // a name that is no text
        "a1" TEXT_ "1c",       // reserved
        "bbffffffffffffffff",  // more than the bytes can hold
        "ff",                  //
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(decode(&test_model, bytes_of(texts[i])), E_INVALID);
        assert_int_equal(problem.kind, WIRE_PROBLEM_SYNTAX);
        assert_str(problem.message, "The request is not valid CBOR");
    }
}

static struct str
repeated(const char *hex, size_t times, const char *tail)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    for (size_t i = 0; i < times; i++)
        buf_put(&b, str_of(hex));
    buf_put(&b, str_of(tail));
    buf_put_char(&b, '\0');
    return bytes_of(b.ptr);
}

static void
test_limits(void **state)
{
    assert_int_equal(decode(&test_model, repeated("a1" CHILD_, WIRE_DEPTH_MAX - 1, "a0")), OK);
    assert_int_equal(decode(&test_model, repeated("a1" CHILD_, WIRE_DEPTH_MAX, "a0")), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
    assert_int_equal(decode(&test_model, repeated("a16178", WIRE_DEPTH_MAX + 1, "a0")), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
    struct str many = repeated("00", WIRE_ITEMS_MAX + 1, "ff");
    struct str head = bytes_of("bf" COUNTS_ "9f");
    struct buf b;
    buf_init(&b, &arena, 0);
    buf_put(&b, head);
    buf_put(&b, many);
    assert_int_equal(decode(&test_model, buf_str(&b)), E_INVALID);
    assert_int_equal(problem.kind, WIRE_PROBLEM_DEPTH);
}

// Counts and lengths far beyond the bytes that came.
static void
test_what_is_only_claimed_takes_no_memory(void **state)
{
    static const char *const texts[] = {
        "bb7fffffffffffffff6161",            // entries
        "a17b7fffffffffffffff6161",          // bytes of a key
        "a1" COUNTS_ "9b7fffffffffffffff00", // elements
        "a1" COUNTS_ "9a00ffffff0000",       //
        "a1" COUNTS_ "9f9b7fffffffffffffff", // of an element
        "a161789b7fffffffffffffff00",        // of a member that no model has
        "a161785b7fffffffffffffff00",        //
        "a161785f5b7fffffffffffffff00ff",    // bytes of a chunk
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str bytes = bytes_of(texts[i]);
        size_t used = arena.used_bytes;
        assert_int_equal(decode(&test_model, bytes), E_INVALID);
        assert_in_range(arena.used_bytes - used, 0, 512); // the problem's words, a first element
    }
}

static void
assert_error(const struct wire_error_text *e, const char *want)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_rpc_cbor_encode_error(e, &b);
    char *got = arena_alloc(&arena, 2 * b.len + 1);
    hex_encode(b.ptr, b.len, got);
    assert_string_equal(got, want);
}

static void
test_errors(void **state)
{
    struct test_choice context = {.Small = OPT_INT(3)};
    struct wire_error_text e = {
        .name = STR("Bad"), .namespace_ = STR("a.b"), .message = STR("Hi"), .is_sender = true};
    assert_error(&e, "a2665f5f7479706567612e6223426164676d657373616765624869");
    e.namespace_ = STR("");
    e.message = (struct str){0};
    assert_error(&e, "a1665f5f7479706563426164");
    e.message = STR("Hi");
    e.message_name = STR("Message");
    e.m = &test_model;
    e.shape = TEST_CHOICE;
    e.context = &context;
    assert_error(&e, "a3665f5f7479706563426164674d657373616765624869" SMALL_ "03");
    e.fields = (struct wire_error_field[]){{"K", STR("v")}};
    e.field_count = 1;
    assert_error(&e, "a4665f5f7479706563426164674d657373616765624869" SMALL_ "03614b6176");
}

static void
test_path(void **state)
{
    static const char *const others[] = {"",
                                         "/",
                                         "/service/S/operation/",
                                         "/service//operation/O",
                                         "/services/S/operation/O",
                                         "/service/S/operations/O",
                                         "/S/operation/O",
                                         "service/S/operation/O",
                                         "/service/S/operation/O/"};
    struct str service, operation;
    assert_true(wire_rpc_cbor_parse_path(STR("/service/S/operation/O"), &service, &operation));
    assert_str(service, "S");
    assert_str(operation, "O");
    assert_true(
        wire_rpc_cbor_parse_path(STR("/v1/x/service/a.b.S/operation/O"), &service, &operation));
    assert_str(service, "a.b.S");
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(wire_rpc_cbor_parse_path(str_of(others[i]), &service, &operation));
}

static void
test_name(void **state)
{
    struct wire_service s = {.target_prefix = "com.amazonaws.x.Service_2012",
                             .protocols = 1u << WIRE_RPC_V2_CBOR};
    assert_true(wire_rpc_cbor_is_named(&s, STR("Service_2012")));
    assert_true(wire_rpc_cbor_is_named(&s, STR("com.amazonaws.x.Service_2012")));
    assert_false(wire_rpc_cbor_is_named(&s, STR("Service")));
    assert_false(wire_rpc_cbor_is_named(&s, STR("")));
    s.target_prefix = "";
    assert_false(wire_rpc_cbor_is_named(&s, STR("")));
    s = test_service;
    assert_false(wire_rpc_cbor_is_named(&s, str_of(s.target_prefix))); // speaks JSON only
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, arena_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_scalars),
        TEST(test_numbers),
        TEST(test_timestamps),
        TEST(test_indefinite_lengths),
        TEST(test_nulls),
        TEST(test_sparse),
        TEST(test_unknown_members_are_skipped),
        TEST(test_of_two_the_last_counts),
        TEST(test_wrong_types),
        TEST(test_syntax),
        TEST(test_limits),
        TEST(test_what_is_only_claimed_takes_no_memory),
        TEST(test_errors),
        TEST(test_path),
        TEST(test_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

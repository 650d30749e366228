// Records as CBOR over the hand-written model.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/cbor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/base/encoding.h"
#include "src/wire/protocol.h"
#include "src/wire/test_fixture.h"
#include "src/wire/test_model.h"

static struct test_thing thing;

static struct str
encode(const struct test_thing *in)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    wire_cbor_encode(&test_model, TEST_THING, in, &b);
    return buf_str(&b);
}

static int
decode(struct str bytes)
{
    memset(&thing, 0xff, sizeof(thing)); // decoders zero it
    return wire_cbor_decode(&test_model, TEST_THING, bytes, &arena, &thing);
}

static int
decode_hex(const char *hex)
{
    size_t len = strlen(hex) / 2;
    char *bytes = arena_alloc_bytes(&arena, len);
    assert_int_equal(hex_decode(str_of(hex), bytes, len), OK);
    return decode((struct str){bytes, len});
}

static void
assert_hex(struct str bytes, const char *want)
{
    char *hex = arena_alloc(&arena, 2 * bytes.len + 1);
    hex_encode(bytes.ptr, bytes.len, hex);
    assert_string_equal(hex, want);
}

static void
test_ids_are_keys(void **state)
{
    struct opt_int counts[] = {OPT_INT(7)};
    assert_hex(encode(&(struct test_thing){0}), "a0");
    assert_hex(encode(&(struct test_thing){.Text = STR("a"), .Flag = OPT_BOOL(true)}),
               "a201616103f5");
    assert_hex(encode(&(struct test_thing){.Small = OPT_INT(-1), .When = OPT_TIME(1000)}),
               "a20420071903e8");
    assert_hex(encode(&(struct test_thing){.Data = STR("\1"), .Counts = {counts, 1}}),
               "a202410119012c8107");
}

// The same value by way of JSON, which prints all of it.
static void
assert_round_trip(const char *json)
{
    struct test_thing in;
    struct buf again;
    int code = wire_json_decode(&test_model, TEST_THING, str_of(json), &arena, &in, &problem);
    assert_int_equal(code, OK);
    struct str bytes = encode(&in);
    assert_int_equal(decode(bytes), OK);
    buf_init(&again, &arena, 0);
    wire_json_encode(&test_model, TEST_THING, &thing, &again);
    if (!str_eq(buf_str(&again), str_of(json)))
        fail_msg("got " STR_FMT ", want %s", STR_ARG(buf_str(&again)), json);
    struct str twice = encode(&thing);
    assert_true(str_eq(bytes, twice));
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(decode(str_slice(bytes, 0, len)), E_INVALID);
}

static void
test_round_trips(void **state)
{
    assert_round_trip("{}");
    assert_round_trip("{\"Text\":\"\",\"Data\":\"AAEC\",\"Flag\":false,\"Small\":-2147483648,"
                      "\"Big\":-9223372036854775808,\"Ratio\":1.1,\"When\":-1.500,\"WhenText\":"
                      "\"Sun, 25 Jan 2015 08:00:00 GMT\"}");
    assert_round_trip("{\"Child\":{\"Child\":{\"Text\":\"deep\"}},\"Names\":[\"a\",\"b\"],"
                      "\"FlatNames\":[],\"Children\":[{\"Small\":1},{}],"
                      "\"Tags\":{\"k\":\"v\",\"l\":\"\"},\"FlatTags\":{},"
                      "\"Parts\":{\"p\":{\"Text\":\"part\"}},\"Matrix\":[[],[\"x\"]],"
                      "\"Counts\":[1,200,70000]}");
}

static void
test_absent_elements_keep_their_places(void **state)
{
    struct opt_int counts[] = {OPT_INT(1), {0}, OPT_INT(3)};
    assert_int_equal(decode(encode(&(struct test_thing){.Counts = {counts, 3}})), OK);
    assert_int_equal(thing.Counts.count, 3);
    assert_false(thing.Counts.items[1].is_present);
    assert_int_equal(thing.Counts.items[2].value, 3);
}

static void
test_strings_point_into_the_bytes(void **state)
{
    struct str bytes = encode(&(struct test_thing){.Text = STR("some text")});
    assert_int_equal(decode(bytes), OK);
    assert_ptr_equal(thing.Text.ptr, bytes.ptr + 3);
}

static void
test_unknown_ids_are_skipped(void **state)
{
    // {0: [1, {}], 1: "a", 8: null, 9: 1000, 400: "z"}
    assert_int_equal(decode_hex("a5008201a001616108f6091903e8190190617a"), OK);
    assert_true(str_eq(thing.Text, STR("a")));
    assert_int_equal(thing.WhenText.value, 1000);
}

static void
test_refused(void **state)
{
    static const char *const texts[] = {
        "",               // nothing
        "a000",           // more than one item
        "80",             // no map
        "a10162",         // cut off
        "a1017f6161ff",   // indefinite length
        "bf016161ff",     // indefinite length
        "a2016161016162", // an id twice
        "a203f4016161",   // ids out of order
        "a10105",         // a number for a string
        "a1014161",       // bytes for a string
        "a1026161",       // a string for bytes
        "a101f6",         // null for a member
        "a10300",         // a number for a flag
        "a1041a80000000", // not in int32_t
        "a10601",         // an integer for a double
        "a101780161",     // a length that is not the shortest
        "a1206161",       // a negative id
        "a1616101",       // a name for an id
        "a10161ff",       // not UTF-8
        "a10b9a00100000", // more elements than bytes
        "a10ba0",         // a map for a list
        "a10fa10102",     // a number for a map's key
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (decode_hex(texts[i]) != E_INVALID)
            fail_msg("%s", texts[i]);
    }
}

static void
test_depth(void **state)
{
    struct buf b;
    buf_init(&b, &arena, 0);
    for (int i = 0; i < WIRE_DEPTH_MAX - 1; i++)
        buf_put(&b, STR("\xa1\x0a")); // {10: ...}
    size_t len = b.len;
    buf_put_char(&b, '\xa0');
    assert_int_equal(decode(buf_str(&b)), OK);
    b.len = len;
    buf_put(&b, STR("\xa1\x0a\xa0"));
    assert_int_equal(decode(buf_str(&b)), E_INVALID);
    b.len = 0;
    buf_put(&b, STR("\xa1\x00"));
    for (int i = 0; i < 100000; i++)
        buf_put_char(&b, '\x81');
    buf_put_char(&b, '\x01');
    assert_int_equal(decode(buf_str(&b)), E_INVALID);
}

static void
test_count_is_limited_before_memory_is_taken(void **state)
{
    struct buf b;
    buf_init(&b, &arena, WIRE_ITEMS_MAX + 64);
    buf_put(&b, STR("\xa1\x0d\x9a\x00\x01\x86\xa1")); // {13: [100,001 elements]}
    for (int i = 0; i <= WIRE_ITEMS_MAX; i++)
        buf_put_char(&b, '\xa0');
    size_t before = arena.used_bytes;
    assert_int_equal(decode(buf_str(&b)), E_INVALID);
    assert_int_equal(arena.used_bytes, before);
    // Fewer bytes came than elements, entries or bytes are claimed.
    static const char *const claims[] = {"bb7fffffffffffffff0000", "a10d9a0000ffff0000",
                                         "a10d9b7fffffffffffffff0000",
                                         "a1007b7fffffffffffffff6161"};
    for (size_t i = 0; i < COUNT_OF(claims); i++) {
        char bytes[16];
        size_t len = strlen(claims[i]) / 2;
        assert_int_equal(hex_decode(str_of(claims[i]), bytes, len), OK);
        assert_int_equal(decode((struct str){bytes, len}), E_INVALID);
        assert_int_equal(arena.used_bytes, before);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_ids_are_keys),
        UNIT(test_round_trips),
        UNIT(test_absent_elements_keep_their_places),
        UNIT(test_strings_point_into_the_bytes),
        UNIT(test_unknown_ids_are_skipped),
        UNIT(test_refused),
        UNIT(test_depth),
        UNIT(test_count_is_limited_before_memory_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

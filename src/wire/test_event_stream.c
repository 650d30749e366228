// Event-stream messages against bytes that other implementations agree on, and broken ones.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/event_stream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/base/encoding.h"
#include "src/wire/test_fixture.h"

static struct str
bytes_of(const char *hex)
{
    size_t len = strlen(hex) / 2;
    char *bytes = arena_alloc_bytes(&arena, len);
    assert_int_equal(hex_decode(str_of(hex), bytes, len), OK);
    return (struct str){bytes, len};
}

static void
assert_hex(struct str got, const char *want)
{
    char *text = arena_alloc_bytes(&arena, 2 * got.len + 1);
    hex_encode(got.ptr, got.len, text);
    text[2 * got.len] = '\0';
    assert_string_equal(text, want);
}

#define NAMED(name_, type_) .name = {name_, sizeof(name_) - 1}, .type = (type_)
static struct event_header all_types[] = {
    {NAMED("true", EVENT_TRUE)},
    {NAMED("false", EVENT_FALSE)},
    {NAMED("byte", EVENT_BYTE), .number = -1},
    {NAMED("short", EVENT_SHORT), .number = -2},
    {NAMED("int", EVENT_INTEGER), .number = INT32_MIN},
    {NAMED("long", EVENT_LONG), .number = INT64_MAX},
    {NAMED("bytes", EVENT_BYTES), .bytes = {"\0\1\xff", 3}},
    {NAMED("str", EVENT_STRING), .bytes = {"\xc3\xa9\xc2\xbf", 4}},
    {NAMED("time", EVENT_TIMESTAMP), .number = 1700000000123},
    {NAMED("uuid", EVENT_UUID), .bytes = {"\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16}},
};
static struct event_header event_id[] = {{NAMED("event-id", EVENT_INTEGER), .number = 40972}};

// The bytes are botocore's.
static const struct {
    const char *hex;
    struct event_message message;
} messages[] = {
    {"000000100000000005c248eb7d98c8ff", {NULL, 0, {"", 0}}},
    {"0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936",
     {NULL, 0, {"{'foo':'bar'}", 13}}},
    {"0000002b0000000e348bec7b086576656e742d6964040000a00c7b27666f6f273a27626172277dd3890285",
     {event_id, 1, {"{'foo':'bar'}", 13}}},
    {"000000860000006f8689e6920474727565000566616c736501046279746502ff0573686f727403fffe03696e74"
     "0480000000046c6f6e67057fffffffffffffff0562797465730600030001ff03737472070004c3a9c2bf0474696d"
     "65080000018bcfe5687b047575696409000102030405060708090a0b0c0d0e0f7061796c6f61648e08fed4",
     {all_types, COUNT_OF(all_types), {"payload", 7}}},
};

static void
assert_header(const struct event_header *got, const struct event_header *want)
{
    assert_true(str_eq(got->name, want->name));
    assert_int_equal(got->type, want->type);
    assert_true(got->number == want->number);
    assert_true(str_eq(got->bytes, want->bytes));
}

static void
test_messages(void **state)
{
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        struct buf b;
        size_t size;
        struct event_message got;
        buf_init(&b, &arena, 0);
        assert_int_equal(event_encode(&messages[i].message, &b), OK);
        assert_hex(buf_str(&b), messages[i].hex);
        assert_int_equal(event_decode(buf_str(&b), &arena, &size, &got), OK);
        assert_int_equal(size, b.len);
        assert_true(str_eq(got.payload, messages[i].message.payload));
        assert_int_equal(got.header_count, messages[i].message.header_count);
        for (size_t k = 0; k < got.header_count; k++)
            assert_header(&got.headers[k], &messages[i].message.headers[k]);
    }
}

// As bytes come in: never a message too early, and its size as soon as the prelude is there.
static void
test_every_prefix(void **state)
{
    struct str whole = bytes_of(messages[3].hex);
    for (size_t n = 0; n < whole.len; n++) {
        size_t size;
        struct event_message got;
        struct str prefix = arena_copy(&arena, str_slice(whole, 0, n));
        assert_int_equal(event_decode(prefix, &arena, &size, &got), E_AGAIN);
        assert_int_equal(size, n < 12 ? 12 : whole.len);
    }
}

static void
test_stream_of_messages(void **state)
{
    struct buf b;
    size_t size, at = 0, count = 0;
    struct event_message got;
    buf_init(&b, &arena, 0);
    assert_int_equal(event_put_event(&b, STR("Records"), STR("application/octet-stream"), STR("x")),
                     OK);
    assert_hex(
        buf_str(&b),
        "00000066000000556851f8ff0d3a6d6573736167652d747970650700056576656e740b3a6576656e742d747970"
        "650700075265636f7264730d3a636f6e74656e742d747970650700186170706c69636174696f6e2f6f63746574"
        "2d73747265616d7809866c2b");
    assert_int_equal(event_put_exception(&b, STR("Gone"), STR("application/json"), STR("{}")), OK);
    assert_int_equal(event_put_error(&b, STR("InternalError"), STR("It broke")), OK);
    for (; at < b.len; at += size, count++)
        assert_int_equal(event_decode(str_slice(buf_str(&b), at, b.len), &arena, &size, &got), OK);
    assert_int_equal(count, 3);
    assert_int_equal(at, b.len);
    assert_true(str_eq(event_header_find(&got, STR(":error-message"))->bytes, STR("It broke")));
    assert_null(event_header_find(&got, STR(":event-type")));
}

static void
test_any_flipped_bit_is_found(void **state)
{
    struct str whole = bytes_of(messages[2].hex);
    char *bytes = (char *)whole.ptr;
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        size_t size;
        struct event_message got;
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(event_decode(whole, &arena, &size, &got), E_INVALID);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
}

// With right checksums.
static void
test_broken_messages(void **state)
{
    static const struct {
        const char *what, *hex;
        int code;
    } cases[] = {
        {"unknown type", "0000001300000003db6b638101610affab9622", E_INVALID},
        {"a name twice", "000000160000000663e1187e016100016101888f689f", E_INVALID},
        {"an empty name", "0000001200000002910c7aa700007bc1361e", E_INVALID},
        {"a number cut off", "0000001500000005bd483314016104000036bb7822", E_INVALID},
        {"a value longer than the headers", "00000018000000083b698b180161070009616263a84b1606",
         E_INVALID},
        {"a name that is not UTF-8", "0000001300000003db6b638101ff00f0bcd8a8", E_INVALID},
        {"a string that is not UTF-8", "000000160000000663e1187e0161070001ff2b628ead", E_INVALID},
        {"headers longer than the message", "0000001100000002d6ac0077", E_INVALID},
        {"shorter than empty", "0000000f00000000e77248b8", E_INVALID},
        {"a payload above the limit", "01800011000000007c1e8b37", E_LIMIT},
        {"the largest payload", "0180001000000000417ea287", E_AGAIN},
        {"headers above the limit", "0002001100020001dbbe948a", E_LIMIT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size;
        struct event_message got;
        struct str bytes = bytes_of(cases[i].hex);
        size_t used = arena.used_bytes;
        int code = event_decode(bytes, &arena, &size, &got);
        if (code != cases[i].code)
            fail_msg("%s: %s", cases[i].what, code_name(code));
        if (code != E_INVALID) // what is only claimed takes no memory
            assert_int_equal(arena.used_bytes, used);
    }
}

static struct str
filled(size_t len)
{
    char *bytes = arena_alloc_bytes(&arena, len);
    memset(bytes, 'x', len);
    return (struct str){bytes, len};
}

static void
test_what_can_not_be_encoded(void **state)
{
    const struct {
        struct event_header header;
        int code;
    } cases[] = {
        {{.name = STR(""), .type = EVENT_TRUE}, E_INVALID},
        {{.name = STR("\xff"), .type = EVENT_TRUE}, E_INVALID},
        {{.name = filled(255), .type = EVENT_TRUE}, OK},
        {{.name = filled(256), .type = EVENT_TRUE}, E_LIMIT},
        {{.name = STR("a"), .type = EVENT_BYTE, .number = 128}, E_INVALID},
        {{.name = STR("a"), .type = EVENT_BYTE, .number = -128}, OK},
        {{.name = STR("a"), .type = EVENT_SHORT, .number = -32769}, E_INVALID},
        {{.name = STR("a"), .type = EVENT_INTEGER, .number = INT64_C(1) << 31}, E_INVALID},
        {{.name = STR("a"), .type = EVENT_UUID, .bytes = STR("short")}, E_INVALID},
        {{.name = STR("a"), .type = EVENT_STRING, .bytes = STR("\xff")}, E_INVALID},
        {{.name = STR("a"), .type = EVENT_STRING, .bytes = filled(32767)}, OK},
        {{.name = STR("a"), .type = EVENT_BYTES, .bytes = filled(32768)}, E_LIMIT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b;
        struct event_header header = cases[i].header;
        struct event_message message = {&header, 1, STR("")};
        buf_init(&b, &arena, 0);
        assert_int_equal(event_encode(&message, &b), cases[i].code);
        assert_true(cases[i].code == OK || b.len == 0);
    }
}

static void
test_limits_of_messages(void **state)
{
    struct buf b;
    struct event_header headers[5];
    struct event_message message = {NULL, 0, {"", (size_t)EVENT_PAYLOAD_BYTES_MAX + 1}};
    buf_init(&b, &arena, 0);
    assert_int_equal(event_encode(&message, &b), E_LIMIT);
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        headers[i] = (struct event_header){.name = arena_print(&arena, "%zu", i),
                                           .type = EVENT_BYTES,
                                           .bytes = filled(EVENT_VALUE_BYTES_MAX)};
    message = (struct event_message){headers, 3, STR("")};
    assert_int_equal(event_encode(&message, &b), OK);
    message.header_count = COUNT_OF(headers);
    assert_int_equal(event_encode(&message, &b), E_LIMIT);
}

static void
test_many_headers(void **state)
{
    enum { COUNT = 5000 };
    struct buf b;
    size_t size;
    struct event_message got;
    struct event_message message = {ARENA_ARRAY(&arena, COUNT, struct event_header), COUNT,
                                    STR("")};
    for (size_t i = 0; i < COUNT; i++)
        message.headers[i] =
            (struct event_header){.name = arena_print(&arena, "%zu", i), .type = EVENT_TRUE};
    buf_init(&b, &arena, 0);
    assert_int_equal(event_encode(&message, &b), OK);
    assert_int_equal(event_decode(buf_str(&b), &arena, &size, &got), OK);
    assert_int_equal(got.header_count, COUNT);
    message.headers[COUNT - 1].name = STR("7");
    assert_int_equal(event_encode(&message, &b), E_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_messages),           UNIT(test_every_prefix),
        UNIT(test_stream_of_messages), UNIT(test_any_flipped_bit_is_found),
        UNIT(test_broken_messages),    UNIT(test_what_can_not_be_encoded),
        UNIT(test_limits_of_messages), UNIT(test_many_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

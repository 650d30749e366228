// CBOR items against RFC 8949, appendix A.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/cbor_item.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/base/encoding.h"
#include "src/wire/test_fixture.h"

enum { ITEM_BYTES_MAX = 64, DEPTH = 8 };

static struct cbor_reader
reader_of(const char *hex)
{
    struct cbor_reader r;
    size_t len = strlen(hex) / 2;
    char *bytes = arena_alloc_bytes(&arena, len);
    assert_int_equal(hex_decode(str_of(hex), bytes, len), OK);
    cbor_reader_init(&r, (struct str){bytes, len});
    return r;
}

static void
assert_bytes(const struct buf *b, const char *hex)
{
    char got[2 * ITEM_BYTES_MAX + 1] = {0};
    assert_true(b->len <= ITEM_BYTES_MAX);
    hex_encode(b->ptr, b->len, got);
    assert_string_equal(got, hex);
}

static void
test_integers(void **state)
{
    static const struct {
        const char *hex;
        int64_t value;
    } cases[] = {
        {"00", 0},
        {"01", 1},
        {"0a", 10},
        {"17", 23},
        {"1818", 24},
        {"1819", 25},
        {"1864", 100},
        {"1903e8", 1000},
        {"1a000f4240", 1000000},
        {"1b000000e8d4a51000", 1000000000000},
        {"1b7fffffffffffffff", INT64_MAX},
        {"3b7fffffffffffffff", INT64_MIN},
        {"20", -1},
        {"29", -10},
        {"3863", -100},
        {"3903e7", -1000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cbor_reader r = reader_of(cases[i].hex);
        int64_t value;
        struct buf b;
        assert_int_equal(cbor_read_int(&r, &value), OK);
        assert_true(value == cases[i].value && r.at == r.end);
        buf_init(&b, &arena, 0);
        cbor_put_int(&b, value);
        assert_bytes(&b, cases[i].hex);
    }
}

// Larger than int64_t, longer than needed, cut off, reserved, or no integer at all.
static void
test_refused_integers(void **state)
{
    static const char *const texts[] = {
        "1bffffffffffffffff",
        "3bffffffffffffffff",
        "1800",
        "1817",
        "190018",
        "1a00000018",
        "1b00000000ffffffff",
        "3800",
        "18",
        "1900",
        "1c",
        "1f",
        "40",
        "f4",
        "",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct cbor_reader r = reader_of(texts[i]);
        int64_t value;
        assert_int_equal(cbor_read_int(&r, &value), E_INVALID);
    }
}

static void
test_doubles(void **state)
{
    static const struct {
        const char *hex;
        double value;
    } cases[] = {
        {"f90000", 0.0},
        {"f98000", -0.0},
        {"f93c00", 1.0},
        {"fb3ff199999999999a", 1.1},
        {"f93e00", 1.5},
        {"f97bff", 65504.0},
        {"fa47c35000", 100000.0},
        {"fa7f7fffff", 3.4028234663852886e+38},
        {"fb7e37e43c8800759c", 1.0e+300},
        {"f90001", 5.960464477539063e-8},
        {"f90400", 0.00006103515625},
        {"f9c400", -4.0},
        {"fbc010666666666666", -4.1},
        {"f97c00", INFINITY},
        {"f9fc00", -INFINITY},
        {"f97e00", NAN},
        {"f903ff", 0.000060975551605224609},
        {"fa33800000", 5.9604644775390625e-8 * 1.0}, // only read: a half holds it
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cbor_reader r = reader_of(cases[i].hex);
        double value;
        struct buf b;
        assert_int_equal(cbor_read_double(&r, &value), OK);
        assert_true(value == cases[i].value || (isnan(value) && isnan(cases[i].value)));
        assert_int_equal(signbit(value), signbit(cases[i].value));
        buf_init(&b, &arena, 0);
        cbor_put_double(&b, value);
        if (i + 1 < COUNT_OF(cases))
            assert_bytes(&b, cases[i].hex);
    }
}

static void
test_longer_forms_of_not_finite_doubles(void **state)
{
    static const char *const texts[] = {"fa7f800000", "faff800000", "fb7ff0000000000000",
                                        "fbfff0000000000000"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct cbor_reader r = reader_of(texts[i]);
        double value;
        assert_int_equal(cbor_read_double(&r, &value), OK);
        assert_true(isinf(value));
        assert_int_equal(value < 0, i % 2);
    }
}

static void
test_strings(void **state)
{
    static const struct {
        const char *hex;
        enum cbor_major major;
        struct str value;
    } cases[] = {
        {"40", CBOR_BYTES, {"", 0}},
        {"4401020304", CBOR_BYTES, {"\1\2\3\4", 4}},
        {"60", CBOR_TEXT, {"", 0}},
        {"6161", CBOR_TEXT, {"a", 1}},
        {"6449455446", CBOR_TEXT, {"IETF", 4}},
        {"62225c", CBOR_TEXT, {"\"\\", 2}},
        {"62c3bc", CBOR_TEXT, {"\xc3\xbc", 2}},
        {"63e6b0b4", CBOR_TEXT, {"\xe6\xb0\xb4", 3}},
        {"64f0908591", CBOR_TEXT, {"\xf0\x90\x85\x91", 4}},
        {"41ff", CBOR_BYTES, {"\xff", 1}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cbor_reader r = reader_of(cases[i].hex);
        struct str value;
        struct buf b;
        assert_int_equal(cbor_read_string(&r, cases[i].major, &value), OK);
        assert_true(str_is_present(value) && str_eq(value, cases[i].value));
        buf_init(&b, &arena, 0);
        cbor_put_string(&b, cases[i].major, value);
        assert_bytes(&b, cases[i].hex);
    }
}

static void
test_refused_strings(void **state)
{
    static const char *const texts[] = {
        "61ff", "6261", "7bffffffffffffffff61", "41ff", "01", "7f61616161ff", ""};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct cbor_reader r = reader_of(texts[i]);
        struct str value;
        assert_int_equal(cbor_read_string(&r, CBOR_TEXT, &value), E_INVALID);
    }
}

static void
test_flags_and_null(void **state)
{
    struct cbor_reader r = reader_of("f4f5f6f7");
    bool value = true;
    assert_int_equal(cbor_read_bool(&r, &value), OK);
    assert_false(value);
    assert_int_equal(cbor_read_bool(&r, &value), OK);
    assert_true(value);
    assert_true(cbor_take_null(&r));
    assert_false(cbor_take_null(&r));
    assert_int_equal(cbor_read_bool(&r, &value), E_INVALID);
    struct buf b;
    buf_init(&b, &arena, 0);
    cbor_put_bool(&b, false);
    cbor_put_bool(&b, true);
    cbor_put_null(&b);
    assert_bytes(&b, "f4f5f6");
}

static void
test_counts(void **state)
{
    size_t count;
    struct cbor_reader r = reader_of("83010203");
    assert_int_equal(cbor_read_count(&r, CBOR_ARRAY, &count), OK);
    assert_int_equal(count, 3);
    r = reader_of("a201020304");
    assert_int_equal(cbor_read_count(&r, CBOR_MAP, &count), OK);
    assert_int_equal(count, 2);
    // More than the bytes can hold: nothing may be allocated for it.
    r = reader_of("9bffffffffffffffff");
    assert_int_equal(cbor_read_count(&r, CBOR_ARRAY, &count), E_INVALID);
    r = reader_of("a2010203");
    assert_int_equal(cbor_read_count(&r, CBOR_MAP, &count), E_INVALID);
    r = reader_of("80");
    assert_int_equal(cbor_read_count(&r, CBOR_MAP, &count), E_INVALID);
}

static void
test_skip(void **state)
{
    static const char *const texts[] = {
        "00",
        "1bffffffffffffffff",
        "c249010000000000000000",
        "3bffffffffffffffff",
        "c349010000000000000000",
        "fb3ff199999999999a",
        "f4",
        "f7",
        "f0",
        "f8ff",
        "c074323031332d30332d32315432303a30343a30305a",
        "c11a514b67b0",
        "d818456449455446",
        "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
        "4401020304",
        "64f0908591",
        "80",
        "8301820203820405",
        "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
        "a0",
        "a26161016162820203",
        "826161a161626163",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct cbor_reader r = reader_of(texts[i]);
        assert_int_equal(cbor_skip(&r, DEPTH), OK);
        assert_ptr_equal(r.at, r.end);
    }
}

// Indefinite lengths, and what is not well-formed.
static void
test_refused_when_skipped(void **state)
{
    static const char *const texts[] = {
        "5f42010243030405ff",
        "7f657374726561646d696e67ff",
        "9fff",
        "9f018202039f0405ffff",
        "bf61610161629f0203ffff",
        "83018202039f0405ff",
        "826161bf61626163ff",
        "ff",
        "8201",
        "a101",
        "f818",
        "c0",
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "bb8000000000000000",
        "",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct cbor_reader r = reader_of(texts[i]);
        if (cbor_skip(&r, DEPTH) != E_INVALID)
            fail_msg("%s", texts[i]);
    }
}

static void
test_depth_of_skip(void **state)
{
    struct cbor_reader r = reader_of("818100");
    assert_int_equal(cbor_skip(&r, 2), OK);
    r = reader_of("818100");
    assert_int_equal(cbor_skip(&r, 1), E_LIMIT);
    r = reader_of("c1c100");
    assert_int_equal(cbor_skip(&r, 1), E_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_integers),       UNIT(test_refused_integers),
        UNIT(test_doubles),        UNIT(test_longer_forms_of_not_finite_doubles),
        UNIT(test_strings),        UNIT(test_refused_strings),
        UNIT(test_flags_and_null), UNIT(test_counts),
        UNIT(test_skip),           UNIT(test_refused_when_skipped),
        UNIT(test_depth_of_skip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Any well-formed CBOR, against RFC 8949's appendix A; and what is not.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/cbor_any.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/base/encoding.h"
#include "src/wire/test_fixture.h"

enum { DEPTH = 8, LINE_BYTES_MAX = 1024 };

static const char *vectors; // the file's path

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

static int print_item(struct cbor_reader *r, struct buf *out);

static int
print_string(struct cbor_reader *r, bool is_text, struct buf *out)
{
    struct str s;
    TRY(cbor_any_string(r, is_text ? CBOR_TEXT : CBOR_BYTES, &arena, &s));
    buf_put_char(out, is_text ? 't' : 'b');
    hex_encode(s.ptr, s.len, buf_reserve(out, 2 * s.len));
    out->len += 2 * s.len;
    return OK;
}

static int
print_items(struct cbor_reader *r, bool is_map, struct buf *out)
{
    bool more;
    struct cbor_items items;
    TRY(cbor_any_begin(r, is_map ? CBOR_MAP : CBOR_ARRAY, &items));
    buf_put_char(out, is_map ? '{' : '[');
    for (size_t n = 0;; n++) {
        TRY(cbor_any_next(r, &items, &more));
        if (!more)
            break;
        buf_put(out, n == 0 ? STR("") : STR(","));
        TRY(print_item(r, out));
        if (!is_map)
            continue;
        buf_put_char(out, ':');
        TRY(print_item(r, out));
    }
    buf_put_char(out, is_map ? '}' : ']');
    return OK;
}

static int
print_tag(struct cbor_reader *r, struct buf *out)
{
    uint64_t tag;
    TRY(cbor_any_tag(r, &tag));
    buf_print(out, "%llu(", (unsigned long long)tag);
    TRY(print_item(r, out));
    buf_put_char(out, ')');
    return OK;
}

static int
print_int(struct cbor_reader *r, struct buf *out)
{
    int64_t value;
    int code = cbor_any_int(r, &value);
    if (code == OK)
        buf_print(out, "i%lld", (long long)value);
    else if (code == E_LIMIT)
        buf_put(out, STR("limit"));
    return code == E_LIMIT ? OK : code;
}

static int
print_float(struct cbor_reader *r, struct buf *out)
{
    double value;
    uint64_t bits;
    TRY(cbor_read_double(r, &value));
    memcpy(&bits, &value, sizeof(bits));
    if (isnan(value))
        buf_put(out, STR("nan"));
    else
        buf_print(out, "f%016llx", (unsigned long long)bits);
    return OK;
}

static int
print_simple(struct cbor_reader *r, enum cbor_kind kind, struct buf *out)
{
    bool value;
    if (kind == CBOR_KIND_BOOLEAN) {
        TRY(cbor_read_bool(r, &value));
        buf_put(out, value ? STR("true") : STR("false"));
        return OK;
    }
    buf_put(out, kind == CBOR_KIND_NULL ? STR("null") : STR("simple"));
    return kind == CBOR_KIND_NULL ? cbor_any_null(r) : cbor_any_skip(r, 0);
}

static int
print_item(struct cbor_reader *r, struct buf *out)
{
    enum cbor_kind kind = cbor_any_peek(r);
    switch (kind) {
    case CBOR_KIND_INTEGER:
        return print_int(r, out);
    case CBOR_KIND_BYTES:
    case CBOR_KIND_TEXT:
        return print_string(r, kind == CBOR_KIND_TEXT, out);
    case CBOR_KIND_ARRAY:
    case CBOR_KIND_MAP:
        return print_items(r, kind == CBOR_KIND_MAP, out);
    case CBOR_KIND_TAG:
        return print_tag(r, out);
    case CBOR_KIND_FLOAT:
        return print_float(r, out);
    case CBOR_KIND_BAD:
        return E_INVALID;
    default:
        return print_simple(r, kind, out);
    }
}

static void
check_vector(const char *hex, const char *want)
{
    struct buf out;
    struct cbor_reader r = reader_of(hex), skipped = r;
    buf_init(&out, &arena, 0);
    int code = print_item(&r, &out);
    if (strcmp(want, "invalid") == 0) {
        assert_int_equal(code, E_INVALID);
        assert_int_equal(cbor_any_skip(&skipped, DEPTH), E_INVALID);
        return;
    }
    if (code != OK || r.at != r.end || !str_eq(buf_str(&out), str_of(want)))
        fail_msg("%s: " STR_FMT, hex, STR_ARG(buf_str(&out)));
    assert_int_equal(cbor_any_skip(&skipped, DEPTH), OK);
    assert_ptr_equal(skipped.at, skipped.end);
}

static void
test_appendix_a(void **state)
{
    char line[LINE_BYTES_MAX], hex[LINE_BYTES_MAX], want[LINE_BYTES_MAX];
    size_t count = 0;
    FILE *file = fopen(vectors, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%1023s %1023s", hex, want), 2);
        check_vector(hex, want);
        count++;
    }
    fclose(file);
    assert_int_equal(count, 82);
}

// Heads that are longer than needed.
static void
test_long_heads(void **state)
{
    static const struct {
        const char *hex, *want;
    } cases[] = {
        {"1800", "i0"},
        {"190001", "i1"},
        {"1b0000000000000002", "i2"},
        {"3900ff", "i-256"},
        {"5b000000000000000161", "b61"},
        {"7a0000000161", "t61"},
        {"980101", "[i1]"},
        {"b900010102", "{i1:i2}"},
        {"d90001f6", "1(null)"},
        {"5fff", "b"},
        {"7f60ff", "t"},
        {"bfff", "{}"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_vector(cases[i].hex, cases[i].want);
}

// RFC 8949, appendix F, and what else breaks the grammar.
static void
test_not_well_formed(void **state)
{
    static const char *const texts[] = {
        "",
        "18",
        "19ff",
        "1a",
        "1b00000000000000",
        "1c",
        "1d",
        "1e",
        "1f",
        "3c",
        "3f",
        "41",
        "5affffffff00",
        "61",
        "5b7fffffffffffffff616161",
        "81",
        "818181",
        "8200",
        "a1",
        "a20102",
        "a100",
        "bb7fffffffffffffff0000",
        "9b8000000000000000",
        "c0",
        "df",
        "d8",
        "f8",
        "f900",
        "fa0000",
        "fb000000",
        "f800",
        "f81f",
        "fc",
        "fd",
        "fe",
        "ff",
        "81ff",
        "a1ff",
        "a1ff00",
        "a100ff",
        "9f",
        "9f8200ff",
        "bf00ff",
        "bf000000ff",
        "5f",
        "5f00ff",
        "5f6100ff",
        "5f5f4100ffff",
        "7f",
        "7f4100ff",
        "7f7f6100ffff",
        "5f41",
        "61ff",
        "7f61c361bcff",
        "c1ff",
        "8181818181818181",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf out;
        struct cbor_reader r = reader_of(texts[i]), skipped = r;
        buf_init(&out, &arena, 0);
        if (print_item(&r, &out) != E_INVALID || cbor_any_skip(&skipped, DEPTH) != E_INVALID)
            fail_msg("%s", texts[i]);
    }
}

static void
test_depth_of_skip(void **state)
{
    static const char *const texts[] = {"818100", "9f9f00ffff", "c1c100", "a1a10000", "a100a10000"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct cbor_reader r = reader_of(texts[i]);
        if (cbor_any_skip(&r, 1) != E_LIMIT)
            fail_msg("%s", texts[i]);
    }
    struct cbor_reader r = reader_of("80");
    assert_int_equal(cbor_any_skip(&r, 0), OK);
}

static void
test_other_kinds_are_refused(void **state)
{
    int64_t number;
    uint64_t tag;
    struct str s;
    struct cbor_items items;
    struct cbor_reader r = reader_of("60");
    assert_int_equal(cbor_any_int(&r, &number), E_INVALID);
    r = reader_of("60");
    assert_int_equal(cbor_any_string(&r, CBOR_BYTES, &arena, &s), E_INVALID);
    r = reader_of("80");
    assert_int_equal(cbor_any_begin(&r, CBOR_MAP, &items), E_INVALID);
    r = reader_of("01");
    assert_int_equal(cbor_any_tag(&r, &tag), E_INVALID);
    r = reader_of("f5");
    assert_int_equal(cbor_any_null(&r), E_INVALID);
}

static void
test_floats_without_halves(void **state)
{
    static const struct {
        double value;
        const char *hex;
    } cases[] = {
        {0, "fa00000000"},           {-0.0, "fa80000000"},          {1.5, "fa3fc00000"},
        {1.1, "fb3ff199999999999a"}, {1e300, "fb7e37e43c8800759c"}, {INFINITY, "fa7f800000"},
        {-INFINITY, "faff800000"},   {NAN, "fa7fc00000"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b;
        char got[32] = {0};
        buf_init(&b, &arena, 0);
        cbor_put_float(&b, cases[i].value);
        hex_encode(b.ptr, b.len, got);
        assert_string_equal(got, cases[i].hex);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_appendix_a),
        UNIT(test_long_heads),
        UNIT(test_not_well_formed),
        UNIT(test_depth_of_skip),
        UNIT(test_other_kinds_are_refused),
        UNIT(test_floats_without_halves),
    };
    CHECK(argc == 2); // testdata/cbor/appendix_a.txt
    vectors = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}

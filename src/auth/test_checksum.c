// Check values of each algorithm, whole and in pieces.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/base/encoding.h"

// Of "123456789": the CRCs' from the catalogue of parametrised CRC algorithms.
static const struct {
    const char *header, *hex;
} rows[] = {
    {"x-amz-checksum-crc32", "cbf43926"},
    {"X-Amz-Checksum-CRC32C", "e3069283"},
    {"x-amz-checksum-crc64nvme", "ae8b14860a799888"},
    {"x-amz-checksum-sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"},
    {"x-amz-checksum-sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"},
};

static void
test_check_values(void **state)
{
    struct str data = STR("123456789");
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t cut = 0; cut <= data.len; cut++) {
            struct checksum c;
            uint8_t bytes[CHECKSUM_BYTES_MAX];
            char hex[2 * CHECKSUM_BYTES_MAX];
            checksum_init(&c, checksum_kind_of(str_of(rows[i].header)));
            checksum_add(&c, str_slice(data, 0, cut));
            checksum_add(&c, str_slice(data, cut, data.len));
            size_t len = checksum_end(&c, bytes);
            hex_encode(bytes, len, hex);
            assert_true(str_eq((struct str){hex, 2 * len}, str_of(rows[i].hex)));
        }
}

// Many bytes at once go another way than few, to the same sum.
static void
test_many_bytes(void **state)
{
    static char bytes[10000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t len = sizeof(bytes) - 17; len <= sizeof(bytes); len++) {
            struct checksum many, few;
            uint8_t of_many[CHECKSUM_BYTES_MAX], of_few[CHECKSUM_BYTES_MAX];
            checksum_init(&many, checksum_kind_of(str_of(rows[i].header)));
            checksum_init(&few, checksum_kind_of(str_of(rows[i].header)));
            checksum_add(&many, (struct str){bytes, 3});
            checksum_add(&many, (struct str){bytes + 3, len - 3});
            for (size_t at = 0; at < len; at++)
                checksum_add(&few, (struct str){bytes + at, 1});
            size_t size = checksum_end(&many, of_many);
            assert_int_equal(checksum_end(&few, of_few), size);
            assert_memory_equal(of_many, of_few, size);
        }
}

static void
test_unknown_kinds(void **state)
{
    assert_int_equal(checksum_kind_of(STR("x-amz-checksum-md5")), CHECKSUM_KINDS);
    assert_int_equal(checksum_kind_of(STR("crc32")), CHECKSUM_KINDS);
    assert_int_equal(checksum_kind_of((struct str){0}), CHECKSUM_KINDS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_values),
        cmocka_unit_test(test_many_bytes),
        cmocka_unit_test(test_unknown_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

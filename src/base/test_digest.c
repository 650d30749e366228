// Tests of digests: the vectors of FIPS 180-4, RFC 4231, RFC 1321 and AWS's signing key example.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/base/encoding.h"

static void
assert_hex(const uint8_t *bytes, size_t len, const char *wanted)
{
    char hex[2 * SHA256_BYTES + 1] = {0};
    hex_encode(bytes, len, hex);
    assert_string_equal(hex, wanted);
}

static void
assert_sha256(struct sha256 got, const char *wanted)
{
    assert_hex(got.bytes, sizeof(got.bytes), wanted);
}

static void
assert_md5(struct md5 got, const char *wanted)
{
    assert_hex(got.bytes, sizeof(got.bytes), wanted);
}

static void
sha256_of_known_texts(void **state)
{
    const char *of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_sha256(sha256_of((struct str){0}), of_nothing);
    assert_sha256(sha256_of(STR("")), of_nothing);
    assert_sha256(sha256_of(STR("abc")),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sha256(sha256_of(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    assert_sha256(sha256_of((struct str){million, 1000000}),
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

// RFC 4231: keys shorter than, as long as and longer than the digest and the block.
static void
hmac_of_known_texts(void **state)
{
    char key[131];
    memset(key, 0x0b, 20);
    assert_sha256(hmac_sha256((struct str){key, 20}, STR("Hi There")),
                  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_sha256(hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?")),
                  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    assert_sha256(hmac_sha256((struct str){key, 131},
                              STR("Test Using Larger Than Block-Size Key - Hash Key First")),
                  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_sha256(
        hmac_sha256((struct str){key, 131},
                    STR("This is a test using a larger than block-size key and a larger than "
                        "block-size data. The key needs to be hashed before being used by the "
                        "HMAC algorithm.")),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    assert_sha256(hmac_sha256((struct str){0}, (struct str){0}),
                  "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void
hmac_at_the_border_of_the_block(void **state)
{
    // A key of a whole block is used as it is; one more byte and its digest stands for it.
    char key[65];
    memset(key, 'k', sizeof(key));
    struct sha256 hashed = sha256_of((struct str){key, 65});
    struct sha256 by_hash = hmac_sha256((struct str){(char *)hashed.bytes, 32}, STR("d"));
    struct sha256 by_key = hmac_sha256((struct str){key, 65}, STR("d"));
    assert_memory_equal(by_key.bytes, by_hash.bytes, 32);
    hashed = sha256_of((struct str){key, 64});
    by_hash = hmac_sha256((struct str){(char *)hashed.bytes, 32}, STR("d"));
    by_key = hmac_sha256((struct str){key, 64}, STR("d"));
    assert_memory_not_equal(by_key.bytes, by_hash.bytes, 32);
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
static void
hmac_derives_a_signing_key(void **state)
{
    const struct str parts[] = {STR("20150830"), STR("us-east-1"), STR("iam"), STR("aws4_request")};
    struct str key = STR("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    struct sha256 derived;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        derived = hmac_sha256(key, parts[i]);
        key = (struct str){(const char *)derived.bytes, SHA256_BYTES};
    }
    assert_sha256(derived, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

static void
md5_of_known_texts(void **state)
{
    assert_md5(md5_of((struct str){0}), "d41d8cd98f00b204e9800998ecf8427e");
    assert_md5(md5_of(STR("abc")), "900150983cd24fb0d6963f7d28e17f72");
    assert_md5(md5_of(STR("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
    assert_md5(md5_of(STR("1234567890123456789012345678901234567890"
                          "1234567890123456789012345678901234567890")),
               "57edf4a22be3c955ac49da2e2107b67a");
}

static void
md5_of_pieces_is_that_of_the_whole(void **state)
{
    char bytes[200];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    struct str whole = {bytes, sizeof(bytes)};
    struct md5 wanted = md5_of(whole);
    for (size_t first = 0; first <= whole.len; first++) {
        for (size_t second = first; second <= whole.len; second += 13) {
            struct md5_stream s;
            md5_stream_init(&s);
            md5_stream_add(&s, str_slice(whole, 0, first));
            md5_stream_add(&s, str_slice(whole, first, second));
            md5_stream_add(&s, (struct str){0});
            md5_stream_add(&s, str_slice(whole, second, whole.len));
            struct md5 got = md5_stream_end(&s);
            assert_memory_equal(got.bytes, wanted.bytes, MD5_BYTES);
        }
    }
}

static void
sha1_of_known_texts(void **state)
{
    struct sha1 got = sha1_of(STR("abc"));
    assert_hex(got.bytes, sizeof(got.bytes), "a9993e364706816aba3e25717850c26c9cd0d89d");
    got = sha1_of((struct str){0});
    assert_hex(got.bytes, sizeof(got.bytes), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_known_texts),
        cmocka_unit_test(hmac_of_known_texts),
        cmocka_unit_test(hmac_at_the_border_of_the_block),
        cmocka_unit_test(hmac_derives_a_signing_key),
        cmocka_unit_test(sha1_of_known_texts),
        cmocka_unit_test(md5_of_known_texts),
        cmocka_unit_test(md5_of_pieces_is_that_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

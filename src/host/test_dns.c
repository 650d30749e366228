// Tests of DNS messages.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEADER "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define HEADER_EDNS "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
#define QUESTION                                                                                   \
    "\x03wWw\x07"                                                                                  \
    "example\x03"                                                                                  \
    "com\x00\x00\x01\x00\x01"
#define OPT(version) "\x00\x00\x29\x04\xd0\x00" version "\x00\x00\x00\x00"

static void
a_question_is_answered(void **state)
{
    const uint32_t address = 0x0400000a; // 10.0.0.4
    unsigned char out[DNS_ANSWER_BYTES_MAX];
    struct dns_query q;
    assert_int_equal(dns_parse(STR(HEADER QUESTION), &q), OK);
    assert_int_equal(q.rcode, DNS_NO_ERROR);
    assert_string_equal(q.name, "www.example.com");
    assert_int_equal(q.type, DNS_A);
    size_t len = dns_print(&q, DNS_NO_ERROR, &address, 1, 60, out, sizeof(out));
    static const char expected[] =
        "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" QUESTION
        "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x04";
    assert_int_equal(len, sizeof(expected) - 1);
    assert_memory_equal(out, expected, len);
}

static void
edns_is_answered_with_edns(void **state)
{
    unsigned char out[DNS_ANSWER_BYTES_MAX];
    struct dns_query q;
    assert_int_equal(dns_parse(STR(HEADER_EDNS QUESTION OPT("\x00")), &q), OK);
    assert_true(q.has_edns && q.rcode == DNS_NO_ERROR);
    assert_int_equal(q.answer_bytes_max, DNS_UDP_BYTES_MAX);
    size_t len = dns_print(&q, DNS_REFUSED, NULL, 0, 0, out, sizeof(out));
    assert_int_equal(out[3] & 0xf, DNS_REFUSED);
    assert_int_equal(out[11], 1);
    assert_memory_equal(out + len - 11, "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00", 11);
    assert_int_equal(dns_parse(STR(HEADER_EDNS QUESTION OPT("\x01")), &q), OK);
    assert_int_equal(q.rcode, DNS_BAD_VERSION);
}

static void
what_does_not_fit_is_cut(void **state)
{
    uint32_t addresses[DNS_ADDRESSES_MAX] = {0};
    unsigned char out[DNS_ANSWER_BYTES_MAX];
    struct dns_query q;
    assert_int_equal(dns_parse(STR(HEADER QUESTION), &q), OK);
    size_t len = dns_print(&q, DNS_NO_ERROR, addresses, DNS_ADDRESSES_MAX, 60, out, DNS_UDP_BYTES);
    assert_true(len <= DNS_UDP_BYTES && (out[2] & 0x02) && out[7] == 0);
    len = dns_print(&q, DNS_NO_ERROR, addresses, DNS_ADDRESSES_MAX, 60, out, sizeof(out));
    assert_true(!(out[2] & 0x02) && out[7] == DNS_ADDRESSES_MAX && len > DNS_UDP_BYTES);
}

static void
broken_ones_are_told_so_or_not_answered(void **state)
{
    const struct {
        struct str message;
        int code;
        enum dns_rcode rcode;
    } cases[] = {
        {STR("\x12\x34\x01"), E_INVALID, 0},
        {STR("\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" QUESTION), E_INVALID, 0},
        {STR("\x12\x34\x28\x00\x00\x01\x00\x00\x00\x00\x00\x00" QUESTION), OK, DNS_NOT_IMPLEMENTED},
        {STR("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" QUESTION QUESTION), OK,
         DNS_FORMAT_ERROR},
        {STR(HEADER "\x03www\xc0\x0c\x00\x01\x00\x01"), OK, DNS_FORMAT_ERROR},
        {STR(HEADER "\x03"
                    "a.b\x00\x00\x01\x00\x01"),
         OK, DNS_FORMAT_ERROR},
        {STR(HEADER "\x3f"
                    "short\x00\x00\x01\x00\x01"),
         OK, DNS_FORMAT_ERROR},
        {STR(HEADER "\x03www\x00\x00\x01\x00\x03"), OK, DNS_NOT_IMPLEMENTED}, // class CH
        {STR(HEADER), OK, DNS_FORMAT_ERROR},
    };
    struct dns_query q;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(dns_parse(cases[i].message, &q), cases[i].code);
        if (cases[i].code == OK)
            assert_int_equal(q.rcode, cases[i].rcode);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_answered),
        cmocka_unit_test(edns_is_answered_with_edns),
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(broken_ones_are_told_so_or_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

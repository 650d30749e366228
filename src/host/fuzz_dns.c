// Fuzzes the parser of DNS queries, and answers each.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_query q, again;
    uint32_t addresses[DNS_ADDRESSES_MAX] = {0};
    unsigned char answer[DNS_ANSWER_BYTES_MAX];
    struct str message = {(const char *)data, size};
    if (dns_parse(message, &q) != OK)
        return 0;
    CHECK(strlen(q.name) <= DNS_NAME_MAX);
    CHECK(q.answer_bytes_max >= DNS_UDP_BYTES && q.answer_bytes_max <= DNS_UDP_BYTES_MAX);
    for (size_t count = 0; count <= DNS_ADDRESSES_MAX; count += DNS_ADDRESSES_MAX / 4) {
        size_t len = dns_print(&q, q.rcode, addresses, count, 60, answer, q.answer_bytes_max);
        CHECK(len <= q.answer_bytes_max);
        // An answer is nobody's question.
        CHECK(dns_parse((struct str){(const char *)answer, len}, &again) == E_INVALID);
    }
    return 0;
}

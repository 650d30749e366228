// DNS messages, as far as a resolver for guests needs them: one question, addresses as its answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// https://www.rfc-editor.org/rfc/rfc1035 and, for EDNS, https://www.rfc-editor.org/rfc/rfc6891.
enum {
    DNS_NAME_MAX = 253,          // as text, without the final dot
    DNS_UDP_BYTES = 512,         // of an answer, when the query does not ask for more
    DNS_UDP_BYTES_MAX = 1232,    // more than that is likely to be fragmented
    DNS_ANSWER_BYTES_MAX = 4096, // over TCP
    DNS_ADDRESSES_MAX = 64,
};
enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_OPT = 41, DNS_ANY = 255 };
enum dns_rcode {
    DNS_NO_ERROR,
    DNS_FORMAT_ERROR,
    DNS_SERVER_FAILURE,
    DNS_NO_SUCH_NAME,
    DNS_NOT_IMPLEMENTED,
    DNS_REFUSED,
    DNS_BAD_VERSION = 16, // of EDNS
};

struct dns_query {
    uint16_t id;
    bool is_recursion_desired;
    enum dns_rcode rcode;        // what is to be answered whatever the name is; DNS_NO_ERROR: go on
    char name[DNS_NAME_MAX + 1]; // in lower case
    uint16_t type, class;
    bool has_edns;
    size_t answer_bytes_max;       // over UDP
    const unsigned char *question; // in the message; NULL: there was none that can be read
    size_t question_bytes;
};

// OK: it has an answer, which may be an error (out->rcode). E_INVALID: it gets none, being an
// answer itself or not even a header. The query refers to the message.
MUST_USE int dns_parse(struct str message, struct dns_query *out);
// Writes the answer: at most size bytes (of at least DNS_UDP_BYTES), cut as TC says when it does
// not fit. Addresses are in the network's byte order. Returns its length.
size_t dns_print(const struct dns_query *query, enum dns_rcode rcode, const uint32_t *addresses,
                 size_t count, uint32_t ttl_s, unsigned char *out, size_t size);

// Ranges of IPv4 addresses.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/cidr.h"

#include <arpa/inet.h>
#include <stdio.h>

static uint32_t
mask_of(unsigned bits)
{
    return bits == 0 ? 0 : UINT32_MAX << (32 - bits);
}

int
address_parse(struct str text, uint32_t *out)
{
    char copy[INET_ADDRSTRLEN];
    struct in_addr address;
    if (text.len >= sizeof(copy))
        return E_INVALID;
    snprintf(copy, sizeof(copy), STR_FMT, STR_ARG(text));
    if (inet_pton(AF_INET, copy, &address) != 1)
        return E_INVALID;
    *out = ntohl(address.s_addr);
    return OK;
}

int
cidr_parse(struct str text, struct cidr *out)
{
    struct str address, bits;
    int64_t number;
    uint32_t first;
    if (!str_cut(text, '/', &address, &bits) || address_parse(address, &first) != OK ||
        str_to_int64(bits, &number) != OK || number < 0 || number > 32)
        return E_INVALID;
    *out = (struct cidr){first & mask_of((unsigned)number), (unsigned)number};
    return OK;
}

bool
cidr_has(struct cidr range, uint32_t address)
{
    return (address & mask_of(range.bits)) == range.first;
}

bool
cidr_overlaps(struct cidr a, struct cidr b)
{
    return cidr_has(a, b.first) || cidr_has(b, a.first);
}

// Ranges of IPv4 addresses.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

struct cidr {
    uint32_t first; // in the host's byte order
    unsigned bits;
};

// "A.B.C.D/BITS"; addresses behind the bits are cut off. E_INVALID.
MUST_USE int cidr_parse(struct str text, struct cidr *out);
// "A.B.C.D". E_INVALID.
MUST_USE int address_parse(struct str text, uint32_t *out);
bool cidr_has(struct cidr range, uint32_t address);
bool cidr_overlaps(struct cidr a, struct cidr b);

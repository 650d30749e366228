// The checksums that AWS lets clients send along with a body.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum checksum_kind {
    CHECKSUM_CRC32,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC64NVME,
    CHECKSUM_SHA1,
    CHECKSUM_SHA256,
    CHECKSUM_KINDS,
};

enum { CHECKSUM_BYTES_MAX = 32 };

// Data that comes in pieces. Opaque storage, no allocation.
struct checksum {
    enum checksum_kind kind;
    uint64_t state[16];
};

// The kind of a header such as "x-amz-checksum-crc32c", any case; CHECKSUM_KINDS: of none.
enum checksum_kind checksum_kind_of(struct str header);
void checksum_init(struct checksum *c, enum checksum_kind kind);
void checksum_add(struct checksum *c, struct str data);
// Big-endian bytes; returns how many.
size_t checksum_end(struct checksum *c, uint8_t out[CHECKSUM_BYTES_MAX]);

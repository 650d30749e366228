// libFuzzer: event-stream messages; what is read is written again, byte for byte.
// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include "src/wire/event_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_checksum(char *at, const char *from, size_t len)
{
    uint32_t crc = (uint32_t)crc32_z(0, (const Bytef *)from, len);
    for (int i = 3; i >= 0; i--, crc >>= 8)
        at[i] = (char)(crc & 0xff);
}

// A fuzzer does not guess checksums: they are put right.
static struct str
with_checksums(struct arena *arena, struct str s)
{
    char *bytes = arena_copy_z(arena, s);
    if (s.len >= 16) {
        put_checksum(bytes + 8, bytes, 8);
        put_checksum(bytes + s.len - 4, bytes, s.len - 4);
    }
    return (struct str){bytes, s.len};
}

static void
check(struct arena *arena, struct str bytes)
{
    size_t size;
    struct buf again;
    struct event_message message;
    int code = event_decode(bytes, arena, &size, &message);
    CHECK(code != E_AGAIN || size > bytes.len);
    if (code != OK)
        return;
    CHECK(size <= bytes.len);
    buf_init(&again, arena, 0);
    CHECK(event_encode(&message, &again) == OK);
    CHECK(str_eq(buf_str(&again), str_slice(bytes, 0, size)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct str bytes = {(const char *)data, size};
    arena_init(&arena);
    check(&arena, bytes);
    check(&arena, with_checksums(&arena, bytes));
    arena_fini(&arena);
    return 0;
}

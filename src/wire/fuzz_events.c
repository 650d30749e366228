// Fuzzes the binding of events: a body's messages, whose checksums are put right, to typed events.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/event_source.h"

#include <zlib.h>

#include "src/wire/test_depot.h"
#include "src/wire/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MAX = 64 };

static void
put_checksum(char *to, const char *bytes, size_t len)
{
    uint32_t value = (uint32_t)crc32_z(0, (const Bytef *)bytes, len);
    for (size_t i = 4; i > 0; i--, value >>= 8)
        to[i - 1] = (char)(value & 0xff);
}

static size_t
get_length(const char *from)
{
    size_t value = 0;
    for (size_t i = 0; i < 4; i++)
        value = value << 8 | (unsigned char)from[i];
    return value;
}

// Of each message that its length leaves within the body.
static struct str
with_checksums(struct arena *arena, struct str s)
{
    char *bytes = arena_copy_z(arena, s);
    for (size_t at = 0; s.len - at >= 16;) {
        size_t len = get_length(bytes + at);
        if (len < 16 || len > s.len - at)
            break;
        put_checksum(bytes + at + 8, bytes + at, 8);
        put_checksum(bytes + at + len - 4, bytes + at, len - 4);
        at += len;
    }
    return (struct str){bytes, s.len};
}

static void
check(struct arena *arena, enum wire_protocol protocol, struct str bytes)
{
    const struct wire_operation *op = wire_operation_find(depot, STR("WatchThings"));
    const struct wire_shape *output = &depot->model->shapes[op->output];
    uint16_t shape = value_rows(depot->model, op->output)[output->payload_row - 1].shape;
    struct str_stream body;
    str_stream_init(&body, bytes);
    struct event_source *reader = wire_event_reader(depot, protocol, shape, &body.stream, arena);
    for (size_t i = 0; i < EVENTS_MAX; i++) {
        struct depot_thing_events event = {0};
        if (reader->next(reader, arena, &event) != OK)
            break;
    }
    reader->close(reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum wire_protocol protocols[] = {WIRE_REST_JSON, WIRE_REST_XML, WIRE_RPC_V2_CBOR};
    struct arena arena;
    arena_init(&arena);
    struct str bytes = with_checksums(&arena, (struct str){(const char *)data, size});
    for (size_t i = 0; i < COUNT_OF(protocols); i++)
        check(&arena, protocols[i], bytes);
    arena_fini(&arena);
    return 0;
}

// Fuzzes the frames of WebSockets: however the bytes are cut into pieces, the outcome is the same.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/websocket_parser.h"

enum { LIMIT = 4096, INPUT_BYTES_MAX = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t
mix(uint64_t sum, struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        sum = (sum ^ (unsigned char)s.ptr[i]) * 0x100000001b3;
    return (sum ^ s.len) * 0x100000001b3;
}

// A number that depends on all that comes out, and its order.
static uint64_t
parse_all(struct str bytes, size_t piece)
{
    struct websocket_parser p;
    uint64_t sum = 0;
    enum websocket_parse result = WEBSOCKET_PARSE_MORE;
    websocket_parser_init(&p, LIMIT);
    for (size_t at = 0, used; at < bytes.len && result != WEBSOCKET_PARSE_BAD; at += used) {
        struct str next = str_slice(bytes, at, piece < bytes.len - at ? at + piece : bytes.len);
        result = websocket_parse(&p, next, &used);
        CHECK(used > 0 && used <= next.len);
        CHECK(result != WEBSOCKET_PARSE_MORE || used == next.len);
        if (result == WEBSOCKET_PARSE_TEXT || result == WEBSOCKET_PARSE_BINARY) {
            CHECK(p.message.len <= LIMIT);
            sum = mix(sum, p.message);
        } else if (result != WEBSOCKET_PARSE_MORE && result != WEBSOCKET_PARSE_BAD) {
            CHECK(p.control.len <= WEBSOCKET_CONTROL_BYTES_MAX);
            sum = mix(sum, p.control);
        }
        if (result != WEBSOCKET_PARSE_MORE)
            sum = sum * 31 + (uint64_t)result;
    }
    CHECK(result != WEBSOCKET_PARSE_BAD || websocket_code_is_valid(p.close_code));
    websocket_parser_fini(&p);
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_BYTES_MAX)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    CHECK(parse_all(bytes, data[0] + (size_t)1) == parse_all(bytes, SIZE_MAX));
    return 0;
}

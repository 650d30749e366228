// The frames of a WebSocket (RFC 6455 section 5) as a push parser: bytes in, messages out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum { WEBSOCKET_CONTROL_BYTES_MAX = 125 };

enum websocket_parse {
    WEBSOCKET_PARSE_MORE,
    WEBSOCKET_PARSE_TEXT, // a message, whole: p->message
    WEBSOCKET_PARSE_BINARY,
    WEBSOCKET_PARSE_PING, // a control frame: its payload is p->control
    WEBSOCKET_PARSE_PONG,
    WEBSOCKET_PARSE_CLOSE, // with p->close_code and the reason in p->control
    WEBSOCKET_PARSE_BAD,   // p->close_code says why; nothing more may be parsed
};

// Of RFC 6455 section 7.4.1.
enum websocket_code {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_NO_CODE = 1005, // a close frame without one; never sent
    WEBSOCKET_BAD_TEXT = 1007,
    WEBSOCKET_TOO_LARGE = 1009,
    WEBSOCKET_INTERNAL_ERROR = 1011,
};

struct websocket_parser {
    size_t message_bytes_max;
    struct str message; // until the next call
    struct str control;
    int close_code;
    // Its own.
    uint8_t head[14]; // of the frame under way
    size_t head_len;
    uint64_t left; // of its payload; only when has_head
    uint64_t at;   // so much of it came
    bool has_head;
    bool is_message_done; // `buffer` was given out
    int kind;             // opcode of the message under way; 0: none
    char *buffer;         // malloc'ed; grows as bytes arrive
    size_t buffer_len, buffer_size;
    char control_bytes[WEBSOCKET_CONTROL_BYTES_MAX];
    size_t control_len;
};

void websocket_parser_init(struct websocket_parser *p, size_t message_bytes_max);
void websocket_parser_fini(struct websocket_parser *p);
// Takes bytes of a client up to the end of a message or control frame; *used says how many.
enum websocket_parse websocket_parse(struct websocket_parser *p, struct str bytes, size_t *used);
// Whether a close frame may carry it.
bool websocket_code_is_valid(int code);

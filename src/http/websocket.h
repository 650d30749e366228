// WebSockets (RFC 6455), server's side: messages both ways on a connection that was upgraded.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/message.h"
#include "src/http/websocket_parser.h"

struct websocket;
// Runs in the connection's fiber from the upgrade on; when it returns, the connection ends.
typedef void websocket_fn(void *arg, struct websocket *ws);

struct websocket_options {
    struct str protocol;      // Sec-WebSocket-Protocol of the answer; absent: none
    size_t message_bytes_max; // of messages that come; 0: 128 KiB, as at API Gateway's
    websocket_fn *fn;
    void *arg; // lives until fn returns
};

// Of a handler: answers with 101, and fn runs then; or with what is wrong with the request (400,
// 405, 426).
// False: it is not upgraded.
bool websocket_accept(const struct http_request *request, struct http_response *response,
                      const struct websocket_options *options);
// Whether the client offers that protocol, for options.protocol.
bool websocket_is_offered(const struct http_request *request, struct str protocol);

enum websocket_kind { WEBSOCKET_TEXT = 1, WEBSOCKET_BINARY = 2 };

// The next message, valid until the next read; pings are answered meanwhile. One fiber at a time.
// E_CLOSED: either side has closed, or the connection ended; E_INVALID: the client broke the
// protocol or a limit, and was told so; E_TIMEOUT; E_CANCELLED.
MUST_USE int websocket_read(struct websocket *ws, int64_t deadline_ns, enum websocket_kind *kind,
                            struct str *out);
// From any fiber of the connection's loop, also while another one reads; parks while others write.
// Text must be UTF-8. E_CLOSED, E_TIMEOUT, E_CANCELLED.
MUST_USE int websocket_write(struct websocket *ws, enum websocket_kind kind, struct str message);
MUST_USE int websocket_ping(struct websocket *ws, struct str payload); // at most 125 bytes
// Tells the client, and refuses to write from then on; a read that follows waits for its answer.
// Nothing happens the second time. The reason has 123 bytes at most.
void websocket_close(struct websocket *ws, int code, struct str reason);
// What the client closed with, or what was told it; 0: nothing yet, or no close was seen (1006).
int websocket_close_code(const struct websocket *ws);
struct loop *websocket_loop(const struct websocket *ws);

// The handshake, and messages over a tunnel; see websocket.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/websocket.h"

#include "src/base/digest.h"
#include "src/base/encoding.h"
#include "src/http/tunnel.h"
#include "src/task/lot.h"

enum {
    MESSAGE_BYTES_DEFAULT = 128 * 1024,
    READ_BYTES = 4 * 1024,
    KEY_BYTES = 24, // 16 in base64
    HEAD_BYTES_MAX = 10,
    OPCODE_CLOSE = 8,
    OPCODE_PING = 9,
    OPCODE_PONG = 10,
    FIN = 0x80,
    REASON_BYTES_MAX = WEBSOCKET_CONTROL_BYTES_MAX - 2,
};

// On the stack of the connection's fiber.
struct websocket {
    struct http_tunnel *tunnel;
    struct websocket_parser parser;
    char bytes[READ_BYTES]; // [start, end) are not parsed yet
    size_t start, end;
    struct lot *writers; // who waits for his turn; NULL: nobody ever had to
    bool is_writing;
    bool is_closing; // a close frame was sent
    bool is_closed;  // nothing more will come
    int close_code;
};

struct upgrade {
    struct websocket_options options;
    struct arena *arena;
};

// -- the handshake

static bool
has_token(struct str list, struct str token)
{
    struct str one;
    while (str_is_present(list)) {
        str_cut(list, ',', &one, &list);
        if (str_eq_nocase(str_trim(one), token))
            return true;
    }
    return false;
}

static bool
is_key(const struct http_request *r, struct str key)
{
    struct str bytes;
    return key.len == KEY_BYTES && base64_decode(r->arena, key, &bytes) == OK && bytes.len == 16;
}

static bool
refuse(struct http_response *response, int status, struct str text)
{
    response->status = status;
    response->body = text;
    http_response_add(response, STR("Content-Type"), STR("text/plain"));
    return false;
}

static struct str
accept_value(const struct http_request *r, struct str key)
{
    struct buf out;
    struct str text =
        arena_print(r->arena, STR_FMT "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", STR_ARG(key));
    struct sha1 hash = sha1_of(text);
    buf_init(&out, r->arena, 32);
    base64_encode((struct str){(const char *)hash.bytes, SHA1_BYTES}, &out);
    return buf_str(&out);
}

static bool
is_handshake(const struct http_request *r)
{
    return r->may_upgrade && has_token(http_request_header(r, STR("Upgrade")), STR("websocket")) &&
           has_token(http_request_header(r, STR("Connection")), STR("upgrade"));
}

// -- frames out

static struct str
print_head(uint8_t head[HEAD_BYTES_MAX], int opcode, size_t len)
{
    size_t n = len > UINT16_MAX ? 8 : len >= 126 ? 2 : 0;
    head[0] = (uint8_t)(FIN | opcode);
    head[1] = (uint8_t)(n == 8 ? 127 : n == 2 ? 126 : len);
    for (size_t i = 0; i < n; i++)
        head[2 + i] = (uint8_t)((uint64_t)len >> 8 * (n - 1 - i));
    return (struct str){(const char *)head, 2 + n};
}

static int
await_turn(struct websocket *ws)
{
    struct lot_ticket ticket;
    int code = OK;
    if (ws->is_writing && ws->writers == NULL)
        ws->writers = lot_new();
    while (ws->is_writing && code == OK) {
        lot_enter(ws->writers, STR("turn"), &ticket);
        code = ws->is_writing ? lot_wait(&ticket, DEADLINE_NEVER) : OK;
        lot_leave(&ticket, !ws->is_writing);
    }
    return code;
}

// A frame in pieces would be torn by another writer's.
static int
send_frame(struct websocket *ws, int opcode, struct str payload)
{
    uint8_t head[HEAD_BYTES_MAX];
    struct str parts[] = {print_head(head, opcode, payload.len), payload};
    TRY(await_turn(ws));
    if (ws->is_closing)
        return E_CLOSED;
    ws->is_writing = true;
    ws->is_closing = opcode == OPCODE_CLOSE;
    int code = tunnel_write(ws->tunnel, parts, payload.len > 0 ? 2 : 1);
    ws->is_writing = false;
    if (ws->writers != NULL)
        lot_wake(ws->writers, STR("turn"), 1);
    if (code != OK)
        ws->is_closing = true; // part of a frame may be out
    return code;
}

int
websocket_write(struct websocket *ws, enum websocket_kind kind, struct str message)
{
    return send_frame(ws, (int)kind, message);
}

int
websocket_ping(struct websocket *ws, struct str payload)
{
    CHECK(payload.len <= WEBSOCKET_CONTROL_BYTES_MAX);
    return send_frame(ws, OPCODE_PING, payload);
}

void
websocket_close(struct websocket *ws, int code, struct str reason)
{
    char payload[WEBSOCKET_CONTROL_BYTES_MAX] = {(char)(code >> 8), (char)code};
    CHECK(reason.len <= REASON_BYTES_MAX && websocket_code_is_valid(code));
    if (reason.len > 0)
        memcpy(payload + 2, reason.ptr, reason.len);
    if (ws->close_code == 0)
        ws->close_code = code;
    if (send_frame(ws, OPCODE_CLOSE, (struct str){payload, 2 + reason.len}) != OK)
        ws->is_closed = true;
}

// -- frames in

// A close is answered with its own code.
static int
end_by_peer(struct websocket *ws)
{
    int code = ws->parser.close_code;
    ws->is_closed = true;
    ws->close_code = code;
    if (!ws->is_closing && code == WEBSOCKET_NO_CODE)
        TRY(send_frame(ws, OPCODE_CLOSE, STR("")));
    else if (!ws->is_closing)
        websocket_close(ws, code, (struct str){0});
    return E_CLOSED;
}

static int
end_by_fault(struct websocket *ws)
{
    websocket_close(ws, ws->parser.close_code, (struct str){0});
    ws->is_closed = true;
    return E_INVALID;
}

static int
receive(struct websocket *ws, int64_t deadline_ns)
{
    if (ws->start < ws->end)
        return OK;
    ws->start = ws->end = 0;
    int code = tunnel_read(ws->tunnel, ws->bytes, sizeof(ws->bytes), deadline_ns, &ws->end);
    if (code == E_CLOSED || code == E_IO)
        ws->is_closed = true;
    return code;
}

// E_AGAIN: that was no message.
static int
take_parsed(struct websocket *ws, enum websocket_parse result, enum websocket_kind *kind,
            struct str *out)
{
    switch (result) {
    case WEBSOCKET_PARSE_TEXT:
    case WEBSOCKET_PARSE_BINARY:
        *kind = result == WEBSOCKET_PARSE_TEXT ? WEBSOCKET_TEXT : WEBSOCKET_BINARY;
        *out = ws->parser.message;
        return ws->is_closing ? E_AGAIN : OK; // after our close nobody waits for messages
    case WEBSOCKET_PARSE_PING:
        TRY(ws->is_closing ? OK : send_frame(ws, OPCODE_PONG, ws->parser.control));
        return E_AGAIN;
    case WEBSOCKET_PARSE_CLOSE:
        return end_by_peer(ws);
    case WEBSOCKET_PARSE_BAD:
        return end_by_fault(ws);
    case WEBSOCKET_PARSE_PONG:
    case WEBSOCKET_PARSE_MORE:
        break;
    }
    return E_AGAIN;
}

int
websocket_read(struct websocket *ws, int64_t deadline_ns, enum websocket_kind *kind,
               struct str *out)
{
    int code = E_AGAIN;
    while (code == E_AGAIN) {
        size_t used;
        if (ws->is_closed)
            return E_CLOSED;
        TRY(receive(ws, deadline_ns));
        struct str bytes = {ws->bytes + ws->start, ws->end - ws->start};
        enum websocket_parse result = websocket_parse(&ws->parser, bytes, &used);
        ws->start += used;
        code = take_parsed(ws, result, kind, out);
    }
    return code;
}

int
websocket_close_code(const struct websocket *ws)
{
    return ws->close_code;
}

struct loop *
websocket_loop(const struct websocket *ws)
{
    return tunnel_loop(ws->tunnel);
}

// -- the upgrade

// Whoever leaves without a farewell goes away.
static void
run(void *arg, struct http_tunnel *tunnel)
{
    const struct upgrade *u = arg;
    size_t size = u->options.message_bytes_max;
    struct websocket *ws = ARENA_NEW(u->arena, struct websocket);
    ws->tunnel = tunnel;
    websocket_parser_init(&ws->parser, size > 0 ? size : MESSAGE_BYTES_DEFAULT);
    u->options.fn(u->options.arg, ws);
    if (!ws->is_closed && !ws->is_closing)
        websocket_close(ws, WEBSOCKET_GOING_AWAY, (struct str){0});
    websocket_parser_fini(&ws->parser);
    if (ws->writers != NULL)
        lot_free(ws->writers);
}

bool
websocket_is_offered(const struct http_request *request, struct str protocol)
{
    return has_token(http_request_header(request, STR("Sec-WebSocket-Protocol")), protocol);
}

bool
websocket_accept(const struct http_request *request, struct http_response *response,
                 const struct websocket_options *options)
{
    struct str key = http_request_header(request, STR("Sec-WebSocket-Key"));
    if (!str_eq(request->method, STR("GET")))
        return refuse(response, 405, STR("A WebSocket begins with GET.\n"));
    if (!is_handshake(request)) {
        http_response_add(response, STR("Upgrade"), STR("websocket"));
        return refuse(response, 426, STR("Only WebSockets are answered here.\n"));
    }
    if (!str_eq(http_request_header(request, STR("Sec-WebSocket-Version")), STR("13"))) {
        http_response_add(response, STR("Sec-WebSocket-Version"), STR("13"));
        return refuse(response, 426, STR("The only version of WebSocket is 13.\n"));
    }
    if (!is_key(request, key))
        return refuse(response, 400, STR("Sec-WebSocket-Key is not valid.\n"));
    struct upgrade *u = ARENA_NEW(request->arena, struct upgrade);
    *u = (struct upgrade){*options, request->arena};
    http_response_add(response, STR("Upgrade"), STR("websocket"));
    http_response_add(response, STR("Sec-WebSocket-Accept"), accept_value(request, key));
    if (str_is_present(options->protocol))
        http_response_add(response, STR("Sec-WebSocket-Protocol"), options->protocol);
    response->status = 101;
    response->upgrade = run;
    response->upgrade_arg = u;
    return true;
}

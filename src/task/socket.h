// Non-blocking sockets on a loop: readiness callbacks for idle ones, waits for fibers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/task/fiber.h"

struct socket;

enum socket_event { SOCKET_READABLE = 1, SOCKET_WRITABLE = 2, SOCKET_HANGUP = 4 };

// Called on the socket's loop, outside of fibers, while the watch is set.
typedef void socket_ready_fn(void *arg, unsigned events);
typedef void socket_accept_fn(void *arg, struct socket *accepted);

// "127.0.0.1:4566", "[::1]:0". E_INVALID when it cannot be read. Names are not looked up.
struct socket_address {
    char text[64]; // address and port as given or, after binding, as bound
    bool is_loopback;
    uint16_t port;
    unsigned char storage[128];
    unsigned storage_len;
};
MUST_USE int socket_address_parse(struct str text, struct socket_address *out);

// Listens on every loop. The first socket listens before it shares its port (SO_REUSEPORT), so that
// a second c10m is refused; only a program of the same user that sets SO_REUSEPORT by itself could
// still join. on_accept runs on the accepting loop and owns the socket. E_EXISTS: the address is in
// use; E_IO: refused, errno says why. address.port 0 is filled in.
struct listener;
MUST_USE int listener_new(struct runtime *rt, struct socket_address *address,
                          socket_accept_fn *on_accept, void *arg, struct listener **out);
// The same on a socket that was bound by somebody else and belongs to the listener then: systemd's,
// a parent's. address is filled in. E_INVALID: it is no stream socket.
MUST_USE int listener_adopt(struct runtime *rt, int fd, struct socket_address *address,
                            socket_accept_fn *on_accept, void *arg, struct listener **out);
// Accepts what is in the backlog, then closes. Blocks (a fiber parks) until every loop has done so.
void listener_free(struct listener *l);

// Connects from a fiber (tests, clients).
MUST_USE int socket_connect(struct loop *loop, const struct socket_address *address,
                            int64_t deadline_ns, struct socket **out);
void socket_free(struct socket *s); // closes
struct loop *socket_loop(const struct socket *s);
const char *socket_peer(const struct socket *s); // "127.0.0.1:53211"

// Bytes moved (> 0), or E_AGAIN, E_CLOSED (end of stream, reset), E_IO. Never waits.
MUST_USE ptrdiff_t socket_read(struct socket *s, void *out, size_t size);
MUST_USE ptrdiff_t socket_write(struct socket *s, const struct str *parts, size_t count);

// Its owner holds bytes of it that it has not looked at: until a read finds nothing, the socket
// counts as readable.
void socket_keep_readable(struct socket *s);
// Nothing more is written: the peer reads the end of the stream. Reading goes on.
void socket_end(struct socket *s);

// Calls fn on these events until the watch is replaced; events 0 stops it. SOCKET_HANGUP alone
// tells that the peer closed its sending side while a fiber works on its request.
void socket_watch(struct socket *s, unsigned events, socket_ready_fn *fn, void *arg);
// Parks the calling fiber until readable or writable: OK, E_TIMEOUT, E_CANCELLED.
MUST_USE int socket_wait(struct socket *s, enum socket_event event, int64_t deadline_ns);
// Writes everything or fails; parks in between.
MUST_USE int socket_write_all(struct socket *s, const struct str *parts, size_t count,
                              int64_t deadline_ns);

// Beyond modelled operations: HTTP routes and listeners that services register from their init.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/message.h"
#include "src/task/datagram.h"

struct cloud;

enum { RAW_ROUTES_MAX = 64, RAW_LISTENERS_MAX = 32 };

// Fills the response; may read and answer with streams, or upgrade (src/http/websocket.h). Who the
// caller is, the route finds out by itself: neither signature nor Host nor Origin was looked at.
typedef void raw_route_fn(void *arg, const struct http_request *request,
                          struct http_response *response);

struct raw_route {
    // What the Host must be, without its port: what stands in front of .localhost or
    // .localhost.localstack.cloud, or a whole name. '*' stands for one label:
    // "*.execute-api.*". NULL: any.
    const char *host;
    // The path, still percent-encoded: all of it, or with "/*" at its end all below. NULL: any.
    const char *path;
    // Asked last, on the connection's loop outside of fibers: must not wait. NULL: all requests.
    bool (*claims)(void *arg, const struct http_request *request);
    bool is_streamed; // the handler reads request->stream where there is a body
    raw_route_fn *fn;
    void *arg;
};

// The first that was added and fits answers, before any API call and any page of the operator's.
// The route lives as long as the cloud. Before the server listens: from a service's init.
void cloud_add_route(struct cloud *cloud, const struct raw_route *route);
// NULL: none fits.
const struct raw_route *raw_route_find(const struct cloud *cloud,
                                       const struct http_request *request);

// A socket of a service's own. One of the two functions is set.
struct raw_listener {
    // Under which a socket may be passed in: --socket NAME=FD, or systemd's LISTEN_FDNAMES.
    const char *name;
    const char *address;         // "127.0.0.1:0" when none was; NULL: then there is none
    socket_accept_fn *on_accept; // TCP; on the accepting loop, which the socket stays on
    datagram_fn *on_datagram;    // UDP
    void *arg;
    // Filled in.
    struct socket_address bound; // port 0: there is no socket
    struct listener *listener;
    struct datagram *datagram;
};

// Listens at once; closed before the service's fini. It lives as long as the cloud. E_EXISTS: the
// address is taken; E_INVALID: it is none, or the socket passed in is of the other kind; E_IO:
// errno says why.
MUST_USE int cloud_add_listener(struct cloud *cloud, struct raw_listener *listener);
void raw_listeners_close(struct cloud *cloud);

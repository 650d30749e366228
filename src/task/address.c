// Socket addresses as text.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static_assert(sizeof(struct sockaddr_storage) <= sizeof(((struct socket_address *)NULL)->storage),
              "every address fits");

static int
parse_port(struct str text, uint16_t *out)
{
    int64_t port;
    if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] > '9')
        return E_INVALID;
    if (str_to_int64(text, &port) != OK || port > UINT16_MAX)
        return E_INVALID;
    *out = (uint16_t)port;
    return OK;
}

// The last colon parts the port; brackets are for IPv6 only.
static int
split(struct str text, struct str *host, struct str *port)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return E_INVALID;
    *host = str_slice(text, 0, colon - 1);
    *port = str_slice(text, colon, text.len);
    return OK;
}

static int
parse_ip4(const char *host, uint16_t port, struct socket_address *out)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
        return E_INVALID;
    address_set(out, (const struct sockaddr *)&a, sizeof(a));
    return OK;
}

static int
parse_ip6(const char *host, uint16_t port, struct socket_address *out)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, host, &a.sin6_addr) != 1)
        return E_INVALID;
    address_set(out, (const struct sockaddr *)&a, sizeof(a));
    return OK;
}

static void
set_ip4(struct socket_address *out, const struct sockaddr_in *a)
{
    char host[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &a->sin_addr, host, sizeof(host));
    out->port = ntohs(a->sin_port);
    out->is_loopback = ntohl(a->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    snprintf(out->text, sizeof(out->text), "%s:%u", host, out->port);
}

static bool
ip6_is_loopback(const struct in6_addr *a)
{
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == IN_LOOPBACKNET);
}

static void
set_ip6(struct socket_address *out, const struct sockaddr_in6 *a)
{
    char host[INET6_ADDRSTRLEN] = "";
    inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof(host));
    out->port = ntohs(a->sin6_port);
    out->is_loopback = ip6_is_loopback(&a->sin6_addr);
    snprintf(out->text, sizeof(out->text), "[%s]:%u", host, out->port);
}

void
address_set(struct socket_address *out, const struct sockaddr *sa, socklen_t len)
{
    CHECK(len <= sizeof(out->storage));
    *out = (struct socket_address){.storage_len = len};
    memcpy(out->storage, sa, len);
    if (sa->sa_family == AF_INET)
        set_ip4(out, (const struct sockaddr_in *)sa);
    else if (sa->sa_family == AF_INET6)
        set_ip6(out, (const struct sockaddr_in6 *)sa);
}

void
address_get(const struct socket_address *a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out, a->storage, a->storage_len);
}

int
socket_address_parse(struct str text, struct socket_address *out)
{
    struct str host_text, port_text;
    uint16_t port;
    char host[INET6_ADDRSTRLEN];
    TRY(split(text, &host_text, &port_text));
    TRY(parse_port(port_text, &port));
    bool is_ip6 = str_starts(host_text, STR("[")) && str_ends(host_text, STR("]"));
    if (is_ip6)
        host_text = str_slice(host_text, 1, host_text.len - 1);
    if (host_text.len >= sizeof(host) || memchr(host_text.ptr, 0, host_text.len))
        return E_INVALID;
    memcpy(host, host_text.ptr, host_text.len);
    host[host_text.len] = 0;
    return is_ip6 ? parse_ip6(host, port, out) : parse_ip4(host, port, out);
}

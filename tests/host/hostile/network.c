// Attempts to reach other networks and c10m's own pages, and to pass for another guest.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/host/hostile/hostile.h"

#define METADATA "169.254.169.254"
enum { CONNECT_MS_MAX = 1500, ANSWER_MS_MAX = 20 * 1000, API_PORT = 4566 };

static struct sockaddr_in
address_of(const char *text, long port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

// The socket, connected; -1 and errno.
static int
reach_by(int fd, const struct sockaddr *address, socklen_t len)
{
    int error = 0;
    socklen_t error_len = sizeof(error);
    struct pollfd wait = {fd, POLLOUT, 0};
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, address, len) != 0 && errno != EINPROGRESS)
        return -1;
    errno = ETIMEDOUT;
    if (poll(&wait, 1, CONNECT_MS_MAX) != 1)
        return -1;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
    errno = error;
    return error == 0 ? fd : -1;
}

static int
reach(const char *text, long port)
{
    struct sockaddr_in address = address_of(text, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return reach_by(fd, (struct sockaddr *)&address, sizeof(address));
}

static enum outcome
other_network(void)
{
    static const long ports[] = {80, 22, 5432};
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        if (reach(told("HOSTILE_OTHER"), ports[i]) >= 0)
            return SUCCEEDED;
    return failed(-1);
}

// Every address of the host, and those of the network's own.
static enum outcome
host_ports(void)
{
    char list[1024], *rest = list;
    snprintf(list, sizeof(list), "%s 10.0.1.1 10.0.1.2 169.254.169.253 %s 0.0.0.0",
             told("HOSTILE_HOST_ADDRESSES"), METADATA);
    for (char *one; (one = strsep(&rest, " ")) != NULL;)
        if (*one != '\0' && (reach(one, told_number("HOSTILE_PORT")) >= 0 || reach(one, 22) >= 0)) {
            say("%s ", one);
            return SUCCEEDED;
        }
    return failed(-1);
}

static enum outcome
host_by_ipv6(void)
{
    static const char *const names[] = {"::1", "::ffff:127.0.0.1", "fe80::1", "ff02::1"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                       .sin6_port = htons((uint16_t)told_number("HOSTILE_PORT")),
                                       .sin6_scope_id = if_nametoindex("eth0")};
        inet_pton(AF_INET6, names[i], &address.sin6_addr);
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && reach_by(fd, (struct sockaddr *)&address, sizeof(address)) >= 0)
            return SUCCEEDED;
    }
    return failed(-1);
}

// The answer's status; its text in `out`. -1: there was none.
static int
ask(long port, const char *request, char *out, size_t size)
{
    int status = -1, fd = reach(METADATA, port);
    struct pollfd wait = {fd, POLLIN, 0};
    size_t len = 0;
    out[0] = '\0';
    if (fd < 0 || write(fd, request, strlen(request)) < 0)
        return -1;
    while (len < size - 1 && poll(&wait, 1, ANSWER_MS_MAX) == 1) {
        ssize_t got = read(fd, out + len, size - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    out[len] = '\0';
    close(fd);
    return sscanf(out, "HTTP/1.1 %d", &status) == 1 ? status : -1;
}

// With the operator's own token, as if it had been betrayed.
static enum outcome
admin_pages(void)
{
    static const char *const targets[] = {
        "/_c10m/host",
        "//_c10m/host",
        "/%5fc10m/host",
        "/x/../_c10m/host",
        "/./_c10m/host",
        "/_c10m%2fhost",
        "/_C10M/host",
        "/_c10m/host?x=/",
        "http://localhost/_c10m/host",
        "http://127.0.0.1/_c10m/host",
        "/_c10m/host/units",
        "/_c10m/metrics",
    };
    static const char *const hosts[] = {"localhost", "127.0.0.1", "admin"};
    char request[512], answer[16384];
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        for (size_t k = 0; k < sizeof(hosts) / sizeof(hosts[0]); k++) {
            snprintf(request, sizeof(request),
                     "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                     "X-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n",
                     targets[i], hosts[k], told("HOSTILE_TOKEN"));
            int status = ask(API_PORT, request, answer, sizeof(answer));
            if (status < 0 || strstr(answer, "\"units\"") != NULL ||
                strstr(answer, "\"opened\"") != NULL || strstr(answer, "# TYPE") != NULL) {
                say("GET %s of %s: %d ", targets[i], hosts[k], status);
                return SUCCEEDED;
            }
        }
    say("403 ");
    return STOPPED;
}

// Whose metadata it is that comes.
static enum outcome
forge_by_header(void)
{
    char request[512], answer[16384];
    snprintf(request, sizeof(request),
             "GET /latest/meta-data/ HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\n"
             "Forwarded: for=%s\r\nX-Real-IP: %s\r\nConnection: close\r\n\r\n",
             METADATA, told("HOSTILE_PEER"), told("HOSTILE_PEER"), told("HOSTILE_PEER"));
    if (ask(80, request, answer, sizeof(answer)) < 0 ||
        strstr(answer, told("HOSTILE_PEER")) != NULL)
        return SUCCEEDED;
    return strstr(answer, told("HOSTILE_OWN")) != NULL ? STOPPED : SUCCEEDED;
}

static enum outcome
forge_by_address(int option)
{
    struct sockaddr_in from = address_of(told("HOSTILE_PEER"), 0), to = address_of(METADATA, 80);
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (option != 0 && setsockopt(fd, IPPROTO_IP, option, &yes, sizeof(yes)) != 0)
        return failed(-1);
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        return failed(-1);
    return failed(reach_by(fd, (struct sockaddr *)&to, sizeof(to)));
}

static enum outcome
forge_by_bind(void)
{
    return forge_by_address(0);
}

static enum outcome
forge_by_freebind(void)
{
    return forge_by_address(IP_FREEBIND);
}

static enum outcome
forge_by_transparent(void)
{
    return forge_by_address(IP_TRANSPARENT);
}

static enum outcome
raw_sockets(void)
{
    if (socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) >= 0 ||
        socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)) >= 0 ||
        socket(AF_INET, SOCK_RAW, IPPROTO_RAW) >= 0 ||
        socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0 ||
        socket(AF_INET6, SOCK_RAW, IPPROTO_RAW) >= 0)
        return SUCCEEDED;
    return failed(-1);
}

static enum outcome
own_interface(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "eth0"};
    struct sockaddr_in address = address_of(told("HOSTILE_PEER"), 0);
    memcpy(&request.ifr_addr, &address, sizeof(address));
    if (ioctl(fd, SIOCSIFADDR, &request) == 0)
        return SUCCEEDED;
    request.ifr_hwaddr = (struct sockaddr){.sa_family = 1, .sa_data = {2, 0, 0, 0, 0, 9}};
    if (ioctl(fd, SIOCSIFHWADDR, &request) == 0)
        return SUCCEEDED;
    struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
    memcpy(&route.rt_gateway, &address, sizeof(address));
    memcpy(&route.rt_dst, &address, sizeof(address));
    return failed(ioctl(fd, SIOCADDRT, &route));
}

static enum outcome
source_route(void)
{
    unsigned char option[] = {131, 7, 4, 10, 0, 2, 4, 0}; // loose, by way of 10.0.2.4
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return failed(setsockopt(fd, IPPROTO_IP, IP_OPTIONS, option, sizeof(option)));
}

static enum outcome
own_rules(void)
{
    enum { REPLACE = 64 };
    char rules[512] = "filter";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (setsockopt(fd, IPPROTO_IP, REPLACE, rules, sizeof(rules)) == 0)
        return SUCCEEDED;
    return failed(-1);
}

static const struct attempt all[] = {
    {"reach a guest of another network", "network namespace: there is no way there", other_network,
     false, true},
    {"reach c10m and the host's ports by any of their addresses",
     "network namespace; the network's own addresses offer metadata, API and names only",
     host_ports, false, true},
    {"reach them by IPv6", "the network drops IPv6", host_by_ipv6, false, true},
    {"ask for c10m's admin pages, with the operator's token",
     "requests from networks get 403 below /_c10m, however it is written", admin_pages, false,
     true},
    {"forge another guest's metadata by headers", "who asks is known by network and source address",
     forge_by_header, false, true},
    {"forge it by another source address", "the kernel: the address is not its own", forge_by_bind,
     false, true},
    {"forge it by IP_FREEBIND",
     "the kernel has no way from there; the network drops what is not from a port's own address",
     forge_by_freebind, false, true},
    {"forge it by IP_TRANSPARENT", "no CAP_NET_ADMIN over the network's namespace",
     forge_by_transparent, false, true},
    {"raw and packet sockets", "no CAP_NET_RAW over the network's namespace", raw_sockets, false,
     true},
    {"change its address, MAC address, routes", "no CAP_NET_ADMIN over the network's namespace",
     own_interface, false, true},
    {"route by a list of its own (IP options)", "no CAP_NET_RAW over the network's namespace",
     source_route, false, true},
    {"make rules of its own", "no CAP_NET_ADMIN over the network's namespace", own_rules, false,
     true},
};
const struct attempts network = ATTEMPTS("Reach other networks, or be another guest", all);

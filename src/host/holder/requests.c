// What c10m may ask for: the network's parts, and the list of all requests.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/host/holder/elastic.h"
#include "src/host/holder/request.h"

typedef bool address_fn(struct holder *h, struct in_addr address, unsigned bits, const char **what);

static void
do_address(struct request *r, address_fn *fn)
{
    struct in_addr address;
    unsigned bits;
    const char *what = "the address";
    bool is_done =
        parse_address(r->words[1], &address, &bits) && fn(r->holder, address, bits, &what);
    answer_done(r, is_done, what);
}

static void
do_gateway(struct request *r)
{
    do_address(r, gateway_add);
}

static void
do_ungateway(struct request *r)
{
    do_address(r, gateway_del);
}

static void
do_link(struct request *r)
{
    const char *what = "the request";
    errno = EBADF;
    bool is_done = r->fd >= 0 && strlen(r->words[1]) < IFNAMSIZ &&
                   link_add(r->holder, r->words[1], r->fd, &what);
    answer_done(r, is_done, what);
}

static void
do_unlink(struct request *r)
{
    const char *what;
    bool is_done = link_del(r->holder, r->words[1], &what);
    answer_done(r, is_done, what);
}

static void
do_uplink(struct request *r)
{
    const char *what;
    bool is_done = uplink_up(r->holder, &what);
    answer_done(r, is_done, what);
}

typedef bool route_fn(struct holder *h, const char *link, struct in_addr address,
                      const char **what);

static void
do_way(struct request *r, route_fn *fn)
{
    struct in_addr address;
    const char *what = "the address";
    bool is_done =
        parse_bare_address(r->words[1], &address) && fn(r->holder, r->words[2], address, &what);
    answer_done(r, is_done, what);
}

static void
do_route(struct request *r)
{
    do_way(r, route_add);
}

static void
do_unroute(struct request *r)
{
    do_way(r, route_del);
}

static void
do_port(struct request *r)
{
    struct in_addr address, gateway;
    unsigned bits;
    uint8_t mac[6];
    const char *what = "the request";
    struct port *p = port_find(r->holder, r->words[1]);
    if (p == NULL && strlen(r->words[1]) < IFNAMSIZ &&
        parse_address(r->words[2], &address, &bits) && parse_bare_address(r->words[3], &gateway) &&
        parse_mac(r->words[4], mac))
        p = port_add(r->holder, r->words[1], address, bits, gateway, mac, &what);
    if (p != NULL)
        answer_fd(r, p->net_fd);
    else
        answer_error(r, what);
}

static void
do_find(struct request *r)
{
    struct port *p = port_find(r->holder, r->words[1]);
    if (p != NULL)
        answer_fd(r, p->net_fd);
    else
        answer(r, "error the network has no such port");
}

static void
do_unport(struct request *r)
{
    struct port *p = port_find(r->holder, r->words[1]);
    if (p != NULL)
        port_del(r->holder, p);
    answer(r, "ok");
}

static void
do_status(struct request *r)
{
    const struct holder *h = r->holder;
    char line[160];
    snprintf(line, sizeof(line), "ok pid=%d user=%d net=%d ports=%zu splices=%zu refused=%zu",
             (int)getpid(), h->user_fd, h->net_fd, h->port_count, h->elastic_count,
             elastics_refused(h));
    answer(r, line);
}

static void
do_end(struct request *r)
{
    answer(r, "ok");
    exit(0);
}

static const struct {
    const char *name;
    size_t word_count;
    void (*fn)(struct request *r);
} commands[] = {
    {"datagram", 3, do_datagram}, {"end", 1, do_end},           {"find", 2, do_find},
    {"flows", 2, do_flows},       {"gateway", 2, do_gateway},   {"link", 2, do_link},
    {"listen", 3, do_listen},     {"port", 5, do_port},         {"queue", 4, do_queue},
    {"queues", 2, do_queues},     {"route", 3, do_route},       {"rules", 2, do_rules},
    {"splice", 5, do_splice},     {"status", 1, do_status},     {"ungateway", 2, do_ungateway},
    {"unlink", 2, do_unlink},     {"unport", 2, do_unport},     {"unqueue", 2, do_unqueue},
    {"unroute", 3, do_unroute},   {"unsplice", 2, do_unsplice}, {"uplink", 1, do_uplink},
};

void
request_do(struct request *r)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, r->words[0]) == 0 && commands[i].word_count == r->word_count) {
            commands[i].fn(r);
            return;
        }
    answer(r, "error no such request");
}

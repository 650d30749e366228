// The way from a network to the internet: both ends of the link, and what is found at its end.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <net/if.h>

#include "src/host/holder/holder.h"

// Nobody needs to ask for hardware addresses where both ends have the same.
static const uint8_t link_mac[6] = {0x0a, 0, 0, 0, 0, 1};
static const char uplink[] = "uplink";

bool
link_add(struct holder *h, const char *name, int peer_net_fd, const char **what)
{
    *what = "the link";
    if (if_nametoindex(name) == 0 &&
        !netlink_veth_add(h->netlink_fd, name, uplink, link_mac, true, peer_net_fd))
        return false;
    return netlink_link_up_bare(h->netlink_fd, if_nametoindex(name));
}

bool
link_del(struct holder *h, const char *name, const char **what)
{
    *what = "the link";
    return if_nametoindex(name) == 0 || netlink_link_del(h->netlink_fd, name);
}

bool
uplink_up(struct holder *h, const char **what)
{
    unsigned index = if_nametoindex(uplink);
    *what = "the uplink";
    if (index == 0 || !netlink_link_up_bare(h->netlink_fd, index))
        return false;
    return netlink_route_add(h->netlink_fd, index, (struct in_addr){0}, 0, NULL) || errno == EEXIST;
}

bool
route_add(struct holder *h, const char *link, struct in_addr address, const char **what)
{
    unsigned index = if_nametoindex(link);
    *what = "the route";
    return index != 0 && netlink_route_set(h->netlink_fd, index, address, 32);
}

bool
route_del(struct holder *h, const char *link, struct in_addr address, const char **what)
{
    unsigned index = if_nametoindex(link);
    *what = "the route";
    return index == 0 || netlink_route_del(h->netlink_fd, index, address, 32) || errno == ESRCH;
}

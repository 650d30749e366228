// A network's namespaces and its ports.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/host/holder/elastic.h"

static bool
setting(const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_set = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return is_set;
}

static bool
map_write(const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/%s", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return is_written;
}

// An ordinary user's network belongs to a user namespace in which that user is root.
static bool
user_namespace_make(struct holder *h)
{
    char uid[32], gid[32];
    snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
    snprintf(gid, sizeof(gid), "0 %u 1", getegid());
    if (unshare(CLONE_NEWUSER) != 0 || !map_write("setgroups", "deny") ||
        !map_write("uid_map", uid) || !map_write("gid_map", gid))
        return false;
    h->user_fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    return h->user_fd >= 0;
}

// All networks of such a user share one, so that they can be linked: whoever comes later is given
// the first one's.
static bool
user_namespace_enter(struct holder *h)
{
    if (h->user_fd < 0)
        return user_namespace_make(h);
    return setns(h->user_fd, CLONE_NEWUSER) == 0;
}

bool
namespaces_make(struct holder *h, bool is_root, const char **what)
{
    *what = "the network's user namespace";
    if (!is_root && !user_namespace_enter(h))
        return false;
    *what = "the thread that stays behind";
    if (!outside_start(h))
        return false;
    *what = "the network's namespace";
    if (unshare(CLONE_NEWNET) != 0)
        return false;
    h->net_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    h->netlink_fd = netlink_open();
    if (h->net_fd < 0 || h->netlink_fd < 0)
        return false;
    *what = "the network's settings";
    // Whoever asks on a port for an address that is not its own is answered with ours, and what it
    // sends there is routed.
    return netlink_link_up(h->netlink_fd, if_nametoindex("lo")) && setting("ip_forward", "1") &&
           setting("conf/default/proxy_arp", "1") && setting("conf/default/rp_filter", "1") &&
           setting("conf/all/send_redirects", "0") && setting("conf/default/send_redirects", "0");
}

bool
gateway_add(struct holder *h, struct in_addr address, unsigned bits, const char **what)
{
    *what = "the address";
    return netlink_address_add(h->netlink_fd, if_nametoindex("lo"), address, bits) ||
           errno == EEXIST;
}

bool
gateway_del(struct holder *h, struct in_addr address, unsigned bits, const char **what)
{
    *what = "the address";
    return netlink_address_del(h->netlink_fd, if_nametoindex("lo"), address, bits) ||
           errno == EADDRNOTAVAIL;
}

struct port *
port_find(struct holder *h, const char *name)
{
    struct port *p;
    LIST_FOREACH(p, &h->ports, link)
    if (strcmp(p->name, name) == 0)
        return p;
    return NULL;
}

// The inside of a port: in its own namespace.
static bool
inside_make(const struct holder *h, int netlink_fd, struct in_addr address, unsigned bits,
            struct in_addr gateway)
{
    // Only groups that the user namespace knows can be named.
    const char *all_groups = h->user_fd >= 0 ? "0 0" : "0 2147483647";
    unsigned index = if_nametoindex("eth0");
    // Guests' roots have no rights over the network, so what needs them elsewhere is free here.
    return index != 0 && netlink_link_up(netlink_fd, if_nametoindex("lo")) &&
           netlink_address_add(netlink_fd, index, address, bits) &&
           netlink_link_up(netlink_fd, index) &&
           netlink_route_add(netlink_fd, index, (struct in_addr){0}, 0, &gateway) &&
           setting("ip_unprivileged_port_start", "0") && setting("ping_group_range", all_groups);
}

// Its outside: in the network's namespace.
static bool
outside_make(struct holder *h, const char *name, struct in_addr address)
{
    char delay[64];
    unsigned index = if_nametoindex(name);
    // The kernel would wait up to 0.8 s with its answers for others.
    snprintf(delay, sizeof(delay), "neigh/%s/proxy_delay", name);
    return index != 0 && setting(delay, "0") && netlink_link_up(h->netlink_fd, index) &&
           netlink_route_add(h->netlink_fd, index, address, 32, NULL);
}

static bool
port_make(struct holder *h, struct port *p, struct in_addr address, unsigned bits,
          struct in_addr gateway, const uint8_t mac[6], const char **what)
{
    *what = "the port's namespace";
    if (unshare(CLONE_NEWNET) != 0)
        return false;
    p->net_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int netlink_fd = netlink_open();
    *what = "the port's link";
    bool is_made = p->net_fd >= 0 && netlink_fd >= 0 &&
                   netlink_veth_add(h->netlink_fd, p->name, "eth0", mac, false, p->net_fd);
    if (is_made) {
        *what = "the port's inside";
        is_made = inside_make(h, netlink_fd, address, bits, gateway);
    }
    int error = errno;
    if (netlink_fd >= 0)
        close(netlink_fd);
    if (setns(h->net_fd, CLONE_NEWNET) != 0)
        abort(); // nothing that we do from here on would be right
    errno = error;
    if (!is_made)
        return false;
    *what = "the port's outside";
    return outside_make(h, p->name, address);
}

struct port *
port_add(struct holder *h, const char *name, struct in_addr address, unsigned bits,
         struct in_addr gateway, const uint8_t mac[6], const char **what)
{
    struct port *p = h->port_count < PORTS_MAX ? calloc(1, sizeof(*p)) : NULL;
    *what = "one more port";
    errno = ENOSPC;
    if (p == NULL)
        return NULL;
    snprintf(p->name, sizeof(p->name), "%s", name);
    p->net_fd = -1;
    LIST_INSERT_HEAD(&h->ports, p, link);
    h->port_count++;
    if (port_make(h, p, address, bits, gateway, mac, what))
        return p;
    int error = errno;
    port_del(h, p);
    errno = error;
    return NULL;
}

void
port_del(struct holder *h, struct port *p)
{
    (void)netlink_link_del(h->netlink_fd, p->name);
    if (p->net_fd >= 0)
        close(p->net_fd);
    LIST_REMOVE(p, link);
    h->port_count--;
    free(p);
}

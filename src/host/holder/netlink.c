// Links, addresses and routes by rtnetlink.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/host/holder/holder.h"

enum { MESSAGE_BYTES = 4096 };

int
netlink_open(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

// Sends a request and reads its acknowledgement.
static bool
ask(int fd, struct nlmsghdr *request)
{
    char answer[MESSAGE_BYTES];
    request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    if (send(fd, request, request->nlmsg_len, 0) < 0)
        return false;
    ssize_t got = recv(fd, answer, sizeof(answer), 0);
    struct nlmsghdr *h = (struct nlmsghdr *)answer;
    if (got < 0 || !mnl_nlmsg_ok(h, (int)got) || h->nlmsg_type != NLMSG_ERROR)
        return false;
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(h);
    errno = -error->error;
    return error->error == 0;
}

static struct nlmsghdr *
request_begin(char buffer[MESSAGE_BYTES], uint16_t type, uint16_t flags)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
    h->nlmsg_type = type;
    h->nlmsg_flags = flags;
    return h;
}

static bool
link_flag(int fd, unsigned index, unsigned flags)
{
    char buffer[MESSAGE_BYTES];
    struct nlmsghdr *h = request_begin(buffer, RTM_NEWLINK, 0);
    struct ifinfomsg *i = mnl_nlmsg_put_extra_header(h, sizeof(*i));
    *i = (struct ifinfomsg){.ifi_index = (int)index, .ifi_flags = flags, .ifi_change = flags};
    return ask(fd, h);
}

bool
netlink_link_up(int fd, unsigned index)
{
    return link_flag(fd, index, IFF_UP);
}

bool
netlink_link_up_bare(int fd, unsigned index)
{
    return link_flag(fd, index, IFF_UP | IFF_NOARP);
}

bool
netlink_veth_add(int fd, const char *name, const char *peer_name, const uint8_t mac[6],
                 bool is_mac_shared, int peer_net_fd)
{
    char buffer[MESSAGE_BYTES];
    struct nlmsghdr *h = request_begin(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(h, IFLA_IFNAME, name);
    if (is_mac_shared)
        mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
    struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);
    mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
    struct nlattr *data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
    struct nlattr *peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(h, IFLA_IFNAME, peer_name);
    mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
    mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)peer_net_fd);
    mnl_attr_nest_end(h, peer);
    mnl_attr_nest_end(h, data);
    mnl_attr_nest_end(h, info);
    return ask(fd, h);
}

bool
netlink_link_del(int fd, const char *name)
{
    char buffer[MESSAGE_BYTES];
    struct nlmsghdr *h = request_begin(buffer, RTM_DELLINK, 0);
    mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
    mnl_attr_put_strz(h, IFLA_IFNAME, name);
    return ask(fd, h);
}

bool
netlink_address_add(int fd, unsigned index, struct in_addr address, unsigned bits)
{
    char buffer[MESSAGE_BYTES];
    struct nlmsghdr *h = request_begin(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(h, sizeof(*a));
    *a = (struct ifaddrmsg){
        .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)bits, .ifa_index = index};
    mnl_attr_put_u32(h, IFA_LOCAL, address.s_addr);
    mnl_attr_put_u32(h, IFA_ADDRESS, address.s_addr);
    return ask(fd, h);
}

static bool
route_put(int fd, uint16_t flags, unsigned index, struct in_addr to, unsigned bits,
          const struct in_addr *gateway)
{
    char buffer[MESSAGE_BYTES];
    struct nlmsghdr *h = request_begin(buffer, RTM_NEWROUTE, NLM_F_CREATE | flags);
    struct rtmsg *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
    *r = (struct rtmsg){
        .rtm_family = AF_INET,
        .rtm_dst_len = (uint8_t)bits,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_STATIC,
        .rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
        .rtm_type = RTN_UNICAST,
    };
    if (bits > 0)
        mnl_attr_put_u32(h, RTA_DST, to.s_addr);
    if (gateway != NULL)
        mnl_attr_put_u32(h, RTA_GATEWAY, gateway->s_addr);
    mnl_attr_put_u32(h, RTA_OIF, index);
    return ask(fd, h);
}

bool
netlink_route_add(int fd, unsigned index, struct in_addr to, unsigned bits,
                  const struct in_addr *gateway)
{
    return route_put(fd, NLM_F_EXCL, index, to, bits, gateway);
}

bool
netlink_route_set(int fd, unsigned index, struct in_addr to, unsigned bits)
{
    return route_put(fd, NLM_F_REPLACE, index, to, bits, NULL);
}

bool
netlink_route_del(int fd, unsigned index, struct in_addr to, unsigned bits)
{
    char buffer[MESSAGE_BYTES];
    struct nlmsghdr *h = request_begin(buffer, RTM_DELROUTE, 0);
    struct rtmsg *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
    *r = (struct rtmsg){
        .rtm_family = AF_INET, .rtm_dst_len = (uint8_t)bits, .rtm_table = RT_TABLE_MAIN};
    r->rtm_scope = RT_SCOPE_NOWHERE;
    mnl_attr_put_u32(h, RTA_DST, to.s_addr);
    mnl_attr_put_u32(h, RTA_OIF, index);
    return ask(fd, h);
}

bool
netlink_address_del(int fd, unsigned index, struct in_addr address, unsigned bits)
{
    char buffer[MESSAGE_BYTES];
    struct nlmsghdr *h = request_begin(buffer, RTM_DELADDR, 0);
    struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(h, sizeof(*a));
    *a = (struct ifaddrmsg){
        .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)bits, .ifa_index = index};
    mnl_attr_put_u32(h, IFA_LOCAL, address.s_addr);
    return ask(fd, h);
}

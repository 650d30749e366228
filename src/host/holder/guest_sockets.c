// What a guest listens on, asked of the kernel.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/host/holder/elastic.h"

enum { BUFFER_BYTES = 32 * 1024 };

struct finding {
    struct in_addr address;
    int type;
    struct guest_socket *out;
    size_t count, size;
};

int
guest_sockets_open(const struct holder *h, int net_fd)
{
    if (setns(net_fd, CLONE_NEWNET) != 0)
        return -1;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (setns(h->net_fd, CLONE_NEWNET) != 0)
        abort(); // nothing that we do from here on would be right
    return fd;
}

static bool
hears_only_ipv6(const struct nlmsghdr *h)
{
    const struct nlattr *a;
    mnl_attr_for_each(a, h, sizeof(struct inet_diag_msg))
    {
        if (mnl_attr_get_type(a) == INET_DIAG_SKV6ONLY)
            return mnl_attr_get_u8(a) != 0;
    }
    return false;
}

// Bound to nothing, or to just that address; also as IPv6 writes IPv4.
static bool
hears(const struct nlmsghdr *h, const struct inet_diag_msg *m, struct in_addr address)
{
    static const __be32 mapped[3] = {0, 0, 0};
    const __be32 *source = m->id.idiag_src;
    if (m->idiag_family == AF_INET)
        return source[0] == 0 || source[0] == address.s_addr;
    if (hears_only_ipv6(h))
        return false;
    if (memcmp(source, mapped, sizeof(mapped)) == 0 && source[3] == 0)
        return true;
    return source[0] == 0 && source[1] == 0 && source[2] == htonl(0xffff) &&
           source[3] == address.s_addr;
}

static int
on_message(const struct nlmsghdr *h, void *arg)
{
    struct finding *f = arg;
    const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
    if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || m->id.idiag_sport == 0 || f->count == f->size ||
        !hears(h, m, f->address))
        return MNL_CB_OK;
    f->out[f->count++] = (struct guest_socket){f->type, ntohs(m->id.idiag_sport)};
    return MNL_CB_OK;
}

static bool
dump(int fd, uint8_t family, struct finding *f)
{
    static char buffer[BUFFER_BYTES];
    bool is_stream = f->type == SOCK_STREAM;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
    h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    struct inet_diag_req_v2 *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
    r->sdiag_family = family;
    r->sdiag_protocol = is_stream ? IPPROTO_TCP : IPPROTO_UDP;
    r->idiag_states = is_stream ? 1U << TCP_LISTEN : 1U << TCP_CLOSE; // not connected
    if (send(fd, h, h->nlmsg_len, 0) < 0)
        return false;
    for (int more = MNL_CB_OK; more > MNL_CB_STOP;) {
        ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
        more = got < 0 ? MNL_CB_ERROR : mnl_cb_run(buffer, (size_t)got, 0, 0, on_message, f);
        if (more == MNL_CB_ERROR)
            return false;
    }
    return true;
}

int
guest_sockets_find(int diag_fd, struct in_addr address, struct guest_socket *out, size_t size)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    static const uint8_t families[] = {AF_INET, AF_INET6};
    struct finding f = {.address = address, .out = out, .size = size};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        f.type = types[i];
        for (size_t k = 0; k < sizeof(families); k++)
            if (!dump(diag_fd, families[k], &f))
                return -1;
    }
    return (int)f.count;
}

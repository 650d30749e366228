// Flow records: the kernel counts packets in sets, which are read and exchanged here.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/host/holder/holder.h"

// There are two generations of the sets. While one counts, the other is read: nothing is lost and
// nothing counted twice. The sets are of limited size, and what stays unread goes with time.
#define FLOWS "inet c10m-flows "
#define KEY "ip saddr . ip daddr . meta l4proto"
#define KEY_TYPE "ipv4_addr . ipv4_addr . inet_proto"
#define SET "flags dynamic,timeout; timeout 1h; size 65536; }\n"

static const char begin[] =
    "add table inet c10m-flows\n"
    "add set " FLOWS "a { type " KEY_TYPE " . inet_service . inet_service . mark; " SET
    "add set " FLOWS "b { type " KEY_TYPE " . inet_service . inet_service . mark; " SET
    "add set " FLOWS "other-a { type " KEY_TYPE " . mark; " SET "add set " FLOWS
    "other-b { type " KEY_TYPE " . mark; " SET "add chain " FLOWS "noting\n"
    "add chain " FLOWS "passing { type filter hook forward priority 20; }\n"
    "flush chain " FLOWS "passing\n"
    "add rule " FLOWS "passing jump noting\n"
    // What is spliced into the network and back. Name server and metadata are not recorded.
    "add chain " FLOWS "entering { type filter hook output priority 20; }\n"
    "flush chain " FLOWS "entering\n"
    "add rule " FLOWS "entering oifname != { \"lo\", \"uplink\" } ip saddr != 169.254.0.0/16 "
    "tcp sport != 53 jump noting\n"
    "add chain " FLOWS "answering { type filter hook input priority 20; }\n"
    "flush chain " FLOWS "answering\n"
    "add rule " FLOWS "answering iifname != { \"lo\", \"uplink\" } ip daddr != 169.254.0.0/16 "
    "tcp dport != 53 jump noting\n";

static bool
count_in(struct holder *h, char generation)
{
    char commands[1024];
    snprintf(commands, sizeof(commands),
             "flush chain " FLOWS "noting\n"
             "flush set " FLOWS "%c\n"
             "flush set " FLOWS "other-%c\n"
             "add rule " FLOWS "noting meta l4proto { tcp, udp } update @%c { " KEY
             " . th sport . th dport . meta mark counter }\n"
             "add rule " FLOWS "noting meta l4proto != { tcp, udp } update @other-%c { " KEY
             " . meta mark counter }\n",
             generation, generation, generation, generation);
    return nft_run_cmd_from_buffer(h->nft, commands) == 0;
}

bool
flows_start(struct holder *h)
{
    if (h->flows != '\0')
        return true;
    if (nft_run_cmd_from_buffer(h->nft, begin) != 0 || !count_in(h, 'a'))
        return false;
    h->flows = 'a';
    return true;
}

bool
flows_stop(struct holder *h)
{
    if (h->flows == '\0')
        return true;
    if (nft_run_cmd_from_buffer(h->nft, "delete table inet c10m-flows\n") != 0)
        return false;
    h->flows = '\0';
    return true;
}

struct reading {
    bool has_ports;
    struct flow_list *list;
};

static void
read_counter(const struct nlattr *expression, struct flow_record *r)
{
    const struct nlattr *a, *data;
    mnl_attr_for_each_nested(a, expression)
    {
        if (mnl_attr_get_type(a) != NFTA_EXPR_DATA)
            continue;
        mnl_attr_for_each_nested(data, a)
        {
            if (mnl_attr_get_type(data) == NFTA_COUNTER_BYTES)
                r->bytes = be64toh(mnl_attr_get_u64(data));
            if (mnl_attr_get_type(data) == NFTA_COUNTER_PACKETS)
                r->packets = be64toh(mnl_attr_get_u64(data));
        }
    }
}

// The parts of a key lie in words of four bytes.
static void
read_key(const struct nlattr *key, bool has_ports, struct flow_record *r)
{
    enum { WORDS = 4, WORDS_WITH_PORTS = 6, WORD = 4 };
    const struct nlattr *value;
    mnl_attr_for_each_nested(value, key)
    {
        const uint8_t *bytes = mnl_attr_get_payload(value);
        size_t words = has_ports ? WORDS_WITH_PORTS : WORDS;
        uint32_t mark;
        uint16_t ports[2];
        if (mnl_attr_get_type(value) != NFTA_DATA_VALUE ||
            mnl_attr_get_payload_len(value) < words * WORD)
            continue;
        memcpy(&r->source, bytes, sizeof(r->source));
        memcpy(&r->destination, bytes + WORD, sizeof(r->destination));
        r->protocol = bytes[2 * WORD];
        memcpy(&mark, bytes + (words - 1) * WORD, sizeof(mark));
        r->outcome = (uint8_t)mark;
        if (!has_ports)
            continue;
        memcpy(&ports[0], bytes + 3 * WORD, sizeof(ports[0]));
        memcpy(&ports[1], bytes + 4 * WORD, sizeof(ports[1]));
        r->source_port = ntohs(ports[0]);
        r->destination_port = ntohs(ports[1]);
    }
}

static void
read_element(const struct nlattr *element, struct reading *reading)
{
    enum { TIMEOUT_MS = 3600 * 1000 };
    const struct nlattr *a;
    struct flow_record r = {0};
    mnl_attr_for_each_nested(a, element)
    {
        switch (mnl_attr_get_type(a)) {
        case NFTA_SET_ELEM_KEY:
            read_key(a, reading->has_ports, &r);
            break;
        case NFTA_SET_ELEM_EXPIRATION:
            r.idle_ms = (uint32_t)(TIMEOUT_MS - be64toh(mnl_attr_get_u64(a)));
            break;
        case NFTA_SET_ELEM_EXPR:
            read_counter(a, &r);
            break;
        default:
            break;
        }
    }
    if (reading->list->count < reading->list->size && r.packets > 0)
        reading->list->items[reading->list->count++] = r;
}

static int
on_message(const struct nlmsghdr *h, void *reading)
{
    const struct nlattr *a, *element;
    mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
    {
        if (mnl_attr_get_type(a) != NFTA_SET_ELEM_LIST_ELEMENTS)
            continue;
        mnl_attr_for_each_nested(element, a) read_element(element, reading);
    }
    return MNL_CB_OK;
}

static bool
set_dump(int fd, const char *name, struct reading *reading)
{
    static char buffer[64 * 1024];
    struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
    h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETSETELEM;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
    *g = (struct nfgenmsg){.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, "c10m-flows");
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, name);
    if (send(fd, h, h->nlmsg_len, 0) < 0)
        return false;
    for (int more = MNL_CB_OK; more > MNL_CB_STOP;) {
        ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
        more = got < 0 ? MNL_CB_ERROR : mnl_cb_run(buffer, (size_t)got, 0, 0, on_message, reading);
        if (more == MNL_CB_ERROR)
            return false;
    }
    return true;
}

bool
flows_take(struct holder *h, struct flow_list *out)
{
    char was = h->flows, next = was == 'a' ? 'b' : 'a', other[] = "other-?", name[] = {was, '\0'};
    *out = (struct flow_list){.size = (size_t)2 * FLOWS_MAX};
    errno = ENOENT;
    if (was == '\0' || !count_in(h, next))
        return false;
    h->flows = next;
    other[sizeof(other) - 2] = was;
    out->items = calloc(out->size, sizeof(*out->items));
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    struct reading with = {true, out}, without = {false, out};
    bool is_read =
        out->items != NULL && fd >= 0 && set_dump(fd, name, &with) && set_dump(fd, other, &without);
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return is_read;
}

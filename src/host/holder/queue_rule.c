// The rule that sends packets to a queue, for kernels with and without a word for that.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/host/holder/holder.h"

#define FAULTS "c10m-faults"

enum { COMMANDS_BYTES = 512, MESSAGE_BYTES = 4096, CHAIN_BYTES = 16, TARGET_BYTES = 8 };

static bool
run(struct holder *h, const char *format, unsigned number)
{
    char commands[COMMANDS_BYTES];
    snprintf(commands, sizeof(commands), format, number, number, number);
    return nft_run_cmd_from_buffer(h->nft, commands) == 0;
}

static struct nlmsghdr *
message_begin(char *at, uint16_t type, uint8_t family, uint16_t id)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(at);
    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
    *g = (struct nfgenmsg){.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(id)};
    return h;
}

// The target NFQUEUE of iptables, as one of nftables' expressions.
static void
put_target(struct nlmsghdr *h, uint16_t number)
{
    union {
        struct xt_NFQ_info info;
        char bytes[TARGET_BYTES]; // as the kernel aligns it
    } target = {.info = {.queuenum = number}};
    struct nlattr *list = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
    struct nlattr *element = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
    mnl_attr_put_strz(h, NFTA_EXPR_NAME, "target");
    struct nlattr *data = mnl_attr_nest_start(h, NFTA_EXPR_DATA);
    mnl_attr_put_strz(h, NFTA_TARGET_NAME, "NFQUEUE");
    mnl_attr_put_u32(h, NFTA_TARGET_REV, htonl(0));
    mnl_attr_put(h, NFTA_TARGET_INFO, sizeof(target), &target);
    mnl_attr_nest_end(h, data);
    mnl_attr_nest_end(h, element);
    mnl_attr_nest_end(h, list);
}

static bool
exchange(const char *batch, size_t len)
{
    char answer[MESSAGE_BYTES];
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    bool is_done = fd >= 0 && send(fd, batch, len, 0) == (ssize_t)len;
    ssize_t got = is_done ? recv(fd, answer, sizeof(answer), 0) : -1;
    const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    if (got < 0 || !mnl_nlmsg_ok(h, (int)got) || h->nlmsg_type != NLMSG_ERROR)
        return false;
    errno = -((const struct nlmsgerr *)mnl_nlmsg_get_payload(h))->error;
    return errno == 0;
}

static bool
target_add(uint16_t number)
{
    char batch[MESSAGE_BYTES], chain[CHAIN_BYTES];
    char *at = batch;
    snprintf(chain, sizeof(chain), "queue-%u", number);
    at += message_begin(at, NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
    struct nlmsghdr *h =
        message_begin(at, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWRULE, NFPROTO_IPV4, 0);
    h->nlmsg_flags |= NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK;
    mnl_attr_put_strz(h, NFTA_RULE_TABLE, FAULTS);
    mnl_attr_put_strz(h, NFTA_RULE_CHAIN, chain);
    put_target(h, number);
    at += h->nlmsg_len;
    at += message_begin(at, NFNL_MSG_BATCH_END, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
    return exchange(batch, (size_t)(at - batch));
}

bool
queue_rule_add(struct holder *h, uint16_t number, const char **what)
{
    *what = "slow ways (this kernel has neither NFT_QUEUE nor NFT_COMPAT with "
            "NETFILTER_XT_TARGET_NFQUEUE)";
    return run(h,
               "add table ip " FAULTS "\nadd chain ip " FAULTS " queue-%u\n"
               "flush chain ip " FAULTS " queue-%u\n",
               number) &&
           (run(h, "add rule ip " FAULTS " queue-%u queue num %u\n", number) || target_add(number));
}

void
queue_rule_del(struct holder *h, uint16_t number)
{
    (void)run(h, "delete chain ip " FAULTS " queue-%u\n", number);
}

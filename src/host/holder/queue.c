// Queues that hold packets for a while, or lose some: slow ways between zones.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "src/host/holder/holder.h"

// Only numbers of packets come here; the packets stay in the kernel.
enum { HELD_MAX = 32768, MESSAGE_BYTES = 512, READ_BYTES = 256 * 1024, SOCKET_BYTES = 8 << 20 };
enum { NANOSECONDS = 1000 * 1000 * 1000, PPM = 1000 * 1000 };

struct held {
    uint32_t id;
    int64_t due_ns;
};

struct queue {
    struct watcher watcher; // first
    struct watcher timer;
    uint16_t number;
    int64_t delay_ns;
    uint32_t loss_ppm;
    uint64_t random;
    struct held held[HELD_MAX]; // in the order they came, from `first` on
    size_t first, count;
    LIST_ENTRY(queue) link;
};

static int64_t
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NANOSECONDS + t.tv_nsec;
}

static struct nlmsghdr *
message_begin(char *buffer, const struct queue *q, uint16_t type)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
    h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8) | type;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
    *g = (struct nfgenmsg){.version = NFNETLINK_V0, .res_id = htons(q->number)};
    return h;
}

static void
verdict_send(const struct queue *q, uint16_t type, uint32_t id, uint32_t verdict)
{
    char buffer[MESSAGE_BYTES];
    struct nlmsghdr *h = message_begin(buffer, q, type);
    struct nfqnl_msg_verdict_hdr v = {.verdict = htonl(verdict), .id = htonl(id)};
    mnl_attr_put(h, NFQA_VERDICT_HDR, sizeof(v), &v);
    (void)send(q->watcher.fd, h, h->nlmsg_len, 0);
}

static void
timer_arm(const struct queue *q)
{
    int64_t due_ns = q->held[q->first].due_ns;
    struct itimerspec t = {
        .it_value = {.tv_sec = due_ns / NANOSECONDS, .tv_nsec = due_ns % NANOSECONDS}};
    (void)timerfd_settime(q->timer.fd, TFD_TIMER_ABSTIME, &t, NULL);
}

// One message lets all go that came up to a packet; what was lost meanwhile is gone already.
static void
release(struct queue *q, int64_t until_ns)
{
    bool is_any = false;
    uint32_t last = 0;
    for (; q->count > 0 && q->held[q->first].due_ns <= until_ns; q->count--) {
        last = q->held[q->first].id;
        is_any = true;
        q->first = (q->first + 1) % HELD_MAX;
    }
    if (is_any)
        verdict_send(q, NFQNL_MSG_VERDICT_BATCH, last, NF_ACCEPT);
    if (q->count > 0)
        timer_arm(q);
}

static bool
is_lost(struct queue *q)
{
    q->random ^= q->random << 13;
    q->random ^= q->random >> 7;
    q->random ^= q->random << 17;
    return q->random % PPM < q->loss_ppm;
}

static void
hold(struct queue *q, uint32_t id, int64_t at_ns)
{
    if (q->count == HELD_MAX || is_lost(q)) {
        verdict_send(q, NFQNL_MSG_VERDICT, id, NF_DROP);
        return;
    }
    q->held[(q->first + q->count) % HELD_MAX] = (struct held){id, at_ns + q->delay_ns};
    q->count++;
    if (q->count == 1)
        timer_arm(q);
}

static int
on_message(const struct nlmsghdr *h, void *arg)
{
    struct queue *q = arg;
    const struct nlattr *a;
    if (h->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET))
        return MNL_CB_OK;
    mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
    {
        if (mnl_attr_get_type(a) == NFQA_PACKET_HDR) {
            const struct nfqnl_msg_packet_hdr *p = mnl_attr_get_payload(a);
            hold(q, ntohl(p->packet_id), now_ns());
        }
    }
    return MNL_CB_OK;
}

static void
queue_ready(struct watcher *w, uint32_t events)
{
    static char buffer[READ_BYTES];
    struct queue *q = (struct queue *)w;
    ssize_t got = recv(w->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (got > 0)
        (void)mnl_cb_run(buffer, (size_t)got, 0, 0, on_message, q);
    if (q->delay_ns == 0)
        release(q, now_ns());
}

static void
timer_ready(struct watcher *w, uint32_t events)
{
    struct queue *q = (struct queue *)((char *)w - offsetof(struct queue, timer));
    uint64_t count;
    if (read(w->fd, &count, sizeof(count)) > 0)
        release(q, now_ns());
}

static bool
configure(const struct queue *q, uint16_t type, const void *data, size_t len)
{
    char buffer[MESSAGE_BYTES], answer[MESSAGE_BYTES];
    struct nlmsghdr *h = message_begin(buffer, q, NFQNL_MSG_CONFIG);
    h->nlmsg_flags |= NLM_F_ACK;
    mnl_attr_put(h, type, len, data);
    if (send(q->watcher.fd, h, h->nlmsg_len, 0) < 0)
        return false;
    ssize_t got = recv(q->watcher.fd, answer, sizeof(answer), 0);
    if (got < 0)
        return false;
    h = (struct nlmsghdr *)answer;
    if (!mnl_nlmsg_ok(h, (int)got) || h->nlmsg_type != NLMSG_ERROR)
        return false;
    errno = -((const struct nlmsgerr *)mnl_nlmsg_get_payload(h))->error;
    return errno == 0;
}

static bool
queue_bind(struct queue *q)
{
    struct nfqnl_msg_config_cmd bind = {.command = NFQNL_CFG_CMD_BIND};
    struct nfqnl_msg_config_params params = {.copy_mode = NFQNL_COPY_META};
    uint32_t length = htonl(HELD_MAX);
    int size = SOCKET_BYTES, one = 1;
    (void)setsockopt(q->watcher.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    (void)setsockopt(q->watcher.fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one));
    return configure(q, NFQA_CFG_CMD, &bind, sizeof(bind)) &&
           configure(q, NFQA_CFG_PARAMS, &params, sizeof(params)) &&
           configure(q, NFQA_CFG_QUEUE_MAXLEN, &length, sizeof(length));
}

// Large segments stay whole: the packets' bytes are never looked at. Not every kernel asks for
// that.
static void
queue_keep_segments(const struct queue *q)
{
    uint32_t flags = htonl(NFQA_CFG_F_GSO);
    char buffer[MESSAGE_BYTES];
    struct nlmsghdr *h = message_begin(buffer, q, NFQNL_MSG_CONFIG);
    mnl_attr_put(h, NFQA_CFG_FLAGS, sizeof(flags), &flags);
    mnl_attr_put(h, NFQA_CFG_MASK, sizeof(flags), &flags);
    (void)send(q->watcher.fd, h, h->nlmsg_len, 0);
}

static struct queue *
queue_find(struct holder *h, uint16_t number)
{
    struct queue *q;
    LIST_FOREACH(q, &h->queues, link)
    if (q->number == number)
        return q;
    return NULL;
}

static void
queue_free(struct queue *q)
{
    if (q->watcher.fd >= 0)
        close(q->watcher.fd);
    if (q->timer.fd >= 0)
        close(q->timer.fd);
    free(q);
}

static struct queue *
queue_new(struct holder *h, uint16_t number)
{
    struct queue *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return NULL;
    q->number = number;
    q->timer =
        (struct watcher){timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), timer_ready};
    q->watcher = (struct watcher){socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER),
                                  queue_ready};
    if (q->timer.fd >= 0 && q->watcher.fd >= 0 && queue_bind(q) &&
        getrandom(&q->random, sizeof(q->random), 0) == sizeof(q->random)) {
        q->random |= 1; // never zero
        queue_keep_segments(q);
        if (watch(h, &q->watcher, EPOLLIN) && watch(h, &q->timer, EPOLLIN))
            return q;
    }
    int error = errno;
    queue_free(q);
    errno = error;
    return NULL;
}

bool
queue_set(struct holder *h, uint16_t number, uint32_t delay_us, uint32_t loss_ppm,
          const char **what)
{
    struct queue *q = queue_find(h, number);
    *what = "the queue of packets (NETFILTER_NETLINK_QUEUE)";
    if (q == NULL) {
        q = queue_new(h, number);
        if (q == NULL)
            return false;
        if (!queue_rule_add(h, number, what)) {
            queue_free(q);
            return false;
        }
        LIST_INSERT_HEAD(&h->queues, q, link);
    }
    q->delay_ns = (int64_t)delay_us * 1000;
    q->loss_ppm = loss_ppm;
    return true;
}

// Its events of this turn may be at hand: it ends between two turns (queues_free).
void
queue_end(struct holder *h, uint16_t number)
{
    struct queue *q = queue_find(h, number);
    if (q == NULL)
        return;
    queue_rule_del(h, number);
    q->delay_ns = 0;
    q->loss_ppm = 0;
    release(q, INT64_MAX);
    LIST_REMOVE(q, link);
    LIST_INSERT_HEAD(&h->ended_queues, q, link);
}

void
queues_keep(struct holder *h, uint64_t bits)
{
    for (uint16_t number = 0; number < 64; number++)
        if (!(bits >> number & 1))
            queue_end(h, number);
}

void
queues_free(struct holder *h)
{
    while (!LIST_EMPTY(&h->ended_queues)) {
        struct queue *q = LIST_FIRST(&h->ended_queues);
        LIST_REMOVE(q, link);
        queue_free(q);
    }
}

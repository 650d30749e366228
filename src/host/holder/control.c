// Answers c10m's requests, one at a time.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/host/holder/holder.h"

enum { WORDS_MAX = 6, REQUEST_SECONDS_MAX = 5, BACKLOG = 64 };

struct request {
    struct holder *holder;
    int connection;
    int fd; // that came along; -1: none
    char line[LINE_BYTES];
    char *words[WORDS_MAX];
    size_t word_count;
    char *rest; // what was read behind the line
    size_t rest_len;
    char buffer[LINE_BYTES + 4096];
};

static void
answer(struct request *r, const char *text)
{
    char line[1024];
    size_t len = (size_t)snprintf(line, sizeof(line) - 1, "%s", text);
    if (len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[len] = '\n';
    (void)send(r->connection, line, len + 1, MSG_NOSIGNAL);
}

static void
answer_error(struct request *r, const char *what)
{
    char line[512];
    snprintf(line, sizeof(line), "error %s: %s", what, strerror(errno));
    answer(r, line);
}

static void
answer_fd(struct request *r, int fd)
{
    char line[32];
    snprintf(line, sizeof(line), "ok %d", fd);
    answer(r, line);
}

static bool
parse_number(const char *text, unsigned long max, unsigned long *out)
{
    char *end;
    errno = EINVAL;
    if (*text < '0' || *text > '9')
        return false;
    *out = strtoul(text, &end, 10);
    return *end == '\0' && *out <= max;
}

static bool
parse_address(char *text, struct in_addr *address, unsigned *bits)
{
    unsigned long number = 32;
    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (!parse_number(slash + 1, 32, &number))
            return false;
    }
    *bits = (unsigned)number;
    errno = EINVAL;
    return inet_pton(AF_INET, text, address) == 1;
}

static bool
parse_mac(const char *text, uint8_t mac[6])
{
    int used = 0;
    errno = EINVAL;
    return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
                  &mac[4], &mac[5], &used) == 6 &&
           text[used] == '\0';
}

static void
answer_done(struct request *r, bool is_done, const char *what)
{
    if (is_done)
        answer(r, "ok");
    else
        answer_error(r, what);
}

static void
do_gateway(struct request *r)
{
    struct in_addr address;
    unsigned bits;
    const char *what = "the address";
    bool is_done =
        parse_address(r->words[1], &address, &bits) && gateway_add(r->holder, address, bits, &what);
    answer_done(r, is_done, what);
}

static void
do_ungateway(struct request *r)
{
    struct in_addr address;
    unsigned bits;
    const char *what = "the address";
    bool is_done =
        parse_address(r->words[1], &address, &bits) && gateway_del(r->holder, address, bits, &what);
    answer_done(r, is_done, what);
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

static void
do_route(struct request *r)
{
    struct in_addr address;
    unsigned bits;
    const char *what = "the address";
    bool is_done = parse_address(r->words[1], &address, &bits) &&
                   route_add(r->holder, r->words[2], address, &what);
    answer_done(r, is_done, what);
}

static void
do_unroute(struct request *r)
{
    struct in_addr address;
    unsigned bits;
    const char *what = "the address";
    bool is_done = parse_address(r->words[1], &address, &bits) &&
                   route_del(r->holder, r->words[2], address, &what);
    answer_done(r, is_done, what);
}

static void
do_port(struct request *r)
{
    struct in_addr address, gateway;
    unsigned bits, gateway_bits;
    uint8_t mac[6];
    const char *what = "the request";
    struct port *p = port_find(r->holder, r->words[1]);
    if (p == NULL && strlen(r->words[1]) < IFNAMSIZ &&
        parse_address(r->words[2], &address, &bits) &&
        parse_address(r->words[3], &gateway, &gateway_bits) && parse_mac(r->words[4], mac))
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

static bool
read_rest(struct request *r, char *out, size_t len)
{
    size_t have = r->rest_len < len ? r->rest_len : len;
    memcpy(out, r->rest, have);
    while (have < len) {
        ssize_t got = recv(r->connection, out + have, len - have, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

static void
do_rules(struct request *r)
{
    unsigned long len;
    char *text = NULL;
    if (parse_number(r->words[1], RULES_BYTES_MAX, &len))
        text = calloc(1, len + 1);
    if (text == NULL || !read_rest(r, text, len)) {
        answer_error(r, "the rules");
    } else if (nft_run_cmd_from_buffer(r->holder->nft, text) == 0) {
        answer(r, "ok");
    } else {
        char line[512];
        snprintf(line, sizeof(line), "error %s", nft_ctx_get_error_buffer(r->holder->nft));
        answer(r, line);
    }
    free(text);
}

static int
socket_make(int type, struct in_addr address, uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = address, .sin_port = htons(port)};
    int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_stream = type == SOCK_STREAM;
    if (fd < 0)
        return -1;
    if ((!is_stream || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0) &&
        bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
        (!is_stream || listen(fd, SOMAXCONN) == 0))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static struct kept *
kept_find(struct holder *h, const struct kept *like)
{
    struct kept *k;
    LIST_FOREACH(k, &h->kept, link)
    if (k->type == like->type && k->address.s_addr == like->address.s_addr && k->port == like->port)
        return k;
    return NULL;
}

// A socket that listens, or that datagrams come to. It stays here, so that both wait for c10m,
// which finds it again.
static void
socket_keep(struct request *r, int type)
{
    struct kept like = {.type = type, .fd = -1}, *k;
    unsigned bits;
    unsigned long port;
    if (!parse_address(r->words[1], &like.address, &bits) ||
        !parse_number(r->words[2], UINT16_MAX, &port)) {
        answer_error(r, "the address");
        return;
    }
    like.port = (uint16_t)port;
    k = kept_find(r->holder, &like);
    if (k == NULL && r->holder->kept_count < KEPT_MAX && (k = malloc(sizeof(*k))) != NULL) {
        *k = like;
        k->fd = socket_make(type, like.address, like.port);
        if (k->fd < 0) {
            answer_error(r, "the socket");
            free(k);
            return;
        }
        LIST_INSERT_HEAD(&r->holder->kept, k, link);
        r->holder->kept_count++;
    }
    if (k != NULL)
        answer_fd(r, k->fd);
    else
        answer(r, "error too many sockets");
}

static void
do_listen(struct request *r)
{
    socket_keep(r, SOCK_STREAM);
}

static void
do_datagram(struct request *r)
{
    socket_keep(r, SOCK_DGRAM);
}

static void
do_splice(struct request *r)
{
    struct in_addr address, source;
    unsigned bits;
    unsigned long port;
    int fd = r->fd;
    errno = EBADF;
    if (fd < 0 || !parse_address(r->words[2], &address, &bits) ||
        !parse_number(r->words[3], UINT16_MAX, &port) ||
        !parse_address(r->words[4], &source, &bits)) {
        answer_error(r, "the request");
        return;
    }
    r->fd = -1;
    (void)splice_del(r->holder, r->words[1]);
    if (splice_add(r->holder, r->words[1], fd, address, (uint16_t)port, source))
        answer(r, "ok");
    else
        answer_error(r, "the splice");
}

static void
do_unsplice(struct request *r)
{
    (void)splice_del(r->holder, r->words[1]);
    answer(r, "ok");
}

static void
do_status(struct request *r)
{
    char line[128];
    snprintf(line, sizeof(line), "ok pid=%d user=%d net=%d ports=%zu splices=%zu", (int)getpid(),
             r->holder->user_fd, r->holder->net_fd, r->holder->port_count, r->holder->splice_count);
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
    {"find", 2, do_find},         {"datagram", 3, do_datagram}, {"end", 1, do_end},
    {"gateway", 2, do_gateway},   {"link", 2, do_link},         {"listen", 3, do_listen},
    {"port", 5, do_port},         {"route", 3, do_route},       {"rules", 2, do_rules},
    {"splice", 5, do_splice},     {"status", 1, do_status},     {"ungateway", 2, do_ungateway},
    {"unlink", 2, do_unlink},     {"unport", 2, do_unport},     {"unroute", 3, do_unroute},
    {"unsplice", 2, do_unsplice}, {"uplink", 1, do_uplink},
};

// The line, what came behind it, and a descriptor that came along.
static bool
request_read(struct request *r)
{
    struct iovec data = {r->buffer, sizeof(r->buffer) - 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes};
    m.msg_controllen = sizeof(control.bytes);
    ssize_t got = recvmsg(r->connection, &m, MSG_CMSG_CLOEXEC);
    if (got <= 0)
        return false;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c != NULL && c->cmsg_type == SCM_RIGHTS)
        memcpy(&r->fd, CMSG_DATA(c), sizeof(r->fd));
    char *end = memchr(r->buffer, '\n', (size_t)got);
    if (end == NULL || end - r->buffer >= LINE_BYTES)
        return false;
    *end = '\0';
    r->rest = end + 1;
    r->rest_len = (size_t)(r->buffer + got - r->rest);
    memcpy(r->line, r->buffer, (size_t)(r->rest - r->buffer));
    char *rest = r->line;
    for (char *word; r->word_count < WORDS_MAX && (word = strsep(&rest, " ")) != NULL;)
        r->words[r->word_count++] = word;
    return true;
}

static void
request_do(struct request *r)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, r->words[0]) == 0 && commands[i].word_count == r->word_count) {
            commands[i].fn(r);
            return;
        }
    answer(r, "error no such request");
}

static void
control_accept(struct watcher *w, uint32_t events)
{
    struct holder *h = (struct holder *)((char *)w - offsetof(struct holder, listener));
    struct request r = {.holder = h, .fd = -1};
    struct timeval limit = {.tv_sec = REQUEST_SECONDS_MAX};
    r.connection = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);
    if (r.connection < 0)
        return;
    (void)setsockopt(r.connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(r.connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (request_read(&r))
        request_do(&r);
    if (r.fd >= 0)
        close(r.fd);
    close(r.connection);
}

bool
control_open(struct holder *h, const char **what)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control"};
    *what = "the rules' library";
    h->nft = nft_ctx_new(NFT_CTX_DEFAULT);
    if (h->nft == NULL || nft_ctx_buffer_error(h->nft) != 0 || nft_ctx_buffer_output(h->nft) != 0)
        return false;
    *what = "the control socket";
    unlink("control");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, BACKLOG) != 0)
        return false;
    h->listener = (struct watcher){fd, control_accept};
    return watch(h, &h->listener, EPOLLIN);
}

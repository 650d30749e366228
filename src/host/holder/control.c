// Takes c10m's requests, one at a time.
// SPDX-License-Identifier: Apache-2.0
#include <nftables/libnftables.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/host/holder/request.h"

enum { REQUEST_SECONDS_MAX = 5, BACKLOG = 64 };

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

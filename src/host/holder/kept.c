// Sockets of the network that c10m has too.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/host/holder/request.h"

enum { KEPT_MAX = 256 };

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

static struct kept *
kept_new(struct holder *h, const struct kept *like)
{
    struct kept *k = h->kept_count < KEPT_MAX ? malloc(sizeof(*k)) : NULL;
    errno = EMFILE;
    if (k == NULL)
        return NULL;
    *k = *like;
    k->fd = socket_make(k->type, k->address, k->port);
    if (k->fd < 0) {
        free(k);
        return NULL;
    }
    LIST_INSERT_HEAD(&h->kept, k, link);
    h->kept_count++;
    return k;
}

// A socket that listens, or that datagrams come to. It stays here, so that both wait for c10m,
// which finds it again.
static void
socket_keep(struct request *r, int type)
{
    struct kept like = {.type = type, .fd = -1}, *k;
    unsigned long port;
    if (!parse_bare_address(r->words[1], &like.address) ||
        !parse_number(r->words[2], UINT16_MAX, &port)) {
        answer_error(r, "the address");
        return;
    }
    like.port = (uint16_t)port;
    k = kept_find(r->holder, &like);
    if (k == NULL)
        k = kept_new(r->holder, &like);
    if (k != NULL)
        answer_fd(r, k->fd);
    else
        answer_error(r, "the socket");
}

void
do_listen(struct request *r)
{
    socket_keep(r, SOCK_STREAM);
}

void
do_datagram(struct request *r)
{
    socket_keep(r, SOCK_DGRAM);
}

// Datagrams from the host's side, passed on to a guest, and its answers.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "src/host/holder/elastic.h"

// As long as AWS's own translators of addresses remember a UDP conversation:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html
enum { IDLE_SECONDS_MAX = 120, DATAGRAM_BYTES_MAX = 65536, TURN_MAX = 64 };

// All that one sender says to a door; its socket in the network tells the guest's answers apart.
struct talk {
    struct watcher watcher; // first
    struct door *door;
    struct sockaddr_in sender;
    time_t heard_s;
    LIST_ENTRY(talk) link;
};

static char datagram[DATAGRAM_BYTES_MAX];

static time_t
now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return t.tv_sec;
}

// Its memory goes between two turns.
static void
talk_end(struct talk *t)
{
    close(t->watcher.fd);
    t->watcher.fd = -1;
    LIST_REMOVE(t, link);
    t->door->talk_count--;
    LIST_INSERT_HEAD(&t->door->elastic->holder->ended_talks, t, link);
}

void
talks_end(struct door *d)
{
    while (!LIST_EMPTY(&d->talks))
        talk_end(LIST_FIRST(&d->talks));
}

void
talks_free(struct holder *h)
{
    while (!LIST_EMPTY(&h->ended_talks)) {
        struct talk *t = LIST_FIRST(&h->ended_talks);
        LIST_REMOVE(t, link);
        free(t);
    }
}

static void
talk_ready(struct watcher *w, uint32_t events)
{
    struct talk *t = (struct talk *)w;
    for (int i = 0; i < TURN_MAX && t->watcher.fd >= 0; i++) {
        ssize_t got = recv(t->watcher.fd, datagram, sizeof(datagram), MSG_DONTWAIT);
        if (got < 0)
            return; // none, or the guest does not hear
        t->heard_s = now_s();
        (void)sendto(t->door->watcher.fd, datagram, (size_t)got, MSG_DONTWAIT,
                     (struct sockaddr *)&t->sender, sizeof(t->sender));
    }
}

static int
guest_socket_make(const struct door *d)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = d->elastic->source};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr = d->elastic->address, .sin_port = htons(d->port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
                    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

// The one that has been silent longest makes room.
static void
make_room(struct door *d)
{
    struct talk *t, *next, *oldest = NULL;
    time_t now = now_s();
    for (t = LIST_FIRST(&d->talks); t != NULL; t = next) {
        next = LIST_NEXT(t, link);
        if (now - t->heard_s > IDLE_SECONDS_MAX)
            talk_end(t);
        else if (oldest == NULL || t->heard_s < oldest->heard_s)
            oldest = t;
    }
    if (d->talk_count >= TALKS_MAX && oldest != NULL)
        talk_end(oldest);
}

static struct talk *
talk_new(struct door *d, const struct sockaddr_in *sender)
{
    make_room(d);
    struct talk *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    *t = (struct talk){{guest_socket_make(d), talk_ready}, d, *sender, now_s()};
    if (t->watcher.fd < 0 || !watch(d->elastic->holder, &t->watcher, EPOLLIN)) {
        if (t->watcher.fd >= 0)
            close(t->watcher.fd);
        free(t);
        return NULL;
    }
    LIST_INSERT_HEAD(&d->talks, t, link);
    d->talk_count++;
    return t;
}

static struct talk *
talk_find(struct door *d, const struct sockaddr_in *sender)
{
    struct talk *t;
    LIST_FOREACH(t, &d->talks, link)
    if (t->sender.sin_addr.s_addr == sender->sin_addr.s_addr &&
        t->sender.sin_port == sender->sin_port)
        return t;
    return talk_new(d, sender);
}

void
talk_hear(struct door *d)
{
    for (int i = 0; i < TURN_MAX; i++) {
        struct sockaddr_in sender = {0};
        socklen_t len = sizeof(sender);
        ssize_t got = recvfrom(d->watcher.fd, datagram, sizeof(datagram), MSG_DONTWAIT,
                               (struct sockaddr *)&sender, &len);
        if (got < 0)
            return;
        struct talk *t = talk_find(d, &sender);
        if (t == NULL)
            continue; // lost, as datagrams may be
        t->heard_s = now_s();
        (void)send(t->watcher.fd, datagram, (size_t)got, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

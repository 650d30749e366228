// The limit of this machine: one thread, epoll, a constant answer to whatever arrives.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, REQUEST_BYTES_MAX = 16384, BACKLOG = 1024 };

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!";

static int
listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, BACKLOG) != 0) {
        perror("bare_server");
        exit(1);
    }
    return fd;
}

static void
watch(int poller, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
        abort();
}

// A request comes in one piece here: the client is ours.
static void
answer(int fd)
{
    char request[REQUEST_BYTES_MAX];
    if (read(fd, request, sizeof(request)) <= 0 ||
        write(fd, ANSWER, sizeof(ANSWER) - 1) != sizeof(ANSWER) - 1)
        close(fd);
}

int
main(int argc, char **argv)
{
    int listener = listen_on((uint16_t)strtoul(argc > 1 ? argv[1] : "0", NULL, 10));
    int poller = epoll_create1(0);
    watch(poller, listener);
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != listener) {
                answer(events[i].data.fd);
                continue;
            }
            int fd = accept(listener, NULL, NULL);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            watch(poller, fd);
        }
    }
}

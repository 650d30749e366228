// Sockets of the host's own network, for a process that has left it.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/host/holder/elastic.h"

// A thread stays behind in the host's network; it only makes sockets, which belong to the network
// that they were made in. An ordinary user could not go back there.
enum { STACK_BYTES = 64 * 1024 };

static void *
outside_main(void *arg)
{
    int type, fd = (int)(intptr_t)arg;
    while (read(fd, &type, sizeof(type)) == sizeof(type)) {
        int made = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (made < 0)
            made = -errno;
        if (write(fd, &made, sizeof(made)) != sizeof(made))
            break;
    }
    return NULL;
}

bool
outside_start(struct holder *h)
{
    int fds[2];
    pthread_attr_t attributes;
    pthread_t thread;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return false;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &attributes, outside_main, (void *)(intptr_t)fds[1]);
    pthread_attr_destroy(&attributes);
    h->outside_fd = fds[0];
    errno = error;
    return error == 0;
}

int
outside_socket(const struct holder *h, int type)
{
    int made;
    if (write(h->outside_fd, &type, sizeof(type)) != sizeof(type) ||
        read(h->outside_fd, &made, sizeof(made)) != sizeof(made))
        return -1;
    if (made >= 0)
        return made;
    errno = -made;
    return -1;
}

// An order: what a prepared guest is to run with, told when it is already there.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

enum { ANSWER_SECONDS_MAX = 5 };

bool
order_socket(int fds[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0;
}

const char *
order_give(int order_fd, const char *file)
{
    static char bytes[ORDER_BYTES_MAX];
    struct timeval limit = {.tv_sec = ANSWER_SECONDS_MAX};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
    if (fd >= 0)
        close(fd);
    if (got <= 0)
        return "the order cannot be read";
    (void)setsockopt(order_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (send(order_fd, bytes, (size_t)got, MSG_NOSIGNAL) != got)
        return "it had its order before";
    got = recv(order_fd, bytes, sizeof(bytes) - 1, 0);
    if (got == 0)
        return NULL;
    bytes[got > 0 ? got : 0] = '\0';
    return got > 0 ? bytes : "it does not answer";
}

// A folder of the shelf, as it is there: read-only, with the guest's ids.
static bool
folder_hang(int shelf_fd, char *text)
{
    char *name = strchr(text, '\n');
    if (name == NULL)
        return false;
    *name++ = '\0';
    errno = EINVAL;
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return false;
    int fd = (int)syscall(SYS_open_tree, shelf_fd, name,
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
    bool is_hung = fd >= 0 && mount_attach(fd, text);
    if (fd >= 0)
        close(fd);
    return is_hung;
}

static bool
text_apply(char *text, int shelf_fd, struct spec *s)
{
    if (text[0] == '\0')
        return true; // an order of nothing
    if (strncmp(text, "mount=", 6) == 0)
        return folder_hang(shelf_fd, text + 6);
    if (strncmp(text, "env=", 4) != 0 || s->env_count == ARGS_MAX)
        return false;
    s->env[s->env_count++] = text + 4;
    return true;
}

bool
order_take(int order_fd, int shelf_fd, struct spec *s, const char **what)
{
    static char bytes[ORDER_BYTES_MAX + 1];
    *what = "the order";
    ssize_t got = recv(order_fd, bytes, ORDER_BYTES_MAX, 0);
    if (got <= 0)
        _exit(0); // nobody is there any more
    for (char *text = bytes, *next; text < bytes + got; text = next) {
        next = text + strlen(text) + 1;
        *what = text;
        if (!text_apply(text, shelf_fd, s))
            return false;
    }
    return true;
}

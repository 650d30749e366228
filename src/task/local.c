// Sockets between processes of this machine.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/task/socket_state.h"

static const struct socket_address local_peer = {.text = "local", .is_loopback = true};

int
local_pair(struct loop *loop, struct socket **out, int *out_fd)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return E_IO;
    // The child's end blocks, as a child expects.
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ||
        socket_new(loop, ends[0], &local_peer, out) != OK) {
        close(ends[1]);
        return E_IO;
    }
    *out_fd = ends[1];
    return OK;
}

// The name in the folder as a path that always fits an address.
static int
connect_in(int fd, int dir_fd, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len =
        snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
    CHECK(len > 0 && (size_t)len < sizeof(address.sun_path));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return OK;
    return errno == ENOENT || errno == ECONNREFUSED ? E_NOT_FOUND : E_IO;
}

int
local_connect(struct loop *loop, const char *dir, const char *name, struct socket **out)
{
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return errno == ENOENT ? E_NOT_FOUND : E_IO;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int code = fd < 0 ? E_IO : connect_in(fd, dir_fd, name);
    int error = errno;
    close(dir_fd);
    if (code == OK)
        return socket_new(loop, fd, &local_peer, out);
    if (fd >= 0)
        close(fd);
    errno = error;
    return code;
}

int
local_send_fd(struct socket *s, struct str bytes, int fd)
{
    struct iovec data = {(void *)(uintptr_t)bytes.ptr, bytes.len};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes};
    CHECK(bytes.len <= LOCAL_SEND_BYTES_MAX);
    m.msg_controllen = sizeof(control.bytes);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    ssize_t sent = sendmsg(s->source.fd, &m, MSG_NOSIGNAL);
    if (sent == (ssize_t)bytes.len)
        return OK;
    if (sent >= 0)
        return E_IO;
    return errno == EAGAIN ? E_AGAIN : errno == EPIPE || errno == ECONNRESET ? E_CLOSED : E_IO;
}

// The folders of the host that a guest is made of, as mounts that hang nowhere yet.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

// What the guest may not change shows the host's root as the guest's own. File systems that cannot
// do that show it as nobody's, which suffices for reading.
static void
map_ids(int fd, int user_fd)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_fd};
    (void)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

static bool
make_read_only(int fd)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    return syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) ==
           0;
}

static bool
layer_open(const struct mount_spec *m, int user_fd, bool has_disk, int *outside, int *state,
           const char **what)
{
    *outside = *state = -1;
    *what = m->outside;
    if (m->kind == MOUNT_TMPFS)
        return true;
    // Locked mounts below can only be cloned along with what they hang on.
    *outside = mount_clone(m->outside, user_fd < 0);
    if (*outside < 0)
        return false;
    if (user_fd >= 0 && m->kind != MOUNT_BIND)
        map_ids(*outside, user_fd);
    if ((m->kind == MOUNT_BIND_READ_ONLY || m->kind == MOUNT_SHELF) && !make_read_only(*outside))
        return false;
    if (m->kind != MOUNT_OVERLAY || has_disk)
        return true;
    *what = m->state;
    *state = mount_clone(m->state, false);
    return *state >= 0;
}

bool
layers_open(const struct spec *s, int user_fd, struct layers *out, const char **what)
{
    for (size_t i = 0; i < MOUNTS_MAX; i++)
        out->outside[i] = out->state[i] = -1;
    for (size_t i = 0; i < CGROUPS_MAX; i++)
        out->cgroups[i] = -1;
    out->disk = s->disk != NULL ? disk_open(s->disk, what) : -1;
    if (s->disk != NULL && out->disk < 0)
        return false;
    for (size_t i = 0; i < s->mount_count; i++)
        if (!layer_open(&s->mounts[i], user_fd, s->disk != NULL, &out->outside[i], &out->state[i],
                        what))
            return false;
    return true;
}

void
layers_close(const struct spec *s, struct layers *l)
{
    for (size_t i = 0; i < s->mount_count; i++) {
        if (l->outside[i] >= 0)
            close(l->outside[i]);
        if (l->state[i] >= 0)
            close(l->state[i]);
        l->outside[i] = l->state[i] = -1;
    }
    for (size_t i = 0; i < s->cgroup_count; i++) {
        if (l->cgroups[i] >= 0)
            close(l->cgroups[i]);
        l->cgroups[i] = -1;
    }
    if (l->disk >= 0)
        close(l->disk);
    l->disk = -1;
}

enum { FDS_MAX = sizeof(struct layers) / sizeof(int) };
union rights {
    char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
    struct cmsghdr align;
};

// Descriptors get other numbers on their way, so the message tells which of them there are: the
// layers as the sender has them.
bool
layers_send(int socket, const struct layers *l)
{
    const int *all = (const int *)l;
    int fds[FDS_MAX];
    size_t count = 0;
    struct iovec data = {(void *)l, sizeof(*l)};
    union rights control = {0};
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};
    for (size_t i = 0; i < FDS_MAX; i++)
        if (all[i] >= 0)
            fds[count++] = all[i];
    if (count > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_len = CMSG_LEN(sizeof(int) * count);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    }
    return sendmsg(socket, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(*l);
}

bool
layers_receive(int socket, struct layers *out)
{
    int *all = (int *)out;
    struct iovec data = {out, sizeof(*out)};
    union rights control;
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof(control.bytes);
    if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*out))
        return false;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    size_t next = 0;
    for (size_t i = 0; i < FDS_MAX; i++)
        if (all[i] >= 0 && c != NULL)
            memcpy(&all[i], CMSG_DATA(c) + sizeof(int) * next++, sizeof(int));
    return true;
}

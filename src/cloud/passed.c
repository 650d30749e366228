// Reads which sockets were passed in.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/passed.h"

#include <fcntl.h>
#include <unistd.h>

enum { LISTEN_FDS_START = 3 };

static int
add(struct passed_sockets *p, struct str name, int64_t fd)
{
    if (name.len == 0 || name.len >= PASSED_NAME_BYTES_MAX || fd < LISTEN_FDS_START ||
        fd > INT32_MAX || fcntl((int)fd, F_GETFD) < 0)
        return E_INVALID;
    if (p->count == PASSED_SOCKETS_MAX)
        return E_LIMIT;
    struct passed_socket *s = &p->items[p->count++];
    *s = (struct passed_socket){.fd = (int)fd};
    memcpy(s->name, name.ptr, name.len);
    return OK;
}

int
passed_socket_add(struct passed_sockets *p, struct str text)
{
    struct str name, number;
    int64_t fd;
    if (!str_cut(text, '=', &name, &number) || str_to_int64(number, &fd) != OK)
        return E_INVALID;
    return add(p, name, fd);
}

int
passed_sockets_read(struct passed_sockets *p, const char *pid, const char *count, const char *names)
{
    int64_t n, meant_for;
    struct str name, rest = names ? str_of(names) : STR("");
    if (pid == NULL || count == NULL || str_to_int64(str_of(pid), &meant_for) != OK ||
        meant_for != getpid())
        return OK;
    if (str_to_int64(str_of(count), &n) != OK || n < 0)
        return E_INVALID;
    for (int64_t i = 0; i < n; i++) {
        str_cut(rest, ':', &name, &rest);
        TRY(add(p, name.len > 0 ? name : STR("unknown"), LISTEN_FDS_START + i));
    }
    return OK;
}

int
passed_socket_take(struct passed_sockets *p, struct str name)
{
    for (size_t i = 0; i < p->count; i++) {
        struct passed_socket *s = &p->items[i];
        if (s->fd < 0 || !str_eq(str_of(s->name), name))
            continue;
        int fd = s->fd;
        s->fd = -1;
        return fd;
    }
    return -1;
}

// Sockets that whoever started c10m has opened for it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum { PASSED_SOCKETS_MAX = 32, PASSED_NAME_BYTES_MAX = 64 };

struct passed_socket {
    char name[PASSED_NAME_BYTES_MAX];
    int fd; // -1: taken
};

struct passed_sockets {
    struct passed_socket items[PASSED_SOCKETS_MAX];
    size_t count;
};

// "NAME=FD". E_INVALID: it has another form, or there is no such descriptor; E_LIMIT: too many.
MUST_USE int passed_socket_add(struct passed_sockets *p, struct str text);
// What systemd tells by LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, if it is meant for this process.
// https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
MUST_USE int passed_sockets_read(struct passed_sockets *p, const char *pid, const char *count,
                                 const char *names);
// The caller's from now on; -1: there is none of that name.
int passed_socket_take(struct passed_sockets *p, struct str name);

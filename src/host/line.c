// Lines from the programs that stand beside us.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/line.h"

int
host_line_read(struct socket *s, int64_t deadline_ns, char out[HOST_LINE_BYTES])
{
    size_t len = 0;
    while (len < HOST_LINE_BYTES - 1) {
        ptrdiff_t got = socket_read(s, out + len, HOST_LINE_BYTES - 1 - len);
        if (got == E_AGAIN)
            TRY(socket_wait(s, SOCKET_READABLE, deadline_ns));
        else if (got < 0)
            return (int)got;
        len += got > 0 ? (size_t)got : 0;
        out[len] = '\0';
        char *end = strchr(out, '\n');
        if (end != NULL) {
            *end = '\0';
            return OK;
        }
    }
    return E_INVALID;
}

// Requests to the sockets of engines.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "src/host/engine/folder.h"
#include "src/task/local.h"

static int
answer_read(struct socket *s, const struct engine_talk *t, int64_t deadline_ns, struct buf *out)
{
    for (;;) {
        if (str_is_present(t->end) && str_ends(buf_str(out), t->end))
            return OK;
        if (out->len >= t->limit)
            return E_LIMIT;
        ptrdiff_t got = socket_read(s, buf_reserve(out, t->limit - out->len), t->limit - out->len);
        if (got == E_CLOSED && !str_is_present(t->end))
            return OK;
        if (got == E_AGAIN)
            TRY(socket_wait(s, SOCKET_READABLE, deadline_ns));
        else if (got < 0)
            return (int)got;
        out->len += got > 0 ? (size_t)got : 0;
    }
}

int
engine_ask(struct engine_run *r, const struct engine_talk *t, struct str *out)
{
    char number[16];
    struct socket *s;
    struct buf answer;
    int64_t deadline_ns = deadline_in_ms(r->host->runtime, t->limit_ms);
    // The guest owns the folder: the socket itself is opened, never a link to another.
    int fd = engine_open(r, t->socket, O_PATH);
    if (fd < 0)
        return engine_fail(r, E_AGAIN, "its socket %s is not there yet", t->socket);
    snprintf(number, sizeof(number), "%d", fd);
    int code = local_connect(loop_current(), "/proc/self/fd", number, &s);
    close(fd);
    if (code != OK)
        return engine_fail(r, E_AGAIN, "it does not listen on %s yet", t->socket);
    buf_init(&answer, r->arena, 1024);
    code = socket_write_all(s, &t->request, 1, deadline_ns);
    if (t->ends)
        socket_end(s);
    if (code == OK)
        code = answer_read(s, t, deadline_ns, &answer);
    socket_free(s);
    *out = buf_str(&answer);
    return code == OK ? OK : engine_fail(r, code, "it does not answer: %s", code_name(code));
}

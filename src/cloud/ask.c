// Asking a running c10m for something, from the command line.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/ask.h"

#include "src/base/buf.h"

enum { CONNECT_MS = 10000, PIECE_BYTES = 4096, ANSWER_BYTES_MAX = 1 << 20 };

// The answer's connection ends with it.
static int
read_all(struct ask *a, struct socket *s, struct buf *out)
{
    for (;;) {
        ptrdiff_t n = socket_read(s, buf_reserve(out, PIECE_BYTES), PIECE_BYTES);
        if (n == E_AGAIN) {
            TRY(socket_wait(s, SOCKET_READABLE, DEADLINE_NEVER));
            continue;
        }
        if (n == E_CLOSED)
            return OK;
        if (n < 0)
            return (int)n;
        out->len += (size_t)n;
        if (out->len > ANSWER_BYTES_MAX)
            return E_INVALID;
    }
}

// HTTP/1.1 200 OK
static int
answer_parse(struct ask *a, struct str answer)
{
    int64_t status;
    ptrdiff_t end = str_find(answer, STR("\r\n\r\n"));
    if (!str_starts(answer, STR("HTTP/1.1 ")) || end < 0 ||
        str_to_int64(str_slice(answer, 9, 12), &status) != OK)
        return E_INVALID;
    a->status = (int)status;
    a->body = str_slice(answer, (size_t)end + 4, answer.len);
    return OK;
}

static int
exchange(struct ask *a, struct socket *s)
{
    struct buf answer;
    struct str request =
        arena_print(a->arena,
                    "POST " STR_FMT " HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer " STR_FMT "\r\n"
                    "Content-Length: 0\r\nConnection: close\r\n\r\n",
                    STR_ARG(a->target), a->address->text, STR_ARG(a->token));
    TRY(socket_write_all(s, &request, 1, deadline_in_ms(a->runtime, CONNECT_MS)));
    buf_init(&answer, a->arena, PIECE_BYTES);
    TRY(read_all(a, s, &answer));
    return answer_parse(a, buf_str(&answer));
}

int
ask_run(struct ask *a)
{
    struct socket *s;
    TRY(socket_connect(loop_current(), a->address, deadline_in_ms(a->runtime, CONNECT_MS), &s));
    int code = exchange(a, s);
    socket_free(s);
    return code;
}

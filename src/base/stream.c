// Reading streams whole, and streams over memory.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/stream.h"

int
stream_read_full(struct stream *s, void *out, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        size_t n;
        TRY(stream_read(s, (char *)out + *got, size - *got, &n));
        if (n == 0)
            break;
        *got += n;
    }
    return OK;
}

static int
str_stream_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct str_stream *s = (struct str_stream *)stream;
    *got = size < s->rest.len ? size : s->rest.len;
    if (*got > 0)
        memcpy(out, s->rest.ptr, *got);
    s->rest = str_slice(s->rest, *got, s->rest.len);
    return OK;
}

void
str_stream_init(struct str_stream *s, struct str bytes)
{
    *s = (struct str_stream){
        .stream = {.read = str_stream_read, .length = (int64_t)bytes.len},
        .rest = bytes,
    };
}

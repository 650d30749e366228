// Blobs as streams: in from a request's body, out as an answer's.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/blob_stream.h"

enum { PIECE_BYTES = 8 * 1024 }; // on a fiber's stack

static int
copy_in(struct blob_put *put, struct stream *in, uint64_t size_max)
{
    char piece[PIECE_BYTES];
    uint64_t size = 0;
    for (;;) {
        size_t got;
        TRY(stream_read(in, piece, sizeof(piece), &got));
        if (got == 0)
            return OK;
        size += got;
        if (size > size_max)
            return E_LIMIT;
        TRY(blob_put_write(put, (struct str){piece, got}));
    }
}

int
blob_put_stream(struct blobs *b, struct stream *in, uint64_t size_max, struct arena *arena,
                struct blob_new *out)
{
    struct blob_put *put;
    if (in->length != STREAM_LENGTH_UNKNOWN && (uint64_t)in->length > size_max)
        return E_LIMIT;
    TRY(blob_put_begin(b, &put));
    int code = copy_in(put, in, size_max);
    if (code == OK)
        return blob_put_commit(put, arena, out);
    blob_put_cancel(put);
    return code;
}

static int
read_piece(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct blob_stream *s = (struct blob_stream *)stream;
    *got = 0;
    if (size > s->end - s->at)
        size = (size_t)(s->end - s->at);
    if (size == 0)
        return OK;
    TRY(blob_read_at(s->reader, s->at, out, size, got));
    // The end was cut to the blob's size, so that nothing here is too little.
    if (*got == 0)
        return E_IO;
    s->at += *got;
    return OK;
}

static void
close_reader(struct stream *stream)
{
    struct blob_stream *s = (struct blob_stream *)stream;
    blob_close(s->reader);
    s->reader = NULL;
}

void
blob_stream_init(struct blob_stream *s, struct blob_reader *reader, uint64_t offset, uint64_t len)
{
    uint64_t size = blob_size(reader);
    *s = (struct blob_stream){.reader = reader, .at = offset < size ? offset : size, .end = size};
    s->stream = (struct stream){.read = read_piece, .close = close_reader};
    if (len < s->end - s->at)
        s->end = s->at + len;
    s->stream.length = (int64_t)(s->end - s->at);
}

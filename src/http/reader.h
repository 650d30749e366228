// From the bytes of a connection to complete requests, one after the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/parser.h"

// Owns the input memory of one connection that is not idle, and the arena of its request. Bytes
// that came with a request but belong to the next are kept. What fits the first buffer is not
// copied; a larger body is read into memory of its own, which grows only as bytes arrive.
enum { HTTP_READER_BYTES = 16 * 1024, HTTP_PIECE_BYTES_MIN = 8 * 1024 };

struct http_reader {
    bool stops_at_head;               // HTTP_PARSE_HEAD is answered where a body follows
    const struct http_memory *memory; // counts `large`; NULL: nobody does
    struct arena arena;
    struct http_head head; // of the current request; error_status also tells of a bad body
    bool has_head;
    struct http_chunks chunks;
    char *input; // bytes [start, end) belong to the current request or were not looked at yet
    size_t input_size;
    size_t start;
    size_t end;
    char *body; // in input or in large; NULL while there is no head
    size_t body_len;
    size_t body_room;
    char *large; // memory of a body that did not fit, and of what came behind it
    size_t large_bytes;
    struct buf trailers;
    struct str ahead; // what came behind a complete request; in input or in large
};

void http_reader_init(struct http_reader *r);
void http_reader_fini(struct http_reader *r);
// For another connection: drops everything but memory of the usual size.
void http_reader_reset(struct http_reader *r);

// Where the next bytes belong, and at most how many. Not after DONE, HEAD or BAD. NULL: there is no
// memory for them, and the outcome is BAD.
char *http_reader_space(struct http_reader *r, size_t *size);
// n bytes were put there. Their answer, like that of http_reader_next: MORE; DONE: head.request is
// complete; BAD: head.error_status and error_text say why, and the connection is of no further use;
// HEAD: the head is complete and a body follows, see the next two.
enum http_parse http_reader_add(struct http_reader *r, size_t n);
// After HEAD: the body is read whole into memory, HTTP_BODY_BYTES_MAX at most.
enum http_parse http_reader_collect(struct http_reader *r);
// After HEAD: the body is the caller's to read. Says what of it is there, and behind it *room bytes
// of memory, HTTP_PIECE_BYTES_MIN at least. What is left of that memory behind the body becomes
// r->ahead before http_reader_next.
char *http_reader_give_body(struct http_reader *r, size_t *len, size_t *room);
// After DONE: forgets the request, its arena too, and looks for one in the bytes that came behind
// it.
enum http_parse http_reader_next(struct http_reader *r);
// Whether any byte of the current request is there.
bool http_reader_has_input(const struct http_reader *r);

// Reads AWS's signing vectors in our own form.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/test_vectors.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { VECTORS_BYTES_MAX = 64 * 1024 };

void
assert_str_at(struct str actual, struct str expected, int line)
{
    if (!str_eq(actual, expected))
        fail_msg("line %d:\n" STR_FMT "\nis not\n" STR_FMT, line, STR_ARG(actual),
                 STR_ARG(expected));
}

static struct str
read_vectors(struct arena *arena, const char *path)
{
    char *bytes = arena_alloc_bytes(arena, VECTORS_BYTES_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, bytes, VECTORS_BYTES_MAX);
    close(fd);
    assert_in_range(len, 1, VECTORS_BYTES_MAX - 1);
    return (struct str){bytes, (size_t)len};
}

struct str
vector_part(struct str text, const char *from, const char *to)
{
    ptrdiff_t start = str_find(text, str_of(from));
    assert_true(start >= 0);
    struct str rest = str_slice(text, (size_t)start + strlen(from), text.len);
    ptrdiff_t end = str_find(rest, str_of(to));
    assert_true(end >= 0);
    return str_slice(rest, 0, (size_t)end);
}

static void
read_target(struct str line, struct http_request *out)
{
    struct str rest;
    str_cut(line, ' ', &out->method, &rest);
    assert_true(str_ends(rest, STR(" HTTP/1.1")));
    out->target = str_slice(rest, 0, rest.len - strlen(" HTTP/1.1"));
    str_cut(out->target, '?', &out->path, &out->query);
}

struct http_request *
vector_request(struct arena *arena, struct str text)
{
    struct http_request *r = ARENA_NEW(arena, struct http_request);
    struct str line;
    r->arena = arena;
    r->headers = ARENA_ARRAY(arena, HTTP_HEADERS_MAX, struct header);
    str_cut(text, '\n', &line, &text);
    read_target(line, r);
    while (str_cut(text, '\n', &line, &text) || line.len > 0) {
        if (line.len == 0)
            break;
        struct header *sig = &r->headers[r->header_count++];
        str_cut(line, ':', &sig->name, &sig->value);
        sig->value = str_trim(sig->value);
        if (!str_is_present(text))
            break;
    }
    r->body = str_is_present(text) ? text : STR("");
    return r;
}

struct str
vector_canonical(struct http_request *r, const struct sigv4 *sig)
{
    struct buf out;
    buf_init(&out, r->arena, 0);
    sigv4_canonical_request(r, sig, &out);
    return buf_str(&out);
}

void
vectors_run(struct arena *arena, const char *path, int count_expected,
            void (*check)(struct arena *arena, struct str vector))
{
    struct str text = read_vectors(arena, path);
    int count = 0;
    for (ptrdiff_t at; (at = str_find(text, STR("\n@end\n"))) >= 0; count++) {
        struct str vector = str_slice(text, 0, (size_t)at + strlen("\n@end\n"));
        vector = str_slice(vector, (size_t)str_find(vector, STR("\n@")), vector.len);
        check(arena, vector);
        text = str_slice(text, (size_t)at + strlen("\n@end"), text.len);
    }
    assert_int_equal(count, count_expected);
}

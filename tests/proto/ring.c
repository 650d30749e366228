// A c10m whose services are those of all pinned models, and whose handlers do what the ring says.
// SPDX-License-Identifier: Apache-2.0
#include "tests/proto/ring.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/encoding.h"
#include "tests/proto/lines.h"

enum { SEEN_SIZE_HINT = 4096, READ_BYTES = 64 * 1024, PATH_SIZE = 512, SECONDS_MAX = 400 };

struct plan {
    struct str number, operation, kind, error, message, lines;
};

static int
open_file(const char *name, int flags)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s/%s", getenv("RING_FOLDER"), name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

static struct str
read_plan(struct arena *arena)
{
    struct buf text;
    ssize_t n;
    int fd = open_file("plan", O_RDONLY);
    buf_init(&text, arena, READ_BYTES);
    while ((n = read(fd, buf_reserve(&text, READ_BYTES), READ_BYTES)) > 0)
        text.len += (size_t)n;
    close(fd);
    return buf_str(&text);
}

static struct plan
plan_of(struct arena *arena)
{
    struct plan p;
    struct str head, hex, rest = read_plan(arena);
    CHECK(str_cut(rest, '\n', &head, &rest) && str_cut(rest, '\n', &hex, &p.lines));
    CHECK(str_cut(head, ' ', &p.number, &head) && str_cut(head, ' ', &p.operation, &head) &&
          str_cut(head, ' ', &p.kind, &p.error));
    char *message = arena_alloc_bytes(arena, hex.len / 2);
    CHECK(hex_decode(hex, message, hex.len / 2) == OK);
    p.message = (struct str){message, hex.len / 2};
    return p;
}

static void
write_seen(const struct call *c, const struct plan *p, struct str operation, const void *in)
{
    struct buf out;
    uint16_t input = c->operation->input;
    int fd = open_file("seen", O_WRONLY | O_CREAT | O_TRUNC);
    buf_init(&out, c->arena, SEEN_SIZE_HINT);
    buf_print(&out, STR_FMT " " STR_FMT "\n", STR_ARG(p->number), STR_ARG(operation));
    if (input != WIRE_NO_SHAPE)
        lines_dump(c->service->wire->model, input, in, &out);
    CHECK(write(fd, out.ptr, out.len) == (ssize_t)out.len);
    close(fd);
}

static int
error_of(const struct wire_service *s, struct str name)
{
    for (size_t i = 0; i < s->error_count; i++)
        if (str_eq(str_of(wire_text(s->model, s->errors[i].name)), name))
            return (int)i;
    CHECK(!"an error of the service");
    return 0;
}

static int
fault_as(struct call *c, int error, const void *context, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = fault_with(c, error, context, format, args);
    va_end(args);
    return code;
}

static int
answer_error(struct call *c, const struct plan *p)
{
    const struct wire_service *s = c->service->wire;
    int code, error = error_of(s, p->error);
    uint16_t shape = s->errors[error].shape;
    if (shape == WIRE_NO_SHAPE) {
        code = fault(c, error, "%s", "");
    } else {
        void *context = arena_alloc(c->arena, s->model->shapes[shape].c_size);
        lines_load(s, shape, p->lines, c->arena, context);
        code = fault_as(c, error, context, "%s", "");
    }
    c->fault.message = p->message; // which may hold zeros
    return code;
}

int
ring_handle(struct call *c, const void *in, void *out)
{
    const struct wire_service *s = c->service->wire;
    struct plan p = plan_of(c->arena);
    struct str operation =
        arena_print(c->arena, "%s.%s", s->name, wire_text(s->model, c->operation->name));
    write_seen(c, &p, operation, in);
    // Taken for another: its answer would not fit.
    if (!str_eq(operation, p.operation))
        return fault(c, FAULT_INTERNAL, "Taken for another operation.");
    if (str_eq(p.kind, STR("error")))
        return answer_error(c, &p);
    if (c->operation->output != WIRE_NO_SHAPE && p.lines.len > 0)
        lines_load(s, c->operation->output, p.lines, c->arena, out);
    return OK;
}

// Runs until its input ends.
int
main(void)
{
    static char key[] = "123456789012:AKIDRING:secret";
    struct cloud_options options = {
        .store_url = "mem:",
        .loops = 1, // so that one case is handled at a time
        .log_level = LOG_ERROR,
        .log_fd = STDERR_FILENO,
        .root_keys = {{key}, 1},
        .development_keys = DEVELOPMENT_KEYS_OFF,
    };
    struct cloud *cloud;
    char problem[256], byte;
    alarm(SECONDS_MAX); // a decoder that does not end ends with the program
    CHECK(socket_address_parse(STR("127.0.0.1:0"), &options.address) == OK);
    if (cloud_new(&options, &cloud, problem, sizeof(problem)) != OK) {
        fprintf(stderr, "ring: %s\n", problem);
        return 1;
    }
    printf("%u\n", (unsigned)options.address.port);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    cloud_free(cloud);
    return 0;
}

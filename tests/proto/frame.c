// Frames from standard input and to standard output.
// SPDX-License-Identifier: Apache-2.0
#include "tests/proto/frame.h"

#include <stdio.h>

static bool
read_number(uint32_t *out)
{
    unsigned char b[4];
    if (fread(b, 1, sizeof(b), stdin) != sizeof(b))
        return false;
    *out = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

static void
write_number(size_t value)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        putchar((int)(value >> shift & 0xff));
}

bool
frame_read(struct frame *f, struct arena *arena)
{
    uint32_t count, len;
    if (!read_number(&count))
        return false;
    CHECK(count <= FRAME_FIELDS_MAX);
    f->count = count;
    for (size_t i = 0; i < count; i++) {
        CHECK(read_number(&len));
        // On its own, so that a sanitizer sees who reads past its end.
        char *bytes = arena_alloc_bytes(arena, len);
        CHECK(fread(bytes, 1, len, stdin) == len);
        f->fields[i] = (struct str){bytes, len};
    }
    return true;
}

void
frame_add(struct frame *f, struct str field)
{
    CHECK(f->count < FRAME_FIELDS_MAX);
    f->fields[f->count++] = field;
}

void
frame_write(const struct frame *f)
{
    write_number(f->count);
    for (size_t i = 0; i < f->count; i++) {
        write_number(f->fields[i].len);
        CHECK(fwrite(f->fields[i].ptr, 1, f->fields[i].len, stdout) == f->fields[i].len);
    }
    CHECK(fflush(stdout) == 0);
}

// Random bytes, from getrandom.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/random_cache.h"

#include <errno.h>
#include <sys/random.h>

#include "src/task/loop.h"

// Waits only before the system's generator has started, early in the boot.
static void
random_draw(void *out, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = getrandom((char *)out + done, len - done, 0);
        CHECK(n > 0 || errno == EINTR);
        done += n > 0 ? (size_t)n : 0;
    }
}

static void
cache_take(struct random_cache *c, void *out, size_t len)
{
    if (c->left < len) {
        random_draw(c->bytes, sizeof(c->bytes));
        c->left = sizeof(c->bytes);
    }
    unsigned char *from = c->bytes + sizeof(c->bytes) - c->left;
    memcpy(out, from, len);
    explicit_bzero(from, len);
    c->left -= len;
}

void
random_bytes(struct runtime *rt, void *out, size_t len)
{
    struct loop *loop = loop_current();
    if (loop && len <= RANDOM_CACHE_BYTES / 4)
        cache_take(&loop->random, out, len);
    else
        random_draw(out, len);
}

uint64_t
random_u64(struct runtime *rt)
{
    uint64_t value;
    random_bytes(rt, &value, sizeof(value));
    return value;
}

void
random_uuid(struct runtime *rt, char out[UUID_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char b[16];
    random_bytes(rt, b, sizeof(b));
    b[6] = (b[6] & 0x0f) | 0x40; // version 4
    b[8] = (b[8] & 0x3f) | 0x80; // the variant of RFC 4122
    for (size_t i = 0, at = 0; i < sizeof(b); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = digits[b[i] >> 4];
        out[at++] = digits[b[i] & 15];
    }
}

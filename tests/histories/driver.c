// Clients of one store, who print what they ask for and what they get until somebody kills them:
//     driver URL FIRST_ID CLIENTS SEED
// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/store/counters.h"
#include "src/store/kv.h"

enum { GROUPS = 4, KEYS = 3, KEY_BYTES = 8, LINE_BYTES = 128, PAUSE_NS_MAX = 2000 * 1000 };

enum kind { READ, PUT, DEL, ADD, COPY, SUM, KINDS };
static const char *const kind_names[] = {"read", "put", "del", "add", "copy", "sum"};

struct driver {
    struct runtime *runtime;
    struct kv *kv;
    const char *url;
    _Atomic uint64_t next_id;
    int clients;
    uint64_t seed;
    char problem[512];
};

struct client {
    struct driver *driver;
    int number;
    uint64_t random;
};

// As checker/main.go has it.
struct operation {
    enum kind kind;
    unsigned group, a, b;
    int64_t value;
    int64_t seen[KEYS];
    size_t seen_count;
};

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct str
key_of(unsigned group, unsigned key, char out[KEY_BYTES])
{
    snprintf(out, KEY_BYTES, "g%u/k%u", group % 10, key % 10);
    return str_of(out);
}

static int
set(struct kv_txn *txn, const struct operation *o, unsigned key, int64_t value)
{
    char bytes[COUNTER_BYTES], name[KEY_BYTES];
    counter_encode(value, bytes);
    return kv_set(txn, key_of(o->group, key, name), (struct str){bytes, sizeof bytes});
}

static int
read_all(struct kv_txn *txn, struct operation *o)
{
    char from[KEY_BYTES], to[KEY_BYTES];
    struct kv_range range = {.from = key_of(o->group, 0, from), .to = key_of(o->group, KEYS, to)};
    struct kv_iter *it;
    struct str key, value;
    int code;
    memset(o->seen, 0, sizeof o->seen);
    o->seen_count = KEYS;
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK)
        o->seen[key.ptr[key.len - 1] - '0'] = kv_counter(value);
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
copy(struct kv_txn *txn, struct operation *o)
{
    char name[KEY_BYTES];
    struct str value;
    TRY(kv_get(txn, key_of(o->group, o->a, name), KV_SERIALIZABLE, &value));
    o->seen[0] = kv_counter(value);
    o->seen_count = 1;
    return set(txn, o, o->b, o->seen[0] + 1);
}

static int
sum(struct kv_txn *txn, struct operation *o)
{
    TRY(read_all(txn, o));
    o->seen[0] += o->seen[1] + o->seen[2];
    o->seen_count = 1;
    return set(txn, o, o->a, o->seen[0] + 1);
}

static int
body(struct kv_txn *txn, void *arg)
{
    struct operation *o = arg;
    char name[KEY_BYTES];
    o->seen_count = 0;
    switch (o->kind) {
    case READ:
        return read_all(txn, o);
    case PUT:
        return set(txn, o, o->a, o->value);
    case DEL:
        return kv_del(txn, key_of(o->group, o->a, name));
    case ADD:
        return kv_add(txn, key_of(o->group, o->a, name), o->value);
    case COPY:
        return copy(txn, o);
    default:
        return sum(txn, o);
    }
}

// One write, so that lines of all clients stay whole, and what was begun is told before it begins.
static void
print_line(struct buf *line)
{
    buf_put_char(line, '\n');
    if (write(STDOUT_FILENO, line->ptr, line->len) != (ssize_t)line->len)
        _exit(1); // nobody reads any more
}

static const char *
outcome(int code)
{
    if (code == OK)
        return "ok";
    return code == E_UNKNOWN ? "unknown" : "failed";
}

static void
operate(struct client *c, struct operation *o)
{
    struct driver *d = c->driver;
    struct arena arena;
    struct buf line;
    unsigned long long id = atomic_fetch_add(&d->next_id, 1);
    arena_init(&arena);
    buf_init(&line, &arena, LINE_BYTES);
    buf_print(&line, "I %llu %d %lld %s %u %u %u %lld", id, c->number,
              (long long)clock_mono_ns(d->runtime), kind_names[o->kind], o->group, o->a, o->b,
              (long long)o->value);
    print_line(&line);
    int code = kv_run(d->kv, &arena, body, o);
    buf_init(&line, &arena, LINE_BYTES);
    buf_print(&line, "R %llu %lld %s", id, (long long)clock_mono_ns(d->runtime), outcome(code));
    for (size_t i = 0; code == OK && i < o->seen_count; i++)
        buf_print(&line, " %lld", (long long)o->seen[i]);
    print_line(&line);
    arena_fini(&arena);
}

static void
run_client(void *arg)
{
    struct client *c = arg;
    struct runtime *rt = c->driver->runtime;
    for (;;) {
        struct operation o = {.kind = next_random(&c->random) % KINDS,
                              .group = next_random(&c->random) % GROUPS,
                              .a = next_random(&c->random) % KEYS,
                              .b = next_random(&c->random) % KEYS,
                              .value = 1 + (int64_t)(next_random(&c->random) % 1000)};
        operate(c, &o);
        uint64_t pause_ns = next_random(&c->random) % PAUSE_NS_MAX;
        if (fiber_sleep_until(clock_mono_ns(rt) + (int64_t)pause_ns) != OK)
            return;
    }
}

static void
start_client(void *arg)
{
    CHECK(fiber_start(loop_current(), "client", run_client, arg, NULL) == OK);
}

static int
open_store(void *arg)
{
    struct driver *d = arg;
    static const struct log log = {.fd = STDERR_FILENO, .level_min = LOG_ERROR};
    const struct kv_options options = {.runtime = d->runtime, .log = &log};
    return kv_open(d->url, &options, &d->kv, d->problem, sizeof d->problem);
}

static void
start_clients(struct driver *d)
{
    struct client *clients = calloc((size_t)d->clients, sizeof *clients);
    CHECK(clients != NULL);
    for (int i = 0; i < d->clients; i++) {
        clients[i] = (struct client){d, i, 0x9e3779b97f4a7c15 * (d->seed * 1000 + (uint64_t)i + 1)};
        loop_post(runtime_loop(d->runtime, i % runtime_loop_count(d->runtime)), start_client,
                  &clients[i]);
    }
}

int
main(int argc, char **argv)
{
    int64_t numbers[3];
    if (argc != 5)
        return 2;
    for (int i = 0; i < 3; i++)
        CHECK(str_to_int64(str_of(argv[i + 2]), &numbers[i]) == OK);
    struct driver d = {.url = argv[1],
                       .next_id = (uint64_t)numbers[0],
                       .clients = (int)numbers[1],
                       .seed = (uint64_t)numbers[2]};
    CHECK(runtime_new(&(struct runtime_options){.loops = 2}, &d.runtime) == OK);
    if (runtime_call(d.runtime, open_store, &d) != OK) {
        fprintf(stderr, "%s\n", d.problem);
        return 1;
    }
    start_clients(&d);
    for (;;)
        pause(); // until it is killed
}

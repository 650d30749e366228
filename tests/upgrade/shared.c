// The part of an upgrade fixture that no service makes yet.
// SPDX-License-Identifier: Apache-2.0
//
// Blobs, client tokens with their timers, a range for the reaper; since 0.1.0-b also a sharded
// counter, a page token and an event in the outbox. `shared make DIR` writes them
// into a data directory that nobody uses, `shared check DIR` says whether they are all there, and
// sets the service clock to the time when all fixtures were made, before a server whose clock is
// later could find messages past their retention.
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "src/cloud/state.h"
#include "src/store/blob_stream.h"
#include "src/store/client_token.h"
#include "src/store/page_token.h"
#include "src/store/service_clock.h"
#include "src/store/sharded.h"
#include "src/store/tuple.h"

// 2030-01-01T00:10:00Z: ten minutes later than make.py says, when all of it has happened.
static const int64_t made_at_ms = 1893456600000;

enum { SMALL_BYTES = 1000, LARGE_BYTES = 100 * 1000, ADDITIONS = 20, DELIVERY_MS_MAX = 30 * 1000 };

static const char destination[] = "fixture";

struct work {
    struct cloud cloud;
    const char *data;
    bool is_making;
    _Atomic int deliveries; // of the right event
    char problem[1024];
};

static const struct client_token token = {
    .account = {"000000000000", 12},
    .region = {"us-east-1", 9},
    .operation = {"sqs:Upgrade", 11},
    .token = {"a client's own", 14},
    .parameters = {"and its parameters", 18},
};

// Where the ids of the blobs are.
static struct str
fixture_key(struct arena *a, const char *name)
{
    struct tuple t;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("c10m"));
    tuple_add_str(&t, STR("fixture"));
    tuple_add_str(&t, str_of(name));
    return tuple_key(&t);
}

static char *
contents_of(struct arena *a, size_t size)
{
    char *bytes = arena_alloc_bytes(a, size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 31 >> 3);
    return bytes;
}

struct step {
    struct work *work;
    const char *name;
    struct blob_new blob;
    struct blob_id id;
    struct str answer;
};

static int
link_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct str id = {(const char *)s->blob.id.bytes, BLOB_ID_BYTES};
    TRY(blob_link(s->work->cloud.blobs, txn, &s->blob));
    return kv_set(txn, fixture_key(kv_txn_arena(txn), s->name), id);
}

static int
blob_make(struct work *w, struct arena *a, const char *name, size_t size)
{
    struct step s = {.work = w, .name = name};
    struct str_stream in;
    str_stream_init(&in, (struct str){contents_of(a, size), size});
    TRY(blob_put_stream(w->cloud.blobs, &in.stream, size, a, &s.blob));
    return kv_run(w->cloud.kv, a, link_body, &s);
}

static int
find_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct str value;
    TRY(kv_get(txn, fixture_key(kv_txn_arena(txn), s->name), KV_SNAPSHOT, &value));
    if (value.len != BLOB_ID_BYTES)
        return E_NOT_FOUND;
    memcpy(s->id.bytes, value.ptr, BLOB_ID_BYTES);
    return OK;
}

static int
blob_check(struct work *w, struct arena *a, const char *name, size_t size)
{
    struct step s = {.work = w, .name = name};
    struct blob_reader *reader;
    struct blob_stream out;
    size_t got;
    char *bytes = arena_alloc_bytes(a, size + 1);
    TRY(kv_run(w->cloud.kv, a, find_body, &s));
    TRY(blob_open(w->cloud.blobs, &s.id, &reader));
    blob_stream_init(&out, reader, 0, UINT64_MAX);
    int code = stream_read_full(&out.stream, bytes, size + 1, &got);
    stream_close(&out.stream);
    TRY(code);
    return got == size && memcmp(bytes, contents_of(a, size), size) == 0 ? OK : E_INVALID;
}

static int
token_make_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    int64_t until_ms = clock_service_ms(s->work->cloud.runtime) + 100LL * 365 * 24 * 3600 * 1000;
    return client_token_set(s->work->cloud.alarms, txn, &token, STR("the answer"), until_ms);
}

static int
token_find_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    return client_token_find(txn, &token, &s->answer);
}

static int
garbage_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct arena *a = kv_txn_arena(txn);
    TRY(kv_set(txn, fixture_key(a, "reap/1"), STR("garbage")));
    return reaper_add(s->work->cloud.reaper, txn, NULL, fixture_key(a, "reap/"),
                      fixture_key(a, "reap0"));
}

static const struct str page_parameters[] = {{"a prefix", 8}};
static const struct page_scope page_scope = {
    .account = {"000000000000", 12},
    .region = {"us-east-1", 9},
    .operation = {"sqs:Upgrade", 11},
    .parameters = page_parameters,
    .parameter_count = 1,
};

static int
later_make_body(struct kv_txn *txn, void *arg)
{
    struct work *w = arg;
    struct arena *a = kv_txn_arena(txn);
    struct str page = page_token_encode(w->cloud.seal, &page_scope, STR("the position"),
                                        clock_wall_ms(w->cloud.runtime), a);
    for (int i = 1; i <= ADDITIONS; i++)
        TRY(sharded_add(txn, w->cloud.runtime, fixture_key(a, "sharded"), i));
    TRY(outbox_add(w->cloud.outbox, txn, destination, STR("a source"), STR("an event")));
    return kv_set(txn, fixture_key(a, "page"), page);
}

struct later {
    struct work *work;
    struct str page; // absent: the fixture is older than all that
    int64_t sum;
};

static int
later_read_body(struct kv_txn *txn, void *arg)
{
    struct later *l = arg;
    struct arena *a = kv_txn_arena(txn);
    TRY(kv_get(txn, fixture_key(a, "page"), KV_SNAPSHOT, &l->page));
    return sharded_get(txn, fixture_key(a, "sharded"), KV_SNAPSHOT, &l->sum);
}

static int
deliver(void *arg, const struct outbox_event *event)
{
    struct work *w = arg;
    w->deliveries +=
        str_eq(event->source, STR("a source")) && str_eq(event->payload, STR("an event"));
    return OK;
}

static int
later_check(struct work *w, struct arena *a)
{
    struct runtime *rt = w->cloud.runtime;
    struct later l = {.work = w};
    struct str position;
    TRY(kv_run(w->cloud.kv, a, later_read_body, &l));
    if (!str_is_present(l.page))
        return OK;
    TRY(page_token_decode(w->cloud.seal, &page_scope, l.page, clock_wall_ms(rt), 0, a, &position));
    if (!str_eq(position, STR("the position")) || l.sum != ADDITIONS * (ADDITIONS + 1) / 2)
        return E_INVALID;
    int64_t deadline_ns = deadline_in_ms(rt, DELIVERY_MS_MAX);
    outbox_handle(w->cloud.outbox, destination, deliver, w);
    outbox_start(w->cloud.outbox);
    while (w->deliveries == 0 && clock_mono_ns(rt) < deadline_ns)
        TRY(fiber_sleep_until(deadline_in_ms(rt, 1)));
    return w->deliveries > 0 ? OK : E_TIMEOUT;
}

static int
make(struct work *w, struct arena *a)
{
    struct step s = {.work = w};
    TRY(blob_make(w, a, "small", SMALL_BYTES));
    TRY(blob_make(w, a, "large", LARGE_BYTES));
    TRY(kv_run(w->cloud.kv, a, token_make_body, &s));
    TRY(kv_run(w->cloud.kv, a, later_make_body, w));
    return kv_run(w->cloud.kv, a, garbage_body, &s);
}

static int
check(struct work *w, struct arena *a)
{
    struct step s = {.work = w};
    TRY(blob_check(w, a, "small", SMALL_BYTES));
    TRY(blob_check(w, a, "large", LARGE_BYTES));
    TRY(kv_run(w->cloud.kv, a, token_find_body, &s));
    if (!str_eq(s.answer, STR("the answer")))
        return E_INVALID;
    TRY(later_check(w, a));
    struct runtime *rt = w->cloud.runtime;
    return clock_keeper_move(w->cloud.clock, made_at_ms - clock_service_ms(rt),
                             deadline_in_ms(rt, 1000));
}

static int
seal_main(void *arg)
{
    struct work *w = arg;
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/root.key", w->data);
    struct seal_options options = {.runtime = w->cloud.runtime, .kv = w->cloud.kv, .path = path};
    return seal_open(&options, &w->cloud.seal, w->problem, sizeof(w->problem));
}

static int
work_main(void *arg)
{
    struct work *w = arg;
    struct arena arena;
    arena_init(&arena);
    int code = w->is_making ? make(w, &arena) : check(w, &arena);
    arena_fini(&arena);
    return code;
}

static int64_t
log_now_ms(void *arg)
{
    return clock_wall_ms(arg);
}

static int
run(struct work *w)
{
    char url[PATH_MAX];
    struct kv_options options = {.log = &w->cloud.log};
    struct cloud_options cloud_options = {.store_url = url};
    snprintf(url, sizeof(url), "rocks:%s", w->data);
    TRY(runtime_new(&(struct runtime_options){.loops = 1}, &w->cloud.runtime));
    w->cloud.log =
        (struct log){.fd = STDERR_FILENO, .now_ms = log_now_ms, .now_arg = w->cloud.runtime};
    options.runtime = w->cloud.runtime;
    TRY(kv_open(url, &options, &w->cloud.kv, w->problem, sizeof(w->problem)));
    TRY(runtime_call(w->cloud.runtime, seal_main, w));
    TRY(state_open(&w->cloud, &cloud_options, w->problem, sizeof(w->problem)));
    TRY(state_open_blobs(&w->cloud, w->problem, sizeof(w->problem)));
    return runtime_call(w->cloud.runtime, work_main, w);
}

int
main(int argc, char **argv)
{
    struct work w = {0};
    if (argc != 3 || (strcmp(argv[1], "make") != 0 && strcmp(argv[1], "check") != 0))
        return 2;
    w.is_making = strcmp(argv[1], "make") == 0;
    w.data = argv[2];
    int code = run(&w);
    if (code != OK)
        fprintf(stderr, "shared: %s %s\n", code_name(code), w.problem);
    state_stop(&w.cloud);
    state_close(&w.cloud);
    kv_close(w.cloud.kv);
    runtime_free(w.cloud.runtime);
    seal_free(w.cloud.seal);
    return code == OK ? 0 : 1;
}

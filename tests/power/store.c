// The store that the power and crash rings work on: pairs, blobs and boxes.
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/store.h"

#include <stdio.h>
#include <unistd.h>

enum { VALUE_BYTES_MAX = 3000, WRITE_BUFFER_BYTES = 256 * 1024 };

// -- opening

static int
open_blobs(void *arg)
{
    struct store *s = arg;
    char problem[512] = "";
    struct seal_options seal = {
        .runtime = s->runtime, .kv = s->kv, .path = s->seal_path, .is_made = true};
    int code = seal_open(&seal, &s->seal, problem, sizeof(problem));
    struct blobs_options blobs = {
        .runtime = s->runtime, .log = &s->log, .kv = s->kv, .seal = s->seal, .dir = s->blobs_dir};
    if (code == OK)
        code = blobs_open(&blobs, &s->blobs, problem, sizeof(problem));
    if (code != OK)
        fprintf(stderr, "driver: %s: %s\n", code_name(code), problem);
    return code;
}

static void
start_reaper(struct store *s)
{
    s->background = background_new(s->runtime);
    s->reaper = reaper_new(&(struct jobs_options){
        .runtime = s->runtime, .log = &s->log, .kv = s->kv, .background = s->background});
    reaper_start(s->reaper);
}

int
store_open(struct store *s, const char *dir)
{
    char url[600], problem[512] = "";
    *s = (struct store){.log = {.fd = STDERR_FILENO, .level_min = LOG_WARN}};
    snprintf(url, sizeof(url), "rocks:%s", dir);
    snprintf(s->seal_path, sizeof(s->seal_path), "%s/root.key", dir);
    snprintf(s->blobs_dir, sizeof(s->blobs_dir), "%s/blobs", dir);
    TRY(runtime_new(&(struct runtime_options){.loops = 1}, &s->runtime));
    struct kv_options options = {
        .runtime = s->runtime, .log = &s->log, .write_buffer_bytes = WRITE_BUFFER_BYTES};
    int code = kv_open(url, &options, &s->kv, problem, sizeof(problem));
    if (code != OK)
        fprintf(stderr, "driver: %s: %s\n", code_name(code), problem);
    if (code == OK)
        code = runtime_call(s->runtime, open_blobs, s);
    if (code == OK)
        start_reaper(s);
    return code;
}

void
store_close(struct store *s)
{
    background_stop(s->background);
    reaper_free(s->reaper);
    background_free(s->background);
    blobs_close(s->blobs);
    seal_free(s->seal);
    kv_close(s->kv);
    runtime_free(s->runtime);
}

// -- what is written

static uint64_t
mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15;
    return x ^ (x >> 29);
}

struct str
pattern(struct arena *a, unsigned number, size_t len)
{
    char *bytes = arena_alloc_bytes(a, len + sizeof(uint64_t));
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        uint64_t word = mix(((uint64_t)number << 32) + at);
        memcpy(bytes + at, &word, sizeof(word));
    }
    return (struct str){bytes, len};
}

size_t
value_bytes(unsigned number)
{
    return mix(number) % VALUE_BYTES_MAX;
}

size_t
blob_bytes(unsigned number)
{
    static const size_t sizes[] = {100, 20000, 3000, 150000};
    return sizes[number % COUNT_OF(sizes)] + number % 97;
}

struct str
key(struct arena *a, const char *kind, unsigned number)
{
    return arena_print(a, "%s/%08u", kind, number);
}

const struct str counter_key = {"count", 5};

struct str
box_key(struct arena *a, unsigned number, unsigned at)
{
    return arena_print(a, "in/%08u/%04u", number, at);
}

void
box_range(struct arena *a, unsigned number, struct str *from, struct str *to)
{
    *from = arena_print(a, "in/%08u/", number);
    *to = arena_print(a, "in/%08u0", number);
}

// -- changes

int
pair_set_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct str value = pattern(a, s->number, value_bytes(s->number));
    TRY(kv_set(txn, key(a, "left", s->number), value));
    TRY(kv_set(txn, key(a, "right", s->number), value));
    return kv_add(txn, counter_key, 1);
}

int
pair_del_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct arena *a = kv_txn_arena(txn);
    TRY(kv_del(txn, key(a, "left", s->number)));
    TRY(kv_del(txn, key(a, "right", s->number)));
    return kv_add(txn, counter_key, -1);
}

int
blob_link_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct str id = {(const char *)s->blob->id.bytes, BLOB_ID_BYTES};
    TRY(blob_link(s->store->blobs, txn, s->blob));
    return kv_set(txn, key(kv_txn_arena(txn), "blob", s->number), id);
}

int
blob_unlink_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    TRY(blob_unlink(s->store->blobs, txn, &s->id));
    return kv_del(txn, key(kv_txn_arena(txn), "blob", s->number));
}

int
box_add_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct arena *a = kv_txn_arena(txn);
    for (unsigned i = 0; i < BOX_KEYS; i++)
        TRY(kv_set(txn, box_key(a, s->number, i), pattern(a, i, 50)));
    return kv_set(txn, key(a, "box", s->number), STR(""));
}

int
box_del_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct str from, to;
    box_range(a, s->number, &from, &to);
    TRY(kv_del(txn, key(a, "box", s->number)));
    return reaper_add(s->store->reaper, txn, NULL, from, to);
}

// Deleting what deleted queues held.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/reaper.h"

#include "services/sqs/keys.h"
#include "services/sqs/sqs_records.h"

struct reap {
    size_t deleted;
    bool is_done; // there is no garbage left
};

// The first deleted queue that still has data. E_NOT_FOUND: none.
static int
garbage_first(struct kv_txn *txn, struct str *key, struct place *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = 1};
    struct sqs_garbage_record record;
    struct kv_iter *it;
    struct str value;
    key_garbage_range(a, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    int code = kv_iter_next(it, key, &value);
    kv_iter_close(it);
    TRY(code);
    TRY(record_decode(&sqs_garbage_record_type, value, a, &record));
    *out = (struct place){.account = record.account, .region = record.region};
    return key_garbage_generation(a, *key, &out->generation);
}

static int
data_delete(struct kv_txn *txn, const struct place *p, size_t *deleted)
{
    struct kv_range range = {.limit = REAPER_BATCH_KEYS, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    int code;
    key_data_range(kv_txn_arena(txn), p, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK) {
        code = kv_del(txn, key);
        if (code != OK)
            break;
        ++*deleted;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
reap_body(struct kv_txn *txn, void *arg)
{
    struct reap *s = arg;
    struct place p;
    struct str garbage;
    s->deleted = 0;
    int code = garbage_first(txn, &garbage, &p);
    s->is_done = code == E_NOT_FOUND;
    if (code != OK)
        return s->is_done ? OK : code;
    TRY(data_delete(txn, &p, &s->deleted));
    return s->deleted < REAPER_BATCH_KEYS ? kv_del(txn, garbage) : OK;
}

void
reaper_run(struct call *c)
{
    struct reap s = {0};
    for (size_t total = 0; !s.is_done && total < REAPER_RUN_KEYS; total += s.deleted + 1) {
        struct arena_mark mark = arena_mark(c->arena);
        int code = kv_run(c->kv, c->arena, reap_body, &s);
        arena_rewind(c->arena, mark);
        if (code != OK) {
            log_event(&c->cloud->log, LOG_WARN, "sqs_reaper_stopped", "code=%s", code_name(code));
            return;
        }
    }
}

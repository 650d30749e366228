// Deleting what deleted and purged queues held.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/reaper.h"

#include "services/sqs/keys.h"
#include "services/sqs/sqs_records.h"

int
garbage_add(struct kv_txn *txn, const struct place *p)
{
    struct sqs_garbage_record garbage = {.account = p->account, .region = p->region};
    return record_set(txn, &sqs_garbage_record_type, key_garbage(kv_txn_arena(txn), p->generation),
                      &garbage);
}

// The first generation that nobody has any more. E_NOT_FOUND: none.
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

struct reap {
    const struct reaper *from;
    struct str last; // key deleted; absent: none
};

static bool
is_enough(struct arena *a, size_t used_before, size_t deleted)
{
    return deleted == REAPER_BATCH_KEYS || a->used_bytes - used_before > REAPER_BATCH_BYTES;
}

// E_NOT_FOUND: and that was all.
static int
data_delete(struct kv_txn *txn, struct kv_range *range, struct str *last)
{
    struct arena *a = kv_txn_arena(txn);
    size_t used_before = a->used_bytes;
    struct kv_iter *it;
    struct str value;
    int code = OK;
    TRY(kv_range_open(txn, range, &it));
    for (size_t deleted = 0; code == OK && !is_enough(a, used_before, deleted); deleted++) {
        code = kv_iter_next(it, last, &value);
        if (code == OK)
            code = kv_del(txn, *last);
    }
    kv_iter_close(it);
    return code;
}

static int
reap_body(struct kv_txn *txn, void *arg)
{
    struct reap *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.read = KV_SNAPSHOT};
    struct str at = {s->from->at, s->from->at_len};
    struct str garbage;
    struct place p;
    s->last = (struct str){0};
    TRY(garbage_first(txn, &garbage, &p));
    key_data_range(a, &p, &range.from, &range.to);
    if (str_cmp(at, range.from) > 0 && str_cmp(at, range.to) < 0)
        range.from = at;
    int code = data_delete(txn, &range, &s->last);
    return code == E_NOT_FOUND ? kv_del(txn, garbage) : code;
}

int
reaper_step(struct reaper *r, struct kv *kv, struct arena *a)
{
    struct reap s = {.from = r};
    TRY(kv_run(kv, a, reap_body, &s));
    if (s.last.len > 0)
        memcpy(r->at, s.last.ptr, s.last.len);
    r->at_len = s.last.len;
    return OK;
}

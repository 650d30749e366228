// What c10m does for queues without being asked: a fiber that cleans up.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/keeper.h"

#include <stdlib.h>

#include "services/sqs/retention.h"
#include "services/sqs/sqs.h"
#include "services/sqs/sqs_records.h"

enum { KEEPER_MS = 10 * 1000, NAMES_PER_STEP = 100 };

struct keeper {
    struct sqs *sqs;
    struct arena arena; // of one transaction at a time
    struct retention retention;
};

static int
expire(struct keeper *k, bool *has_changed)
{
    size_t removed = 0;
    int64_t now_ms = clock_service_ms(k->sqs->cloud->runtime);
    int code = retention_step(&k->retention, k->sqs->cloud->kv, &k->arena, now_ms, &removed);
    *has_changed = removed > 0;
    return code;
}

static int
name_release(struct kv_txn *txn, struct str release, int64_t now_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct queue_name name;
    struct sqs_deleted_record deleted;
    TRY(key_release_parse(a, release, &name));
    TRY(kv_del(txn, release));
    struct str key = key_deleted(a, &name);
    int code = record_get(txn, &sqs_deleted_record_type, key, KV_SERIALIZABLE, &deleted);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    // A queue of that name may have been made and deleted again since.
    return deleted.until_ms.value <= now_ms ? kv_del(txn, key) : OK;
}

static int
release_body(struct kv_txn *txn, void *arg)
{
    struct keeper *k = arg;
    struct arena *a = kv_txn_arena(txn);
    int64_t now_ms = clock_service_ms(k->sqs->cloud->runtime);
    struct kv_range range = {.limit = NAMES_PER_STEP, .read = KV_SNAPSHOT};
    struct str keys[NAMES_PER_STEP], value;
    size_t count = 0;
    struct kv_iter *it;
    int code = OK;
    key_release_range(a, now_ms, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    while (code == OK && count < NAMES_PER_STEP) {
        code = kv_iter_next(it, &keys[count], &value);
        count += code == OK;
    }
    kv_iter_close(it);
    for (size_t i = 0; i < count; i++)
        TRY(name_release(txn, keys[i], now_ms));
    return count > 0 || code != E_NOT_FOUND ? OK : code;
}

static int
release(struct keeper *k, bool *has_changed)
{
    int code = kv_run(k->sqs->cloud->kv, &k->arena, release_body, k);
    *has_changed = code == OK;
    return code;
}

// Takes steps until there is nothing left to do. To look through a queue in vain is no work.
static void
work_off(struct keeper *k, struct background_job *job, const char *what,
         int (*step)(struct keeper *k, bool *has_changed))
{
    int code = OK;
    while (code == OK && !background_is_stopping(job)) {
        int64_t began_ns = clock_mono_ns(k->sqs->cloud->runtime);
        bool has_changed = false;
        code = step(k, &has_changed);
        arena_reset(&k->arena);
        if (code != OK)
            break;
        if (has_changed)
            background_worked(job);
        code = fiber_sleep_until(background_rested_ns(job, began_ns));
    }
    if (code != OK && code != E_NOT_FOUND && code != E_CANCELLED)
        log_event(&k->sqs->cloud->log, LOG_WARN, "sqs_keeper_put_off", "work=%s code=%s", what,
                  code_name(code));
}

static void
keeper_main(struct background_job *job, void *arg)
{
    struct keeper *k = arg;
    struct lot_ticket ticket;
    int code;
    do {
        background_enter(job, &ticket);
        work_off(k, job, "names", release);
        work_off(k, job, "retention", expire);
        code = background_wait(job, &ticket, deadline_in_ms(k->sqs->cloud->runtime, KEEPER_MS));
    } while (code != E_CANCELLED);
    arena_fini(&k->arena);
    free(k);
}

void
keeper_start(struct sqs *s)
{
    struct keeper *k = calloc(1, sizeof(*k));
    CHECK(k);
    k->sqs = s;
    arena_init(&k->arena);
    retention_init(&k->retention, clock_service_ms(s->cloud->runtime));
    background_start(s->cloud->background, "sqs-keeper", keeper_main, k);
}

// Queues of an older build, brought to today's records at the start.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/upgrade.h"

#include "services/sqs/queue.h"
#include "services/sqs/sqs.h"

#define JOB_NAME "sqs-upgrade"

enum { QUEUES_PER_STEP = 50 };

struct step {
    struct job *job;
    struct str after; // an entry of "known"; absent: from the first
    struct str next;
};

// The bodies of queues need no keys here.
static int
queue_upgrade(struct kv_txn *txn, struct str key)
{
    struct queue_name name;
    struct queue queue;
    TRY(key_queue_parse(kv_txn_arena(txn), key, &name));
    int code = queue_find(txn, NULL, &name, &queue);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    return queue.record.is_unlisted.value ? queue_set(txn, &queue) : OK;
}

static int
step_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct index_page page = {.after = s->after, .limit = QUEUES_PER_STEP};
    TRY(job_check(s->job, txn));
    key_known_range(kv_txn_arena(txn), NULL, &page.from, &page.to);
    TRY(index_page_read(txn, queue_known, &page));
    for (size_t i = 0; i < page.count; i++)
        TRY(queue_upgrade(txn, page.targets[i]));
    s->next = page.next;
    return OK;
}

static int
upgrade_step(struct job *job, void *arg, int64_t *again_ns)
{
    struct sqs *sqs = arg;
    struct step s = {.job = job};
    struct arena arenas[2];
    int code = OK, at = 0;
    *again_ns = DEADLINE_NEVER;
    if (sqs->is_upgraded)
        return E_NOT_FOUND;
    arena_init(&arenas[0]);
    arena_init(&arenas[1]);
    do { // the place of one page stays while the next is read
        s.after = s.next;
        at = !at;
        arena_reset(&arenas[at]);
        code = kv_run(sqs->cloud->kv, &arenas[at], step_body, &s);
    } while (code == OK && str_is_present(s.next));
    arena_fini(&arenas[0]);
    arena_fini(&arenas[1]);
    sqs->is_upgraded = code == OK;
    return code == OK ? E_NOT_FOUND : code;
}

void
upgrade_start(struct sqs *s)
{
    job_start(&s->cloud->jobs, JOB_NAME, upgrade_step, s);
}

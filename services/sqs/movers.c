// The job that works on all move tasks of the store: a batch of one task, then of the next.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/movers.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "services/sqs/mover.h"
#include "services/sqs/sqs.h"
#include "services/sqs/sqs_records.h"

static const char MOVERS_JOB[] = "sqs-mover";

// The tasks are listed when somebody here made or cancelled one; where others do so too, also that
// often.
enum { MOVERS_LOOK_MS = 1000, MOVERS_PAGE = 100 };

struct movers {
    struct sqs *sqs;
    struct arena arena; // of one step
    LIST_HEAD(, mover) all;
    int64_t look_ns; // when to list next
    atomic_bool is_woken;
};

struct page {
    bool is_first, is_last;
    struct queue_name after; // the last one of the page before
    struct queue_name names[MOVERS_PAGE];
    struct str task_ids[MOVERS_PAGE];
    size_t count;
};

static int
page_body(struct kv_txn *txn, void *arg)
{
    struct page *p = arg;
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = MOVERS_PAGE, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    int code = OK;
    key_moving_range(a, p->is_first ? NULL : &p->after, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    for (p->count = 0; code == OK && p->count < MOVERS_PAGE; p->count += code == OK) {
        struct sqs_moving_record moving;
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = key_moving_parse(a, key, &p->names[p->count]);
        if (code == OK)
            code = record_decode(&sqs_moving_record_type, value, a, &moving);
        if (code == OK)
            p->task_ids[p->count] = moving.task_id;
    }
    kv_iter_close(it);
    p->is_last = code == E_NOT_FOUND;
    return code == E_NOT_FOUND ? OK : code;
}

static void
mover_ensure(struct movers *ms, const struct queue_name *source, struct str task_id)
{
    struct mover *m;
    LIST_FOREACH(m, &ms->all, link)
    if (str_eq((struct str){m->task_id, MESSAGE_ID_BYTES}, task_id)) {
        m->is_to_look = true;
        return;
    }
    m = malloc(sizeof(*m));
    CHECK(m);
    mover_init(m, ms->sqs, source, task_id);
    LIST_INSERT_HEAD(&ms->all, m, link);
}

static int
tasks_list(struct movers *ms)
{
    struct page *p = ARENA_NEW(&ms->arena, struct page);
    *p = (struct page){.is_first = true};
    while (!p->is_last) {
        TRY(kv_run(ms->sqs->cloud->kv, &ms->arena, page_body, p));
        for (size_t i = 0; i < p->count; i++)
            mover_ensure(ms, &p->names[i], p->task_ids[i]);
        if (p->count > 0)
            p->after = p->names[p->count - 1];
        p->is_first = false;
    }
    return OK;
}

// Lists them when it is time to.
static int
look(struct movers *ms, int64_t now_ns)
{
    bool is_woken = atomic_exchange(&ms->is_woken, false);
    if (!is_woken && now_ns < ms->look_ns)
        return OK;
    int code = tasks_list(ms);
    if (code != OK)
        atomic_store(&ms->is_woken, true);
    ms->look_ns = sqs_is_shared(ms->sqs) ? deadline_in_ms(ms->sqs->cloud->runtime, MOVERS_LOOK_MS)
                                         : DEADLINE_NEVER;
    return code;
}

// Whose turn it is: who waited longest. NULL: there are no tasks.
static struct mover *
mover_next(struct movers *ms)
{
    struct mover *m, *next = NULL;
    LIST_FOREACH(m, &ms->all, link)
    {
        if (m->is_to_look)
            return m;
        if (!next || m->next_ns < next->next_ns)
            next = m;
    }
    return next;
}

static int
movers_run(struct movers *ms, const struct job *job, int64_t *again_ns)
{
    int64_t now_ns = clock_mono_ns(ms->sqs->cloud->runtime);
    TRY(look(ms, now_ns));
    struct mover *m = mover_next(ms);
    *again_ns = ms->look_ns;
    if (!m)
        return E_NOT_FOUND;
    if (!m->is_to_look && m->next_ns > now_ns) {
        *again_ns = m->next_ns < ms->look_ns ? m->next_ns : ms->look_ns;
        return E_NOT_FOUND;
    }
    TRY(mover_step(m, job, &ms->arena));
    if (m->is_ended) {
        LIST_REMOVE(m, link);
        free(m);
    }
    return OK;
}

static int
movers_step(struct job *job, void *arg, int64_t *again_ns)
{
    struct movers *ms = arg;
    int code = movers_run(ms, job, again_ns);
    arena_reset(&ms->arena);
    return code;
}

struct movers *
movers_new(struct sqs *s)
{
    struct movers *ms = calloc(1, sizeof(*ms));
    CHECK(ms);
    ms->sqs = s;
    arena_init(&ms->arena);
    LIST_INIT(&ms->all);
    return ms;
}

void
movers_free(struct movers *ms)
{
    struct mover *m;
    while ((m = LIST_FIRST(&ms->all)) != NULL) {
        LIST_REMOVE(m, link);
        free(m);
    }
    arena_fini(&ms->arena);
    free(ms);
}

void
movers_start(struct movers *ms)
{
    job_start(&ms->sqs->cloud->jobs, MOVERS_JOB, movers_step, ms);
}

void
movers_wake(struct movers *ms)
{
    atomic_store(&ms->is_woken, true);
    job_wake(ms->sqs->cloud->background, MOVERS_JOB);
}

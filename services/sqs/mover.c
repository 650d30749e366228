// What moves messages out of a dead-letter queue: one transaction at a time.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/mover.h"

#include "services/sqs/fifo.h"
#include "services/sqs/message.h"
#include "services/sqs/sqs.h"
#include "services/sqs/standard.h"

enum { MOVER_AGAIN_MS = 1000, MOVER_PER_SECOND_PART = 10 };

// What one run of the body does; all of it is set again when it runs again.
struct step {
    const struct mover *mover;
    const struct job *job;
    size_t max; // 0: only look at the task
    struct sqs_move_record move;
    struct queue source;
    struct queue destination; // the last one found
    struct head_entry after;
    bool is_empty; // nothing was there to be moved
    bool is_ended;
    const char *failure;
    struct arrivals arrivals;
};

static int64_t
now_ms_of(const struct mover *m)
{
    return clock_service_ms(m->sqs->cloud->runtime);
}

static bool
is_status(const struct sqs_move_record *move, const char *status)
{
    return str_eq(move->status, str_of(status));
}

// The task's record and its source. E_NOT_FOUND: the task has ended, or its queue was deleted.
static int
task_get(struct kv_txn *txn, struct step *s, struct sqs_moving_record *moving)
{
    struct arena *a = kv_txn_arena(txn);
    const struct queue_name *name = &s->mover->source;
    TRY(record_get(txn, &sqs_moving_record_type, key_moving(a, name), KV_SERIALIZABLE, moving));
    if (!str_eq(moving->task_id, (struct str){s->mover->task_id, MESSAGE_ID_BYTES}))
        return E_NOT_FOUND;
    int code = queue_find(txn, s->mover->sqs->cloud->data_keys, name, &s->source);
    if (code == OK &&
        memcmp(s->source.place.generation.ptr, moving->generation.ptr, QUEUE_ID_BYTES) != 0)
        code = E_NOT_FOUND;
    if (code == E_NOT_FOUND) {
        s->is_ended = true;
        return kv_del(txn, key_moving(a, name));
    }
    TRY(code);
    return record_get(txn, &sqs_move_record_type,
                      key_move(a, &s->source.place, moving->started_ms.value, moving->task_id),
                      KV_SERIALIZABLE, &s->move);
}

static int
task_set(struct kv_txn *txn, struct step *s, const struct sqs_moving_record *moving)
{
    struct arena *a = kv_txn_arena(txn);
    s->is_ended = !is_status(&s->move, MOVE_RUNNING);
    if (s->is_ended)
        TRY(kv_del(txn, key_moving(a, &s->mover->source)));
    return record_set(txn, &sqs_move_record_type,
                      key_move(a, &s->source.place, moving->started_ms.value, moving->task_id),
                      &s->move);
}

// E_INVALID: there is no telling, or no such queue; s->failure says why.
static int
destination_find(struct kv_txn *txn, struct step *s, const struct sqs_message_record *m)
{
    struct queue_name name;
    struct str arn = s->move.destination_arn;
    if (!str_is_present(arn))
        arn = m->source_arn;
    s->failure = "CouldNotDetermineMessageSource";
    if (queue_arn_parse(arn, &name) != OK)
        return E_INVALID;
    int code = queue_find(txn, s->source.keys, &name, &s->destination);
    s->failure = "AWS.SimpleQueueService.NonExistentQueue";
    if (code == E_NOT_FOUND)
        return E_INVALID;
    TRY(code);
    s->failure = "AWS.SimpleQueueService.UnsupportedOperation";
    if (s->destination.record.is_fifo.value != s->source.record.is_fifo.value)
        return E_INVALID;
    s->failure = NULL;
    return OK;
}

// Moved messages are new messages: with an id and a time of their own, never received.
static int
message_move(struct kv_txn *txn, struct step *s, struct delivery *d)
{
    struct message_id id = message_id_new(s->mover->sqs->cloud->runtime);
    int64_t now_ms = now_ms_of(s->mover);
    uint16_t index = (uint16_t)s->arrivals.count;
    TRY(destination_find(txn, s, &d->message));
    const struct queue *to = &s->destination;
    d->message.sent_ms = OPT_LONG(now_ms);
    d->message.source_arn = (struct str){0};
    arrivals_add(&s->arrivals, kv_txn_arena(txn), to, now_ms, &id, d->message.group_id);
    if (!to->record.is_fifo.value)
        return standard_put(txn, to, &id, &d->message, now_ms, NULL);
    d->message.deduplication_id = message_id_print(kv_txn_arena(txn), &id);
    return fifo_append(txn, to, &id, &d->message, now_ms, index, NULL);
}

static int
messages_pull(struct kv_txn *txn, struct step *s, struct delivery *out, size_t *count)
{
    const struct mover *m = s->mover;
    int64_t now_ms = now_ms_of(m);
    if (s->source.record.is_fifo.value)
        return fifo_pull(txn, &s->source, now_ms, out, s->max, count, &s->is_empty);
    s->after = m->after;
    if (memcmp(m->generation, s->source.place.generation.ptr, GENERATION_BYTES) != 0)
        s->after = (struct head_entry){0};
    bool is_from_start = s->after.due_ms == 0;
    TRY(standard_pull(txn, &s->source, now_ms, &s->after, out, s->max, count));
    // At the end, once more from the start.
    s->is_empty = is_from_start && s->after.due_ms == 0;
    if (*count == 0 && !is_from_start)
        s->after = (struct head_entry){0};
    return OK;
}

static int
batch_move(struct kv_txn *txn, struct step *s)
{
    struct delivery *deliveries = ARENA_ARRAY(kv_txn_arena(txn), MOVER_BATCH_MAX, struct delivery);
    size_t count;
    TRY(messages_pull(txn, s, deliveries, &count));
    for (size_t i = 0; i < count; i++)
        TRY(message_move(txn, s, &deliveries[i]));
    s->move.moved.value += (int64_t)count;
    if (s->is_empty)
        s->move.status = STR(MOVE_COMPLETED);
    return OK;
}

static int
step_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct sqs_moving_record moving;
    s->arrivals = (struct arrivals){0};
    s->is_empty = s->is_ended = false;
    s->failure = NULL;
    TRY(job_check(s->job, txn));
    TRY(task_get(txn, s, &moving));
    if (s->is_ended)
        return OK;
    if (is_status(&s->move, MOVE_CANCELLING))
        s->move.status = STR(MOVE_CANCELLED);
    else if (s->max > 0)
        TRY(batch_move(txn, s));
    else
        return OK;
    return task_set(txn, s, &moving);
}

struct failing {
    struct step *step;
    const char *reason;
};

static int
fail_body(struct kv_txn *txn, void *arg)
{
    struct failing *f = arg;
    struct sqs_moving_record moving;
    f->step->is_ended = false;
    TRY(job_check(f->step->job, txn));
    TRY(task_get(txn, f->step, &moving));
    if (f->step->is_ended)
        return OK;
    f->step->move.status = STR(MOVE_FAILED);
    f->step->move.failure_reason = str_of(f->reason);
    return task_set(txn, f->step, &moving);
}

static int64_t
in_ms(const struct mover *m, int64_t ms)
{
    return deadline_in_ms(m->sqs->cloud->runtime, ms);
}

static void
pace_set(struct mover *m, const struct step *s)
{
    int64_t now_ns = in_ms(m, 0);
    m->per_second_max = s->move.per_second_max.value;
    m->batch_max = MOVER_BATCH_MAX;
    if (m->per_second_max == 0) {
        m->next_ns = now_ns;
        return;
    }
    size_t part = (size_t)(m->per_second_max + MOVER_PER_SECOND_PART - 1) / MOVER_PER_SECOND_PART;
    if (part < m->batch_max)
        m->batch_max = part;
    m->next_ns = (m->next_ns > now_ns ? m->next_ns : now_ns) +
                 (int64_t)s->arrivals.count * 1000000000 / m->per_second_max;
}

static void
step_done(struct mover *m, const struct step *s)
{
    arrivals_announce(m->sqs, &s->arrivals);
    m->is_ended = s->is_ended;
    if (m->is_ended)
        return;
    pace_set(m, s);
    m->after = s->after;
    memcpy(m->generation, s->source.place.generation.ptr, GENERATION_BYTES);
}

// A message cannot be moved: those before it are, and then the task fails.
static int
step_fail(struct mover *m, struct arena *a, struct step *s)
{
    m->batch_max = s->arrivals.count;
    if (m->batch_max > 0)
        return OK;
    TRY(kv_run(m->sqs->cloud->kv, a, fail_body, &(struct failing){s, s->failure}));
    m->is_ended = true;
    return OK;
}

int
mover_step(struct mover *m, const struct job *job, struct arena *a)
{
    struct step *s = ARENA_NEW(a, struct step);
    *s = (struct step){.mover = m, .job = job};
    s->max = in_ms(m, 0) >= m->next_ns ? m->batch_max : 0;
    m->is_to_look = false;
    int code = kv_run(m->sqs->cloud->kv, a, step_body, s);
    if (code == OK && s->max > 0)
        step_done(m, s);
    else if (code == OK || code == E_NOT_FOUND)
        m->is_ended = code != OK || s->is_ended;
    else if (code == E_INVALID && s->failure)
        code = step_fail(m, a, s);
    if (code == OK || code == E_NOT_FOUND || code == E_CANCELLED)
        return code == E_CANCELLED ? code : OK;
    log_event(&m->sqs->cloud->log, LOG_WARN, "sqs_move_put_off", "code=%s", code_name(code));
    m->next_ns = in_ms(m, MOVER_AGAIN_MS);
    return OK;
}

static struct str
name_copy(struct mover *m, size_t *at, struct str text)
{
    CHECK(*at + text.len <= MOVER_NAME_MAX);
    memcpy(m->names + *at, text.ptr, text.len);
    *at += text.len;
    return (struct str){m->names + *at - text.len, text.len};
}

void
mover_init(struct mover *m, struct sqs *s, const struct queue_name *source, struct str task_id)
{
    size_t at = 0;
    CHECK(task_id.len == MESSAGE_ID_BYTES);
    *m = (struct mover){.sqs = s};
    m->source.account = name_copy(m, &at, source->account);
    m->source.region = name_copy(m, &at, source->region);
    m->source.name = name_copy(m, &at, source->name);
    memcpy(m->task_id, task_id.ptr, MESSAGE_ID_BYTES);
    // The first batch tells the pace.
    m->batch_max = 1;
}

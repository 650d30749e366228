// Messages that nobody receives before their time is over.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/retention.h"

#include "services/sqs/fifo.h"
#include "services/sqs/standard.h"

// What one transaction does and where it leaves off; the body may run again, so the retention's own
// place moves only after the commit.
struct step {
    const struct retention *from;
    struct str known; // key of the queue
    struct str next;  // where its next page begins; absent: it is done
    size_t removed;
};

// Goes on with the queue of the page before, or to the one after it. E_NOT_FOUND: there is none.
static int
queue_next(struct kv_txn *txn, struct step *s, struct queue_name *out)
{
    struct arena *a = kv_txn_arena(txn);
    const struct retention *r = s->from;
    struct str before = {r->queue, r->queue_len};
    struct kv_range range = {.limit = 1, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str value;
    if (r->queue_len > 0)
        TRY(key_known_parse(a, before, out));
    key_known_range(a, r->queue_len > 0 ? out : NULL, &range.from, &range.to);
    if (r->at_len > 0)
        range.from = before;
    TRY(kv_range_open(txn, &range, &it));
    int code = kv_iter_next(it, &s->known, &value);
    kv_iter_close(it);
    TRY(code);
    return key_known_parse(a, s->known, out);
}

static bool
is_whole_due(const struct retention *r, const struct queue *q)
{
    int64_t s = q->record.retention_s.value / RETENTION_WHOLE_PART;
    s = s < RETENTION_WHOLE_S_MIN ? RETENTION_WHOLE_S_MIN : s;
    s = s > RETENTION_WHOLE_S_MAX ? RETENTION_WHOLE_S_MAX : s;
    return r->now_ms / (s * 1000) != r->before_ms / (s * 1000);
}

static int
entry_expire(struct kv_txn *txn, struct step *s, const struct queue *q, const struct head_entry *e,
             int64_t oldest_ms)
{
    struct sqs_delivery_record delivery;
    int code = record_get(txn, &sqs_delivery_record_type,
                          key_due(kv_txn_arena(txn), &q->place, e->due_ms, due_id(e)),
                          KV_SERIALIZABLE, &delivery);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    int64_t sent_ms = delivery.sent_ms.is_present ? delivery.sent_ms.value : e->due_ms;
    if (sent_ms > oldest_ms)
        return OK;
    s->removed++;
    return standard_remove(txn, &q->place, e, &delivery);
}

struct page {
    struct kv_range range;
    struct str *keys;
    size_t count;
    bool is_last;
};

// Keys alone, so that what follows may read and write.
static int
page_read(struct kv_txn *txn, struct page *p)
{
    struct kv_iter *it;
    struct str value;
    int code = OK;
    p->range.limit = RETENTION_PAGE;
    p->range.read = KV_SNAPSHOT;
    p->keys = ARENA_ARRAY(kv_txn_arena(txn), RETENTION_PAGE, struct str);
    TRY(kv_range_open(txn, &p->range, &it));
    while (code == OK && p->count < RETENTION_PAGE) {
        code = kv_iter_next(it, &p->keys[p->count], &value);
        p->count += code == OK;
    }
    kv_iter_close(it);
    p->is_last = code == E_NOT_FOUND;
    return code == E_NOT_FOUND ? OK : code;
}

static int
page_open(struct kv_txn *txn, struct step *s, struct page *p)
{
    struct str at = {s->from->at, s->from->at_len};
    if (str_cmp(at, p->range.from) > 0 && str_cmp(at, p->range.to) < 0)
        p->range.from = at;
    TRY(page_read(txn, p));
    s->next = p->is_last ? (struct str){0} : p->keys[p->count - 1];
    return OK;
}

static int
standard_page(struct kv_txn *txn, struct step *s, const struct queue *q)
{
    struct arena *a = kv_txn_arena(txn);
    int64_t oldest_ms = s->from->now_ms - q->record.retention_s.value * 1000;
    struct page p = {0};
    key_due_range(a, &q->place, INT64_MIN, NULL, &p.range.from, &p.range.to);
    if (!is_whole_due(s->from, q)) {
        struct str end;
        key_due_range(a, &q->place, oldest_ms + 1, NULL, &p.range.to, &end);
    }
    TRY(page_open(txn, s, &p));
    for (size_t i = 0; i < p.count; i++) {
        struct message_id id;
        int64_t due_ms;
        TRY(key_due_parse(a, p.keys[i], &due_ms, &id));
        struct head_entry e = due_entry(due_ms, &id, 0);
        TRY(entry_expire(txn, s, q, &e, oldest_ms));
    }
    return OK;
}

static int
fifo_page(struct kv_txn *txn, struct step *s, const struct queue *q)
{
    struct arena *a = kv_txn_arena(txn);
    struct page p = {0};
    if (!is_whole_due(s->from, q))
        return OK;
    key_group_range(a, &q->place, STR(""), &p.range.from, &p.range.to);
    TRY(page_open(txn, s, &p));
    for (size_t i = 0; i < p.count; i++) {
        struct str group;
        size_t expired;
        TRY(key_group_parse(a, p.keys[i], &group));
        TRY(fifo_expire(txn, q, group, s->from->now_ms, &expired));
        s->removed += expired;
        // There may be more of this group.
        if (expired == RECEIVE_MAX) {
            s->next = p.keys[i];
            return OK;
        }
    }
    return OK;
}

static int
step_body(struct kv_txn *txn, void *arg)
{
    struct step *s = arg;
    struct queue_name name;
    struct queue q;
    s->next = (struct str){0};
    s->removed = 0;
    kv_makes_room(txn);
    TRY(queue_next(txn, s, &name));
    int code = queue_find(txn, NULL, &name, &q);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    return q.record.is_fifo.value ? fifo_page(txn, s, &q) : standard_page(txn, s, &q);
}

void
retention_init(struct retention *r, int64_t now_ms)
{
    *r = (struct retention){.now_ms = now_ms, .before_ms = now_ms};
}

int
retention_step(struct retention *r, struct kv *kv, struct arena *a, int64_t now_ms, size_t *removed)
{
    struct step s = {.from = r};
    if (r->queue_len == 0) {
        r->before_ms = r->now_ms;
        r->now_ms = now_ms;
    }
    int code = kv_run(kv, a, step_body, &s);
    r->at_len = r->queue_len = 0;
    TRY(code);
    memcpy(r->queue, s.known.ptr, s.known.len);
    r->queue_len = s.known.len;
    if (s.next.len > 0)
        memcpy(r->at, s.next.ptr, s.next.len);
    r->at_len = s.next.len;
    *removed = s.removed;
    return OK;
}

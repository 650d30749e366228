// ReceiveMessage, with long polling.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fifo.h"
#include "services/sqs/flights.h"
#include "services/sqs/message.h"
#include "services/sqs/sqs.h"
#include "services/sqs/standard.h"

// Where other processes may use the store, a poll looks that often at least: also for what their
// commits cannot tell it, such as a purge.
enum { WAIT_S_MAX = 20, SHARED_LOOK_MS = 1000 };

static int
range_check(struct call *c, struct opt_int value, const char *parameter, int min, int max)
{
    if (!value.is_present || (value.value >= min && value.value <= max))
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER,
                 "Value %d for parameter %s is invalid. Reason: Must be between %d and %d, if "
                 "provided.",
                 value.value, parameter, min, max);
}

static int
wait_check(struct call *c, struct opt_int wait_s)
{
    if (!wait_s.is_present || (wait_s.value >= 0 && wait_s.value <= WAIT_S_MAX))
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER,
                 "Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= "
                 "%d, if provided.",
                 wait_s.value, WAIT_S_MAX);
}

static int
request_check(struct call *c, const struct sqs_receive_message_request *in)
{
    TRY(range_check(c, in->MaxNumberOfMessages, "MaxNumberOfMessages", 1, RECEIVE_MAX));
    TRY(range_check(c, in->VisibilityTimeout, "VisibilityTimeout", 0, VISIBILITY_S_MAX));
    TRY(wait_check(c, in->WaitTimeSeconds));
    return str_is_present(in->ReceiveRequestAttemptId)
               ? chosen_id_check(c, in->ReceiveRequestAttemptId, "ReceiveRequestAttemptId")
               : OK;
}

static int
type_check(const struct receive *r)
{
    if (!str_is_present(r->attempt_id) || r->queue.record.is_fifo.value)
        return OK;
    return fault(r->c, FAULT_INVALID_PARAMETER,
                 "Value " STR_FMT " for parameter ReceiveRequestAttemptId is invalid. Reason: The "
                 "request include parameter that is not valid for this queue type.",
                 STR_ARG(r->attempt_id));
}

static int
queue_body(struct kv_txn *txn, void *arg)
{
    struct receive *r = arg;
    return queue_get(r->c, txn, r->url, &r->queue);
}

static int
receive_once(struct receive *r)
{
    struct heads *heads = sqs_of(r->c)->heads;
    struct head *h = heads_ref(heads, r->queue.place.generation);
    size_t wanted = r->wanted;
    receive_reset(r);
    r->next_due_ms = INT64_MAX;
    int code = flights_begin(r, h);
    if (code == OK && !r->is_full)
        code = r->queue.record.is_fifo.value ? fifo_receive(r, h) : standard_receive(r, h);
    flights_end(r, h, wanted);
    head_unref(heads, h);
    return code;
}

// The end of a wait: the caller's deadline, or the moment when a hidden message becomes visible.
static int64_t
wait_until(const struct receive *r, int64_t deadline_ns)
{
    if (r->next_due_ms == INT64_MAX)
        return deadline_ns;
    int64_t in_ms = r->next_due_ms - call_now_ms(r->c);
    int64_t due_ns = deadline_in_ms(r->c->cloud->runtime, in_ms > 0 ? in_ms : 0);
    return due_ns < deadline_ns ? due_ns : deadline_ns;
}

// Whoever waits for messages of a generation that was purged meanwhile would not be woken.
static int
is_current(struct receive *r, struct str generation, bool *out)
{
    TRY(kv_run(r->c->kv, r->c->arena, queue_body, r));
    *out = str_eq(r->queue.place.generation, generation);
    return OK;
}

// Takes its place in the lot before it looks, so that a message that comes in between wakes it.
static int
receive_or_wait(struct receive *r, int64_t deadline_ns)
{
    struct lot_ticket ticket;
    struct str generation = r->queue.place.generation;
    bool is_waiting = false;
    lot_enter(sqs_of(r->c)->receivers, generation, &ticket);
    bool is_woken = false;
    int code = receive_once(r);
    if (code == OK && r->count == 0)
        code = is_current(r, generation, &is_waiting);
    if (code == OK && is_waiting && !r->queue.record.is_fifo.value)
        code = standard_next_due(r);
    if (code == OK && is_waiting) {
        int64_t until_ns = wait_until(r, deadline_ns);
        call_begin_wait(r->c);
        code = lot_wait(&ticket, until_ns);
        call_end_wait(r->c);
        is_woken = code == OK;
    }
    if (is_woken)
        code = receive_once(r);
    // Who was woken and looked has used the wake, also when others had been faster: handed on, it
    // would go around among the waiters for ever.
    lot_leave(&ticket, is_woken && code == OK);
    return code == E_TIMEOUT ? OK : code;
}

struct watching {
    struct receive *r;
    struct kv_watch watch;
};

// Before it looks, so that a message that comes in between wakes it.
static int
watching_body(struct kv_txn *txn, void *arg)
{
    struct watching *w = arg;
    struct arena *a = kv_txn_arena(txn);
    TRY(queue_body(txn, w->r));
    const struct queue *q = &w->r->queue;
    bool is_fifo = q->record.is_fifo.value;
    struct str start = is_fifo ? key_ready_start(a, &q->place) : key_due_start(a, &q->place);
    return kv_watch(txn, start, &w->watch);
}

static int
watch_wait(struct watching *w, int64_t deadline_ns)
{
    struct call *c = w->r->c;
    int64_t look_ns = deadline_in_ms(c->cloud->runtime, SHARED_LOOK_MS);
    int64_t until_ns = wait_until(w->r, deadline_ns);
    call_begin_wait(c);
    int code = kv_watch_wait(&w->watch, until_ns < look_ns ? until_ns : look_ns);
    call_end_wait(c);
    return code;
}

// As receive_or_wait, where the commits of other processes must wake it too: all who wait are
// woken by each.
static int
receive_or_watch(struct receive *r, int64_t deadline_ns)
{
    struct watching w = {.r = r};
    int code = kv_run(r->c->kv, r->c->arena, watching_body, &w);
    if (code == OK)
        code = receive_once(r);
    bool is_waiting = code == OK && r->count == 0;
    if (is_waiting && !r->queue.record.is_fifo.value)
        code = standard_next_due(r);
    if (is_waiting && code == OK)
        code = watch_wait(&w, deadline_ns);
    kv_watch_end(&w.watch);
    return code == E_TIMEOUT ? OK : code;
}

static int
receive_poll(struct receive *r, int64_t deadline_ns)
{
    return sqs_is_shared(sqs_of(r->c)) ? receive_or_watch(r, deadline_ns)
                                       : receive_or_wait(r, deadline_ns);
}

static int
receive_run(struct receive *r, struct opt_int wait_s)
{
    struct runtime *rt = r->c->cloud->runtime;
    struct arena_mark mark = arena_mark(r->c->arena);
    int64_t deadline_ns = 0;
    for (;;) {
        TRY(kv_run(r->c->kv, r->c->arena, queue_body, r));
        TRY(type_check(r));
        int64_t s = wait_s.is_present ? wait_s.value : r->queue.record.wait_s.value;
        if (deadline_ns == 0)
            deadline_ns = deadline_in_ms(rt, s * 1000);
        TRY(s > 0 ? receive_poll(r, deadline_ns) : receive_once(r));
        // AWS: "If you use long polling, Amazon SQS returns no error messages." The words are from
        // Cbsoftware/pressureNET-server#74.
        if (r->is_full && s == 0 && !r->queue.record.is_fifo.value)
            return fault(r->c, SQS_OVER_LIMIT,
                         "Too many messages have been received without being deleted.\nPlease "
                         "delete your received messages or let them timeout before receiving "
                         "more.");
        if (r->count > 0 || clock_mono_ns(rt) >= deadline_ns)
            return OK;
        // A poll may look many times while it waits.
        arena_rewind(r->c->arena, mark);
    }
}

static bool
is_system_asked(const struct sqs_receive_message_request *in, const char *name)
{
    const struct sqs_attribute_name_list *old = &in->AttributeNames;
    const struct sqs_message_system_attribute_list *names = &in->MessageSystemAttributeNames;
    for (size_t i = 0; i < old->count; i++)
        if (str_eq(old->items[i], STR("All")) || str_eq(old->items[i], str_of(name)))
            return true;
    for (size_t i = 0; i < names->count; i++)
        if (str_eq(names->items[i], STR("All")) || str_eq(names->items[i], str_of(name)))
            return true;
    return false;
}

static struct str
number_print(struct arena *a, int64_t number)
{
    return arena_print(a, "%lld", (long long)number);
}

static void
system_attributes_put(struct receive *r, const struct sqs_receive_message_request *in,
                      const struct delivery *d, struct sqs_message_system_attribute_map *out)
{
    struct arena *a = r->c->arena;
    bool is_fifo = r->queue.record.is_fifo.value;
    const struct {
        const char *name;
        struct str value;
    } all[] = {
        {"SenderId", d->message.sender_id},
        {"SentTimestamp", number_print(a, d->message.sent_ms.value)},
        {"ApproximateReceiveCount", number_print(a, d->receive_count)},
        {"ApproximateFirstReceiveTimestamp", number_print(a, d->first_received_ms)},
        {"MessageGroupId", d->message.group_id},
        {"MessageDeduplicationId", d->message.deduplication_id},
        {"SequenceNumber", is_fifo ? sequence_print(a, &d->sequence) : (struct str){0}},
        {"AWSTraceHeader", d->message.trace_header},
        {"DeadLetterQueueSourceArn", d->message.source_arn},
    };
    out->items = arena_alloc_array(a, COUNT_OF(all), sizeof(out->items[0]));
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (!str_is_present(all[i].value) || !is_system_asked(in, all[i].name))
            continue;
        out->items[out->count].key = str_of(all[i].name);
        out->items[out->count++].value = all[i].value;
    }
    if (out->count == 0)
        out->items = NULL;
}

// "All", ".*", a name, or "prefix.*".
static bool
is_attribute_asked(const struct sqs_message_attribute_name_list *names, struct str name)
{
    for (size_t i = 0; i < names->count; i++) {
        struct str asked = names->items[i];
        if (str_eq(asked, STR("All")) || str_eq(asked, STR(".*")) || str_eq(asked, name))
            return true;
        if (str_ends(asked, STR(".*")) && str_starts(name, str_slice(asked, 0, asked.len - 2)))
            return true;
    }
    return false;
}

static void
attributes_put(struct arena *a, const struct sqs_receive_message_request *in,
               const struct delivery *d, struct sqs_message *out)
{
    const struct sqs_attribute_list_record *all = &d->message.attributes;
    struct sqs_attribute_list_record asked = {
        .items = arena_alloc_array(a, all->count, sizeof(asked.items[0]))};
    for (size_t i = 0; i < all->count; i++)
        if (is_attribute_asked(&in->MessageAttributeNames, all->items[i].name))
            asked.items[asked.count++] = all->items[i];
    if (asked.count == 0)
        return;
    struct sqs_message_body_attribute_map *map = &out->MessageAttributes;
    map->items = arena_alloc_array(a, asked.count, sizeof(map->items[0]));
    map->count = asked.count;
    out->MD5OfMessageAttributes = message_attributes_md5(a, &asked);
    for (size_t i = 0; i < asked.count; i++) {
        map->items[i].key = asked.items[i].name;
        map->items[i].value = (struct sqs_message_attribute_value){
            .DataType = asked.items[i].data_type,
            .StringValue = asked.items[i].string_value,
            .BinaryValue = asked.items[i].binary_value,
        };
    }
}

static struct str
delivery_receipt(const struct receive *r, const struct delivery *d)
{
    struct receipt receipt = {
        .id = d->id,
        .receive_count = d->receive_count,
        .due_ms = d->due_ms,
        .sequence = d->sequence,
    };
    if (r->queue.record.is_fifo.value)
        receipt.group = d->message.group_id;
    memcpy(receipt.generation, r->queue.place.generation.ptr, GENERATION_BYTES);
    return receipt_print(r->c->arena, &receipt);
}

static void
delivery_print(struct receive *r, const struct sqs_receive_message_request *in,
               const struct delivery *d, struct sqs_message *out)
{
    struct arena *a = r->c->arena;
    *out = (struct sqs_message){
        .MessageId = message_id_print(a, &d->id),
        .ReceiptHandle = delivery_receipt(r, d),
        .MD5OfBody = message_body_md5(a, d->message.body),
        .Body = d->message.body,
    };
    system_attributes_put(r, in, d, &out->Attributes);
    attributes_put(a, in, d, out);
}

int
sqs_receive_message(struct call *c, const struct sqs_receive_message_request *in,
                    struct sqs_receive_message_result *out)
{
    struct receive r = {.c = c, .url = in->QueueUrl, .wanted = 1, .visibility_s = -1};
    TRY(request_check(c, in));
    r.attempt_id = in->ReceiveRequestAttemptId;
    if (in->MaxNumberOfMessages.is_present)
        r.wanted = (size_t)in->MaxNumberOfMessages.value;
    if (in->VisibilityTimeout.is_present)
        r.visibility_s = in->VisibilityTimeout.value;
    int code = receive_run(&r, in->WaitTimeSeconds);
    // No messages is a good answer for a poll that is cancelled because c10m stops.
    if (code != OK && code != E_CANCELLED)
        return code;
    // What was hidden by this receive becomes visible again at a time that waiters do not know yet.
    if (r.count > 0)
        lot_wake(sqs_of(c)->receivers, r.queue.place.generation, 1);
    // AWS leaves the member out when there are no messages.
    if (r.count == 0)
        return OK;
    out->Messages.items = arena_alloc_array(c->arena, r.count, sizeof(out->Messages.items[0]));
    out->Messages.count = r.count;
    for (size_t i = 0; i < r.count; i++)
        delivery_print(&r, in, &r.deliveries[i], &out->Messages.items[i]);
    return OK;
}

// StartMessageMoveTask, CancelMessageMoveTask and ListMessageMoveTasks: the tasks' records.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/counts.h"
#include "services/sqs/message.h"
#include "services/sqs/mover.h"
#include "services/sqs/movers.h"
#include "services/sqs/redrive.h"
#include "services/sqs/sqs.h"
#include "src/base/encoding.h"
#include "src/wire/json.h"

enum {
    MOVE_PER_SECOND_MAX = 500,
    MOVES_LISTED_MAX = 10, // older ones are forgotten
    MOVES_ACTIVE_MAX = 100,
    HANDLE_DEPTH_MAX = 2,
};

static int
arn_read(struct call *c, struct str arn, const char *parameter, struct queue_name *out)
{
    if (queue_arn_parse(arn, out) == OK)
        return OK;
    return fault(c, FAULT_INVALID_PARAMETER,
                 "You must use this format to specify the %s: "
                 "arn:<partition>:<service>:<region>:<account-id>:<resource-id>",
                 parameter);
}

static int
resource_missing(struct call *c, const char *parameter)
{
    return fault(c, SQS_RESOURCE_NOT_FOUND_EXCEPTION,
                 "The resource that you specified for the %s parameter doesn't exist.", parameter);
}

// The queue that an ARN names, which another account's or region's never does.
static int
arn_find(struct call *c, struct kv_txn *txn, const struct queue_name *name, const char *parameter,
         struct queue *out)
{
    if (!str_eq(name->account, c->principal.account) || !str_eq(name->region, c->region))
        return resource_missing(c, parameter);
    int code = queue_find(txn, NULL, name, out);
    return code == E_NOT_FOUND ? resource_missing(c, parameter) : code;
}

// {"taskId":"...","sourceArn":"..."} in base64: as AWS makes them, though nobody should look
// inside.
static struct str
handle_print(struct arena *a, struct str task_id, struct str source_arn)
{
    struct buf json, handle;
    struct message_id id;
    memcpy(id.bytes, task_id.ptr, MESSAGE_ID_BYTES);
    buf_init(&json, a, 256);
    buf_put(&json, STR("{\"taskId\":\""));
    buf_put(&json, message_id_print(a, &id));
    buf_put(&json, STR("\",\"sourceArn\":"));
    json_put_string(&json, source_arn);
    buf_put_char(&json, '}');
    buf_init(&handle, a, 512);
    base64_encode(buf_str(&json), &handle);
    return buf_str(&handle);
}

static int
handle_members_read(struct arena *a, struct str json, struct str *task_id, struct str *source_arn)
{
    struct json_reader r;
    struct str key;
    bool more;
    json_reader_init(&r, json, a, HANDLE_DEPTH_MAX);
    TRY(json_object_begin(&r));
    for (;;) {
        TRY(json_object_next(&r, &more, &key));
        if (!more)
            return json_end(&r);
        if (str_eq(key, STR("taskId")))
            TRY(json_read_string(&r, task_id));
        else if (str_eq(key, STR("sourceArn")))
            TRY(json_read_string(&r, source_arn));
        else
            TRY(json_skip(&r));
    }
}

struct start {
    struct call *c;
    const struct sqs_start_message_move_task_request *in;
    struct queue_name source_name;
    struct queue_name destination_name;
    struct str task_id;
    struct queue source;
};

static int
destination_check(struct kv_txn *txn, struct start *s)
{
    struct call *c = s->c;
    struct queue destination = {0};
    if (!str_is_present(s->in->DestinationArn))
        return OK;
    TRY(arn_find(c, txn, &s->destination_name, "DestinationArn", &destination));
    if (str_eq(destination.name, s->source.name))
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Source queue arn and destination queue arn cannot be the same.");
    if (destination.record.is_fifo.value != s->source.record.is_fifo.value)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "The destination queue must be of the same type as the source queue.");
    return OK;
}

static int
active_check(struct kv_txn *txn, struct start *s)
{
    struct arena *a = kv_txn_arena(txn);
    struct call *c = s->c;
    struct kv_range range = {.limit = MOVES_ACTIVE_MAX};
    struct kv_iter *it;
    struct str key, value;
    size_t active = 0;
    int code;
    TRY(kv_get(txn, key_moving(a, &s->source_name), KV_SERIALIZABLE, &value));
    if (str_is_present(value))
        return fault(c, SQS_UNSUPPORTED_OPERATION,
                     "There is already a task running. Only one active task is allowed for a "
                     "source queue arn at a given time.");
    key_moving_account_range(a, c->principal.account, c->region, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK && ++active < MOVES_ACTIVE_MAX)
        ;
    kv_iter_close(it);
    if (code == OK)
        return fault(c, SQS_OVER_LIMIT, "At most %d message movement tasks can be active.",
                     MOVES_ACTIVE_MAX);
    return code == E_NOT_FOUND ? OK : code;
}

// Newest first.
struct moves {
    struct str keys[MOVES_LISTED_MAX];
    struct sqs_move_record records[MOVES_LISTED_MAX];
    size_t count;
};

static int
moves_get(struct kv_txn *txn, const struct queue *q, size_t max, struct moves *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct kv_range range = {.limit = max, .is_reverse = true};
    struct kv_iter *it;
    int code = OK;
    out->count = 0;
    key_move_range(a, &q->place, &range.from, &range.to);
    TRY(kv_range_open(txn, &range, &it));
    while (code == OK && out->count < max) {
        struct str value;
        code = kv_iter_next(it, &out->keys[out->count], &value);
        if (code == OK)
            code = record_decode(&sqs_move_record_type, value, a, &out->records[out->count]);
        out->count += code == OK;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

// Makes room for one more.
static int
moves_trim(struct kv_txn *txn, const struct queue *q)
{
    struct moves *moves = ARENA_NEW(kv_txn_arena(txn), struct moves);
    TRY(moves_get(txn, q, MOVES_LISTED_MAX, moves));
    return moves->count < MOVES_LISTED_MAX ? OK : kv_del(txn, moves->keys[moves->count - 1]);
}

static int
task_add(struct kv_txn *txn, struct start *s)
{
    struct arena *a = kv_txn_arena(txn);
    int64_t now_ms = call_now_ms(s->c);
    struct counts counts;
    // Before anything is written: counting gives the arena's memory back, where that would lie.
    TRY(counts_get(txn, &s->source, now_ms, &counts));
    struct sqs_move_record move = {
        .status = STR(MOVE_RUNNING),
        .destination_arn = s->in->DestinationArn,
        .per_second_max = s->in->MaxNumberOfMessagesPerSecond,
        .moved = OPT_LONG(0),
        .to_move = OPT_LONG(counts.visible),
    };
    struct sqs_moving_record moving = {
        .generation = s->source.place.generation,
        .started_ms = OPT_LONG(now_ms),
        .task_id = s->task_id,
    };
    TRY(moves_trim(txn, &s->source));
    TRY(record_set(txn, &sqs_moving_record_type, key_moving(a, &s->source_name), &moving));
    return record_set(txn, &sqs_move_record_type, key_move(a, &s->source.place, now_ms, s->task_id),
                      &move);
}

static int
start_body(struct kv_txn *txn, void *arg)
{
    struct start *s = arg;
    bool is_dead_letter = false;
    TRY(arn_find(s->c, txn, &s->source_name, "SourceArn", &s->source));
    TRY(redrive_is_dead_letter(txn, &s->source, &is_dead_letter));
    if (!is_dead_letter)
        return fault(s->c, FAULT_INVALID_PARAMETER,
                     "Source queue must be configured as a Dead Letter Queue.");
    TRY(destination_check(txn, s));
    TRY(active_check(txn, s));
    return task_add(txn, s);
}

int
sqs_start_message_move_task(struct call *c, const struct sqs_start_message_move_task_request *in,
                            struct sqs_start_message_move_task_result *out)
{
    struct start s = {.c = c, .in = in};
    struct opt_int per_second = in->MaxNumberOfMessagesPerSecond;
    struct message_id id = message_id_new(c->cloud->runtime);
    s.task_id = arena_copy(c->arena, (struct str){id.bytes, MESSAGE_ID_BYTES});
    TRY(arn_read(c, in->SourceArn, "SourceArn", &s.source_name));
    if (str_is_present(in->DestinationArn))
        TRY(arn_read(c, in->DestinationArn, "DestinationArn", &s.destination_name));
    if (per_second.is_present && (per_second.value < 1 || per_second.value > MOVE_PER_SECOND_MAX))
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value %d for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must "
                     "be an integer from 1 to 500.",
                     per_second.value);
    TRY(kv_run(c->kv, c->arena, start_body, &s));
    movers_wake(sqs_of(c)->movers);
    out->TaskHandle = handle_print(c->arena, s.task_id, in->SourceArn);
    return OK;
}

struct cancel {
    struct call *c;
    struct queue_name source;
    struct str task_id; // as text
    struct sqs_move_record move;
};

static bool
is_task(struct arena *a, struct str task_id, struct str text)
{
    struct message_id id;
    memcpy(id.bytes, task_id.ptr, MESSAGE_ID_BYTES);
    return str_eq_nocase(message_id_print(a, &id), text);
}

// E_NOT_FOUND: the queue has no such task.
static int
move_find(struct kv_txn *txn, const struct queue *q, struct str task_text, struct str *key,
          struct sqs_move_record *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct moves *moves = ARENA_NEW(a, struct moves);
    TRY(moves_get(txn, q, MOVES_LISTED_MAX, moves));
    for (size_t i = 0; i < moves->count; i++) {
        int64_t started_ms;
        struct str task_id = {0};
        TRY(key_move_parse(a, moves->keys[i], &started_ms, &task_id));
        *key = moves->keys[i];
        *out = moves->records[i];
        if (is_task(a, task_id, task_text))
            return OK;
    }
    return E_NOT_FOUND;
}

static int
cancel_body(struct kv_txn *txn, void *arg)
{
    struct cancel *s = arg;
    struct queue source = {0};
    struct str key = {0};
    TRY(arn_find(s->c, txn, &s->source, "TaskHandle", &source));
    int code = move_find(txn, &source, s->task_id, &key, &s->move);
    if (code == E_NOT_FOUND)
        return resource_missing(s->c, "TaskHandle");
    TRY(code);
    if (!str_eq(s->move.status, STR(MOVE_RUNNING)))
        return fault(s->c, SQS_UNSUPPORTED_OPERATION,
                     "A message movement task can only be cancelled when its status is RUNNING. "
                     "The status of this one is " STR_FMT ".",
                     STR_ARG(s->move.status));
    s->move.status = STR(MOVE_CANCELLING);
    return record_set(txn, &sqs_move_record_type, key, &s->move);
}

int
sqs_cancel_message_move_task(struct call *c, const struct sqs_cancel_message_move_task_request *in,
                             struct sqs_cancel_message_move_task_result *out)
{
    struct cancel s = {.c = c};
    struct str json, source_arn = {0};
    if (base64_decode(c->arena, in->TaskHandle, &json) != OK ||
        handle_members_read(c->arena, json, &s.task_id, &source_arn) != OK ||
        queue_arn_parse(source_arn, &s.source) != OK)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value " STR_FMT " for parameter TaskHandle is invalid.",
                     STR_ARG(in->TaskHandle));
    TRY(kv_run(c->kv, c->arena, cancel_body, &s));
    movers_wake(sqs_of(c)->movers);
    out->ApproximateNumberOfMessagesMoved = s.move.moved;
    return OK;
}

struct list {
    struct call *c;
    struct queue_name source;
    size_t max;
    struct moves moves;
};

static int
list_body(struct kv_txn *txn, void *arg)
{
    struct list *s = arg;
    struct queue source = {0};
    TRY(arn_find(s->c, txn, &s->source, "SourceArn", &source));
    return moves_get(txn, &source, s->max, &s->moves);
}

static int
entry_print(struct call *c, struct str key, const struct sqs_move_record *move,
            struct str source_arn, struct sqs_list_message_move_tasks_result_entry *out)
{
    int64_t started_ms;
    struct str task_id;
    TRY(key_move_parse(c->arena, key, &started_ms, &task_id));
    *out = (struct sqs_list_message_move_tasks_result_entry){
        .Status = move->status,
        .SourceArn = source_arn,
        .DestinationArn = move->destination_arn,
        .MaxNumberOfMessagesPerSecond = move->per_second_max,
        .ApproximateNumberOfMessagesMoved = move->moved,
        .ApproximateNumberOfMessagesToMove = move->to_move,
        .FailureReason = move->failure_reason,
        .StartedTimestamp = OPT_LONG(started_ms),
    };
    if (str_eq(move->status, STR(MOVE_RUNNING)))
        out->TaskHandle = handle_print(c->arena, task_id, source_arn);
    return OK;
}

int
sqs_list_message_move_tasks(struct call *c, const struct sqs_list_message_move_tasks_request *in,
                            struct sqs_list_message_move_tasks_result *out)
{
    struct list *s = ARENA_NEW(c->arena, struct list);
    struct opt_int max = in->MaxResults;
    *s = (struct list){.c = c, .max = max.is_present ? (size_t)max.value : 1};
    TRY(arn_read(c, in->SourceArn, "SourceArn", &s->source));
    if (max.is_present && (max.value < 1 || max.value > MOVES_LISTED_MAX))
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value %d for parameter MaxResults is invalid. Reason: Must be an integer "
                     "from 1 to 10.",
                     max.value);
    TRY(kv_run(c->kv, c->arena, list_body, s));
    out->Results.items = arena_alloc_array(c->arena, s->moves.count, sizeof(out->Results.items[0]));
    out->Results.count = s->moves.count;
    for (size_t i = 0; i < s->moves.count; i++)
        TRY(entry_print(c, s->moves.keys[i], &s->moves.records[i], in->SourceArn,
                        &out->Results.items[i]));
    return OK;
}

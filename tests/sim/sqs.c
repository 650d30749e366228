// Clients of SQS: senders and receivers, and the model that watches them.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "services/sqs/sqs_api.h"
#include "tests/sim/client.h"
#include "tests/sim/failure.h"
#include "tests/sim/model.h"
#include "tests/sim/world.h"

enum {
    STANDARD_QUEUES = 2,
    QUEUES = 3, // the last one is FIFO
    SENDERS = 3,
    RECEIVERS = 4,
    GROUPS = 2,
    CALL_MS = 30 * 1000,
    BATCH_MAX = 10,
    DRAIN_S_MAX = 300,
    HIDDEN_S_MAX = 15,
    IDLE_MS_MAX = 1500,
};
#define MS INT64_C(1000000)
#define S (1000 * MS)

struct sqs_load {
    struct world *world;
    struct runtime *runtime;
    struct model *model;
    unsigned running; // fibers
    unsigned groups_started;
};

static const char *const queue_names[QUEUES] = {"jobs", "mail", "orders.fifo"};

static bool
is_fifo(unsigned queue)
{
    return queue >= STANDARD_QUEUES;
}

// -- calls

struct caller {
    struct sqs_load *load;
    struct client client;
    struct arena arena;
};

static void
caller_init(struct caller *c, struct sqs_load *l)
{
    *c = (struct caller){.load = l, .client = {.loop = runtime_loop(l->runtime, 0)}};
    arena_init(&c->arena);
}

static void
caller_fini(struct caller *c)
{
    client_close(&c->client);
    arena_fini(&c->arena);
}

static void
pause_ms(struct sqs_load *l, uint64_t ms_max)
{
    CHECK(fiber_sleep_until(deadline_in_ms(l->runtime, (int64_t)sim_random(ms_max))) == OK);
}

static struct str
queue_url(struct caller *c, unsigned queue)
{
    return arena_print(&c->arena, "http://localhost:%u/000000000000/%s", CLOUD_PORT_FIRST,
                       queue_names[queue]);
}

// Any of the clouds; mostly the one of the last time.
static enum call_result
call(struct caller *c, const char *operation, const void *in, void *out, struct call_error *error)
{
    struct world *w = c->load->world;
    uint16_t port = (uint16_t)(CLOUD_PORT_FIRST + sim_random(w->node_count));
    if (c->client.port != port && (c->client.port == 0 || sim_chance(8))) {
        client_close(&c->client);
        c->client.port = port;
    }
    enum call_result result =
        client_call(&c->client, &sqs_service, operation, in, &c->arena, CALL_MS, out, error);
    sim_trace("call %s %s %d " STR_FMT, operation,
              (const char *[]){"done", "refused", "unknown"}[result], error->status,
              STR_ARG(error->name));
    if (result == CALL_UNKNOWN) {
        client_close(&c->client);
        c->client.port = 0;
    }
    return result;
}

// -- senders

static enum sent
sent_of(enum call_result result)
{
    return result == CALL_DONE ? SENT_SURELY : result == CALL_UNKNOWN ? SENT_MAYBE : SENT_NEVER;
}

static void
refused(const char *operation, const struct call_error *error)
{
    failure("refused: %s answered %d " STR_FMT, operation, error->status, STR_ARG(error->name));
}

static enum sent
send_once(struct caller *c, size_t number)
{
    struct model *m = c->load->model;
    const struct model_message *msg = &m->messages[number];
    char body[MODEL_BODY_BYTES], group[16];
    struct sqs_send_message_request in = {.QueueUrl = queue_url(c, msg->queue)};
    struct sqs_send_message_result out = {0};
    struct call_error error;
    model_body(number, body);
    in.MessageBody = str_of(body);
    if (is_fifo(msg->queue)) {
        snprintf(group, sizeof(group), "group-%u", msg->group);
        in.MessageGroupId = str_of(group);
        in.MessageDeduplicationId = str_of(body);
    } else if (sim_chance(4)) {
        in.DelaySeconds = (struct opt_int){.is_present = true, .value = (int32_t)sim_random(4)};
    }
    // It may come before its answer does.
    model_sent(m, number, SENT_MAYBE, (struct str){0});
    enum call_result result = call(c, "SendMessage", &in, &out, &error);
    if (result == CALL_REFUSED)
        refused("SendMessage", &error);
    model_sent(m, number, sent_of(result), out.MessageId);
    return sent_of(result);
}

static void
standard_sender(struct caller *c)
{
    struct sqs_load *l = c->load;
    while (!l->world->is_over && l->model->count < MODEL_MESSAGES_MAX - SENDERS - GROUPS) {
        (void)send_once(c, model_add(l->model, (unsigned)sim_random(STANDARD_QUEUES), 0));
        arena_reset(&c->arena);
        if (!sim_chance(4))
            pause_ms(l, IDLE_MS_MAX);
    }
}

// One group each: the next is sent only when this one is there, and until then it is tried again
// with the same deduplication id.
static void
fifo_sender(struct caller *c)
{
    struct sqs_load *l = c->load;
    unsigned group = l->groups_started++;
    while (!l->world->is_over && l->model->count < MODEL_MESSAGES_MAX - SENDERS - GROUPS) {
        size_t number = model_add(l->model, STANDARD_QUEUES, group);
        while (send_once(c, number) != SENT_SURELY) {
            arena_reset(&c->arena);
            pause_ms(l, 500);
        }
        arena_reset(&c->arena);
        pause_ms(l, IDLE_MS_MAX);
    }
}

// -- receivers

struct taken {
    size_t number;
    struct str handle;
    int64_t hidden_until_ns;
};

static void
delete_one(struct caller *c, unsigned queue, const struct taken *t)
{
    struct sqs_delete_message_request in = {.QueueUrl = queue_url(c, queue),
                                            .ReceiptHandle = t->handle};
    struct call_error error;
    model_delete_asked(c->load->model, t->number);
    enum call_result result = call(c, "DeleteMessage", &in, NULL, &error);
    int64_t now_ns = sim_now_ns();
    if (result == CALL_DONE)
        model_deleted(c->load->model, t->number, now_ns, now_ns < t->hidden_until_ns);
}

static void
show_one(struct caller *c, unsigned queue, const struct taken *t)
{
    int32_t hidden_s = (int32_t)sim_random(4);
    struct sqs_change_message_visibility_request in = {
        .QueueUrl = queue_url(c, queue),
        .ReceiptHandle = t->handle,
        .VisibilityTimeout = {.is_present = true, .value = hidden_s},
    };
    struct call_error error;
    int64_t asked_ns = sim_now_ns();
    bool is_ours = asked_ns < t->hidden_until_ns;
    model_shown_asked(c->load->model, t->number);
    if (call(c, "ChangeMessageVisibility", &in, NULL, &error) != CALL_DONE || !is_ours)
        return;
    if (sim_now_ns() < t->hidden_until_ns) // nobody else can have taken it meanwhile
        model_shown(c->load->model, t->number, asked_ns, hidden_s * S);
}

static void
treat(struct caller *c, unsigned queue, const struct taken *t)
{
    struct sqs_load *l = c->load;
    if (l->world->is_over) {
        delete_one(c, queue, t);
        return;
    }
    switch (sim_random(10)) {
    case 0: // forgets it
        return;
    case 1:
        show_one(c, queue, t);
        return;
    case 2:
        pause_ms(l, 2000);
        break;
    default:
        break;
    }
    delete_one(c, queue, t);
}

static size_t
take(struct caller *c, unsigned queue, int wait_s, struct taken *out)
{
    int32_t hidden_s = 1 + (int32_t)sim_random(HIDDEN_S_MAX);
    struct sqs_receive_message_request in = {
        .QueueUrl = queue_url(c, queue),
        .MaxNumberOfMessages = {.is_present = true, .value = 1 + (int32_t)sim_random(BATCH_MAX)},
        .VisibilityTimeout = {.is_present = true, .value = hidden_s},
        .WaitTimeSeconds = {.is_present = true, .value = wait_s},
    };
    struct sqs_receive_message_result result = {0};
    struct call_error error;
    struct model_receive r = {.queue = queue, .asked_ns = sim_now_ns(), .hidden_ns = hidden_s * S};
    enum call_result done = call(c, "ReceiveMessage", &in, &result, &error);
    if (done == CALL_REFUSED)
        refused("ReceiveMessage", &error);
    if (done != CALL_DONE)
        return 0;
    size_t numbers[BATCH_MAX], count = 0;
    r.answered_ns = sim_now_ns();
    r.first = numbers;
    for (; count < result.Messages.count && count < BATCH_MAX; r.first_count = ++count) {
        const struct sqs_message *msg = &result.Messages.items[count];
        numbers[count] = model_received(c->load->model, &r, msg->Body, msg->MessageId);
        out[count] = (struct taken){numbers[count], msg->ReceiptHandle, r.asked_ns + r.hidden_ns};
    }
    return count;
}

static void
receive_once(struct caller *c, unsigned queue, int wait_s)
{
    struct taken taken[BATCH_MAX];
    size_t count = take(c, queue, wait_s, taken);
    // FIFO order is the client's to keep: it treats them one after the other.
    for (size_t i = 0; i < count; i++)
        treat(c, queue, &taken[i]);
    arena_reset(&c->arena);
}

static void
receiver(struct caller *c)
{
    struct sqs_load *l = c->load;
    while (!l->world->is_over) {
        receive_once(c, (unsigned)sim_random(QUEUES), sim_chance(2) ? (int)sim_random(12) : 0);
        if (sim_chance(2))
            pause_ms(l, IDLE_MS_MAX);
    }
}

// -- beginning and end

struct start {
    struct sqs_load *load;
    void (*fn)(struct caller *c);
};

static void
fiber_main(void *arg)
{
    struct start *s = arg;
    struct caller c;
    caller_init(&c, s->load);
    s->fn(&c);
    caller_fini(&c);
    s->load->running--;
    free(s);
}

static void
start_fiber(struct sqs_load *l, void (*fn)(struct caller *c))
{
    struct start *s = calloc(1, sizeof(*s));
    CHECK(s);
    *s = (struct start){l, fn};
    l->running++;
    CHECK(fiber_start(runtime_loop(l->runtime, 0), "client", fiber_main, s, NULL) == OK);
}

static void
make_queue(struct caller *c, unsigned queue)
{
    struct sqs_queue_attribute_map_entry fifo = {STR("FifoQueue"), STR("true")};
    struct sqs_create_queue_request in = {.QueueName = str_of(queue_names[queue])};
    struct sqs_create_queue_result out;
    struct call_error error;
    if (is_fifo(queue)) {
        in.Attributes.items = &fifo;
        in.Attributes.count = 1;
    }
    while (call(c, "CreateQueue", &in, &out, &error) != CALL_DONE)
        pause_ms(c->load, 500);
    arena_reset(&c->arena);
}

static int
begin(void *arg)
{
    struct sqs_load *l = arg;
    struct caller c;
    caller_init(&c, l);
    for (unsigned i = 0; i < QUEUES; i++)
        make_queue(&c, i);
    caller_fini(&c);
    for (int i = 0; i < SENDERS; i++)
        start_fiber(l, standard_sender);
    for (int i = 0; i < GROUPS; i++)
        start_fiber(l, fifo_sender);
    for (int i = 0; i < RECEIVERS; i++)
        start_fiber(l, receiver);
    return OK;
}

struct sqs_load *
sqs_load_start(struct world *w)
{
    struct sqs_load *l = calloc(1, sizeof(*l));
    CHECK(l);
    l->world = w;
    l->model = calloc(1, sizeof(*l->model));
    CHECK(l->model);
    l->model->is_fifo[STANDARD_QUEUES] = true;
    CHECK(runtime_new(&(struct runtime_options){.loops = 1}, &l->runtime) == OK);
    CHECK(runtime_call(l->runtime, begin, l) == OK);
    return l;
}

static int
drain(void *arg)
{
    struct sqs_load *l = arg;
    struct caller c;
    int64_t until_ns = sim_now_ns() + DRAIN_S_MAX * S;
    caller_init(&c, l);
    while (l->running > 0 && sim_now_ns() < until_ns)
        pause_ms(l, 500);
    if (l->running > 0)
        failure("stuck: %u clients do not end", l->running);
    for (unsigned i = 0; i < QUEUES; i++)
        while (model_left(l->model, i) > 0 && sim_now_ns() < until_ns)
            receive_once(&c, i, 2);
    caller_fini(&c);
    return OK;
}

void
sqs_load_end(struct sqs_load *l)
{
    CHECK(runtime_call(l->runtime, drain, l) == OK);
    model_check_end(l->model);
    sim_trace("messages: %zu sent, %zu received, %zu deleted", l->model->sent, l->model->received,
              l->model->deleted);
    runtime_free(l->runtime);
    free(l->model);
    free(l);
}

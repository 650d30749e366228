// What CloudWatch is told of queues.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/measure.h"

#include "services/sqs/gauges.h"
#include "services/sqs/sqs.h"
#include "src/cloud/statistics.h"

#include "services/sqs/sqs_api.h"

struct measure {
    struct call *c;
    struct metric_dimension queue;
    struct metric_series series;
};

static int
measure_init(struct measure *m, struct call *c, struct str url)
{
    struct str account, name;
    m->c = c;
    TRY(queue_url_parse(c, url, &account, &name));
    gauges_touch(sqs_of(c)->gauges, c->arena, &(struct queue_name){account, c->region, name});
    m->queue = (struct metric_dimension){STR("QueueName"), name};
    m->series = (struct metric_series){
        .account = account,
        .region = c->region,
        .name_space = STR("AWS/SQS"),
        .dimensions = &m->queue,
        .dimension_count = 1,
    };
    return OK;
}

static void
add(struct measure *m, const char *name, double value)
{
    m->series.name = str_of(name);
    statistics_add(m->c->cloud->statistics, m->c->arena, &m->series, value);
}

void
measure_deduplicated(struct call *c, struct str url, size_t count)
{
    struct measure m;
    if (count > 0 && measure_init(&m, c, url) == OK)
        add(&m, "NumberOfDeduplicatedSentMessages", (double)count);
}

// One sample a call: the Sum is the number of messages, the SampleCount that of calls.
static void
measure_send(struct call *c)
{
    const struct sqs_send_message_request *in = c->in;
    struct measure m;
    if (measure_init(&m, c, in->QueueUrl) != OK)
        return;
    add(&m, "NumberOfMessagesSent", 1);
    add(&m, "SentMessageSize", (double)in->MessageBody.len);
}

static bool
is_sent(const struct sqs_send_message_batch_result *out, struct str id)
{
    for (size_t i = 0; i < out->Successful.count; i++)
        if (str_eq(out->Successful.items[i].Id, id))
            return true;
    return false;
}

static void
measure_send_batch(struct call *c)
{
    const struct sqs_send_message_batch_request *in = c->in;
    const struct sqs_send_message_batch_result *out = c->out;
    struct measure m;
    if (measure_init(&m, c, in->QueueUrl) != OK || out->Successful.count == 0)
        return;
    add(&m, "NumberOfMessagesSent", (double)out->Successful.count);
    for (size_t i = 0; i < in->Entries.count; i++)
        if (is_sent(out, in->Entries.items[i].Id))
            add(&m, "SentMessageSize", (double)in->Entries.items[i].MessageBody.len);
}

static void
measure_receive(struct call *c)
{
    const struct sqs_receive_message_request *in = c->in;
    const struct sqs_receive_message_result *out = c->out;
    struct measure m;
    if (measure_init(&m, c, in->QueueUrl) != OK)
        return;
    if (out->Messages.count > 0)
        add(&m, "NumberOfMessagesReceived", (double)out->Messages.count);
    else
        add(&m, "NumberOfEmptyReceives", 1);
}

static void
measure_delete(struct call *c)
{
    const struct sqs_delete_message_request *in = c->in;
    struct measure m;
    if (measure_init(&m, c, in->QueueUrl) == OK)
        add(&m, "NumberOfMessagesDeleted", 1);
}

static void
measure_delete_batch(struct call *c)
{
    const struct sqs_delete_message_batch_request *in = c->in;
    const struct sqs_delete_message_batch_result *out = c->out;
    struct measure m;
    if (measure_init(&m, c, in->QueueUrl) == OK && out->Successful.count > 0)
        add(&m, "NumberOfMessagesDeleted", (double)out->Successful.count);
}

static const struct {
    const char *operation;
    void (*measure)(struct call *c);
} rows[] = {
    {"SendMessage", measure_send},
    {"ReceiveMessage", measure_receive},
    {"DeleteMessage", measure_delete},
    {"SendMessageBatch", measure_send_batch},
    {"DeleteMessageBatch", measure_delete_batch},
};

void
sqs_measure(struct call *c)
{
    const char *operation = wire_text(c->service->wire->model, c->operation->name);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(operation, rows[i].operation) == 0) {
            rows[i].measure(c);
            return;
        }
}

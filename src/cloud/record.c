// What is kept of a call: its counters, and a line in the log. Never its input or its output.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

// Longer than the longest wait that a client can ask for (20 s at SQS).
static const int64_t slow_ns = 22 * INT64_C(1000000000);

static const char *
operation_text(const struct call *c, char *out, size_t size)
{
    if (c->operation != NULL)
        return wire_text(c->service->wire->model, c->operation->name);
    return log_quote(c->operation_name, out, size);
}

static void
tell_subscribers(struct call *c)
{
    const struct wire_service *s = c->service ? c->service->wire : NULL;
    struct api_event event = {
        .identity = c->principal,
        .time_ms = call_now_ms(c),
        .source = s ? arena_print(c->arena, "%s.amazonaws.com", s->name) : (struct str){0},
        .name = c->operation_name,
        .region = c->region,
        .source_ip = call_source_ip(c),
        .user_agent = http_request_header(c->http, STR("User-Agent")),
        .error_code = c->fault.is_set ? c->fault.name : (struct str){0},
        .error_message = c->fault.is_set ? c->fault.message : (struct str){0},
        .request_id = str_of(c->request_id),
        .is_read_only = event_is_read_only(c->operation_name),
    };
    random_uuid(c->cloud->runtime, event.event_id);
    struct event_subscriber *subscriber;
    SLIST_FOREACH(subscriber, &c->cloud->subscribers, link)
    subscriber->fn(subscriber->arg, &event);
}

void
call_record(struct call *c)
{
    if (!SLIST_EMPTY(&c->cloud->subscribers))
        tell_subscribers(c);
    struct cloud *cloud = c->cloud;
    char operation[80];
    int status = c->response->status;
    int64_t duration_ns = clock_mono_ns(cloud->runtime) - c->http->received_ns;
    if (c->operation != NULL)
        metrics_record(cloud->metrics, loop_index(loop_current()), c->service_index,
                       wire_operation_index(c->service->wire, c->operation), status, duration_ns);
    enum log_level level = status >= 500 || duration_ns >= slow_ns ? LOG_WARN : LOG_DEBUG;
    if (level < cloud->log.level_min)
        return;
    log_event(&cloud->log, level, "request",
              "id=%s service=%s operation=%s status=%d fault=" STR_FMT
              " duration_us=%lld bytes_in=%zu bytes_out=%zu",
              c->request_id, c->service ? c->service->wire->name : "-",
              operation_text(c, operation, sizeof(operation)), status,
              STR_ARG(c->fault.is_set ? c->fault.name : STR("-")), (long long)(duration_ns / 1000),
              c->http->body.len, c->response->body.len);
}

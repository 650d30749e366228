// What is kept of a call: its counters, and a line in the log. Its input and
// output are in the records of subscribers only (event_log.h).
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/event_log.h"
#include "src/cloud/stages.h"

static const char *
operation_text(const struct call *c, char *out, size_t size)
{
    if (c->service != NULL && c->operation != NULL)
        return wire_text(c->service->wire->model, c->operation->name);
    return log_quote(c->operation_name, out, size);
}

static void
tell_subscribers(struct call *c)
{
    struct api_event event;
    event_of_call(c, &event);
    event_log_append(c->cloud, &event);
}

static void
log_call(const struct call *c, enum log_level level, int64_t duration_ns)
{
    char operation[80], trace[160];
    struct str id = http_request_header(c->http, STR("X-Amzn-Trace-Id"));
    log_event(&c->cloud->log, level, "request",
              "id=%s service=%s operation=%s status=%d fault=" STR_FMT
              " duration_us=%lld waited_us=%lld bytes_in=%zu bytes_out=%zu account=" STR_FMT "%s%s",
              c->request_id, c->service ? c->service->wire->name : "-",
              operation_text(c, operation, sizeof(operation)), c->response->status,
              STR_ARG(c->fault.is_set ? c->fault.name : STR("-")), (long long)(duration_ns / 1000),
              (long long)(c->asked_wait_ns / 1000), c->http->body.len, c->response->body.len,
              STR_ARG(str_is_present(c->principal.account) ? c->principal.account : STR("-")),
              str_is_present(id) ? " trace=" : "",
              str_is_present(id) ? log_quote(id, trace, sizeof(trace)) : "");
}

// Calls that were shed are counted, and told of once a second: a line for each would make the
// overload worse.
static enum log_level
level_of(const struct call *c, int64_t duration_ns)
{
    bool is_slow = duration_ns - c->asked_wait_ns >= c->cloud->slow_ns;
    return (c->response->status >= 500 && !c->is_shed) || is_slow ? LOG_WARN : LOG_DEBUG;
}

void
call_record(struct call *c)
{
    struct cloud *cloud = c->cloud;
    if (!SLIST_EMPTY(&cloud->subscribers))
        tell_subscribers(c);
    if (c->service != NULL && c->service->measure != NULL && !c->fault.is_set)
        c->service->measure(c);
    int64_t duration_ns = clock_mono_ns(cloud->runtime) - c->http->received_ns;
    if (c->service != NULL && c->operation != NULL)
        metrics_record(cloud->metrics, loop_index(loop_current()), c->service_index,
                       wire_operation_index(c->service->wire, c->operation), c->response->status,
                       duration_ns);
    enum log_level level = level_of(c, duration_ns);
    if (level >= cloud->log.level_min)
        log_call(c, level, duration_ns);
}

// The stages that every API call goes through, in order.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/pipeline.h"

#include "src/cloud/stages.h"

enum { OVERLOAD_LOG_NS = 1000 * 1000 * 1000 };

// Errors of authentication come before those of the input, as at AWS; that an operation does not
// exist comes before both.
static const struct {
    const char *name;
    int (*run)(struct call *c);
} stages[] = {
    {"route", call_route},
    {"check page", call_check_page},
    {"admit", call_admit},
    {"authenticate", call_authenticate},
    {"throttle", call_throttle},
    {"split", call_split},
    {"require handler", call_require_handler},
    {"check coding", call_check_coding},
    {"check digest", call_check_digest},
    {"decode", call_decode},
    {"authorise", call_authorise},
    {"run", call_run},
};

static void
log_overload(struct call *c, struct gate *gate)
{
    int64_t now_ns = clock_mono_ns(c->cloud->runtime);
    if (gate->logged_ns != 0 && now_ns - gate->logged_ns < OVERLOAD_LOG_NS)
        return;
    gate->logged_ns = now_ns;
    log_event(&c->cloud->log, LOG_WARN, "overload", "shed_total=%zu in_flight=%zu bytes=%zu",
              atomic_load(&gate->shed), atomic_load(&c->cloud->budget.requests),
              atomic_load(&c->cloud->budget.bytes));
}

// What a rule says of one service's resource must open no other service: the path of S3's request
// may be sent with the target of somebody else's.
int
call_check_page(struct call *c)
{
    if (c->page_of == NULL || c->page_of == c->service)
        return OK;
    return fault(c, FAULT_ACCESS_DENIED,
                 "The CORS rule that admits this page is of %s, which this call is not to.",
                 c->page_of->wire->name);
}

int
call_admit(struct call *c)
{
    struct gate *gate = &c->cloud->gates[loop_index(loop_current())];
    // Its body is counted since it was read.
    c->is_admitted = gate_pass(gate, c->cloud->runtime, &c->cloud->budget, 0) == OK;
    c->is_shed = !c->is_admitted;
    if (c->is_admitted)
        return OK;
    log_overload(c, gate);
    return fault(c, FAULT_UNAVAILABLE,
                 "Too many requests are under way. Reduce your request rate.");
}

int
call_throttle(struct call *c)
{
    struct rates *rates = &c->cloud->rates;
    int64_t now_ns = clock_mono_ns(c->cloud->runtime);
    if (rates_take(rates, c->principal.account, now_ns) &&
        rates_take_operation(rates, c->principal.account, c->region, c->operation, now_ns))
        return OK;
    int error = c->service->throttled > 0 ? c->service->throttled - 1 : FAULT_THROTTLED;
    return fault(c, error, "Rate exceeded");
}

int
call_require_handler(struct call *c)
{
    const struct wire_service *s = c->service->wire;
    if (c->service->handlers[wire_operation_index(s, c->operation)] != NULL)
        return OK;
    return fault(c, FAULT_NOT_IMPLEMENTED, "c10m does not implement %s:%s yet.", s->name,
                 wire_text(s->model, c->operation->name));
}

// Nothing is decompressed here: a few bytes could become any number. Bodies of REST services are
// often kept as they are, with their coding as a property, so those say for themselves.
int
call_check_coding(struct call *c)
{
    struct str coding = http_request_header(c->http, STR("Content-Encoding"));
    bool is_rest = c->protocol == WIRE_REST_JSON || c->protocol == WIRE_REST_XML;
    if (is_rest || !str_is_present(coding) || str_eq_nocase(coding, STR("identity")) ||
        str_eq_nocase(coding, STR("aws-chunked")))
        return OK;
    return fault(c, FAULT_NOT_IMPLEMENTED,
                 "c10m does not implement requests with Content-Encoding " STR_FMT " yet.",
                 STR_ARG(coding));
}

int
call_run(struct call *c)
{
    const struct wire_service *s = c->service->wire;
    uint16_t shape = c->operation->output;
    c->out = arena_alloc(c->arena, shape == WIRE_NO_SHAPE ? 0 : s->model->shapes[shape].c_size);
    int code = c->service->handlers[wire_operation_index(s, c->operation)](c, c->in, c->out);
    return call_judge_digest(c, call_judge_body(c, code));
}

static int
run_stages(struct call *c)
{
    for (size_t i = 0; i < COUNT_OF(stages); i++)
        TRY(stages[i].run(c));
    return OK;
}

void
pipeline_run(struct cloud *cloud, const struct http_request *request, enum wire_protocol protocol,
             const struct service *page_of, struct http_response *response)
{
    struct call c = {
        .cloud = cloud,
        .arena = request->arena,
        .kv = cloud->kv,
        .http = request,
        .response = response,
        .protocol = protocol,
        .page_of = page_of,
    };
    random_uuid(cloud->runtime, c.request_id);
    int code = run_stages(&c);
    // A body that was run again may have left the fault of its first run, in memory that is gone.
    if (code == OK)
        c.fault = (struct fault){0};
    else
        CHECK(fault_of_code(&c, code) == E_FAULT);
    call_encode(&c);
    call_record(&c);
    if (c.is_admitted)
        budget_give(&cloud->budget, 0);
}

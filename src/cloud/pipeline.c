// The stages that every API call goes through, in order.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/pipeline.h"

#include "src/cloud/stages.h"

// Errors of authentication come before those of the input, as at AWS; that an operation does not
// exist comes before both.
static const struct {
    const char *name;
    int (*run)(struct call *c);
} stages[] = {
    {"route", call_route},
    {"admit", call_admit},
    {"authenticate", call_authenticate},
    {"throttle", call_throttle},
    {"split", call_split},
    {"require handler", call_require_handler},
    {"decode", call_decode},
    {"authorise", call_authorise},
    {"run", call_run},
};

int
call_admit(struct call *c)
{
    c->is_admitted = budget_take(&c->cloud->budget, 0); // its body is counted since it was read
    if (c->is_admitted)
        return OK;
    return fault(c, FAULT_UNAVAILABLE,
                 "Too many requests are under way. Reduce your request rate.");
}

int
call_throttle(struct call *c)
{
    int64_t now_ns = clock_mono_ns(c->cloud->runtime);
    if (rates_take(&c->cloud->rates, c->principal.account, now_ns))
        return OK;
    return fault(c, FAULT_THROTTLED, "Rate exceeded");
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

int
call_run(struct call *c)
{
    const struct wire_service *s = c->service->wire;
    uint16_t shape = c->operation->output;
    c->out = arena_alloc(c->arena, shape == WIRE_NO_SHAPE ? 0 : s->model->shapes[shape].c_size);
    return call_judge_body(
        c, c->service->handlers[wire_operation_index(s, c->operation)](c, c->in, c->out));
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
             struct http_response *response)
{
    struct call c = {
        .cloud = cloud,
        .arena = request->arena,
        .kv = cloud->kv,
        .http = request,
        .response = response,
        .protocol = protocol,
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

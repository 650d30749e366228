// The typed and validated input of a call.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include "src/wire/protocol.h"

static int
fault_of_problem(struct call *c, const struct wire_problem *p)
{
    switch (p->kind) {
    case WIRE_PROBLEM_MISSING:
        return fault(c, FAULT_MISSING_PARAMETER,
                     "The request must contain the parameter " STR_FMT ".", STR_ARG(p->member));
    case WIRE_PROBLEM_VALUE:
        return fault(c, FAULT_INVALID_PARAMETER, STR_FMT, STR_ARG(p->message));
    default:
        return fault(c, FAULT_MALFORMED_INPUT, STR_FMT, STR_ARG(p->message));
    }
}

int
decode(struct call *c)
{
    const struct wire_model *m = c->service->wire->model;
    uint16_t shape = c->operation->input;
    struct wire_problem problem = {0};
    c->in = arena_alloc(c->arena, shape == WIRE_NO_SHAPE ? 0 : m->shapes[shape].c_size);
    if (shape == WIRE_NO_SHAPE)
        return OK;
    int code = c->protocol == WIRE_QUERY
                   ? wire_query_decode(m, shape, c->form, c->arena, c->in, &problem)
                   : wire_json_decode(m, shape, c->http->body, c->arena, c->in, &problem);
    if (code == OK)
        code = wire_validate(m, shape, c->in, c->arena, &problem);
    return code == OK ? OK : fault_of_problem(c, &problem);
}

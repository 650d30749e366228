// Whether a decoded input is what the model allows, and asks for nothing that is not built.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include "src/wire/refuse.h"
#include "src/wire/validate.h"

int
fault_of_problem(struct call *c, const struct wire_problem *p)
{
    const struct wire_service *s = c->service->wire;
    bool is_rule = p->kind == WIRE_PROBLEM_MISSING || p->kind == WIRE_PROBLEM_VALUE;
    int error = FAULT_MALFORMED_INPUT;
    if (is_rule && s->invalid_error != 0)
        error = s->invalid_error - 1;
    else if (is_rule && s->wording == WIRE_WORDING_JOINED)
        error = FAULT_VALIDATION;
    else if (is_rule)
        error = p->kind == WIRE_PROBLEM_MISSING ? FAULT_MISSING_PARAMETER : FAULT_INVALID_PARAMETER;
    return fault(c, error, STR_FMT, STR_ARG(p->message));
}

// What no code reads would silently be without effect.
static int
refuse_unread(struct call *c)
{
    const struct wire_service *s = c->service->wire;
    const struct wire_operation *op = c->operation;
    struct str path;
    if (op->refusal_count == 0 ||
        wire_refuse(s->model, s->refusals + op->refusal_first, op->refusal_count, op->input, c->in,
                    c->arena, &path) == OK)
        return OK;
    return fault(c, FAULT_NOT_IMPLEMENTED,
                 "c10m does not implement the parameter " STR_FMT " of %s yet.", STR_ARG(path),
                 wire_text(s->model, op->name));
}

int
call_check(struct call *c)
{
    const struct wire_service *s = c->service->wire;
    struct loop *loop = loop_current();
    struct wire_checks checks = {
        .m = s->model,
        .wording = s->wording,
        .patterns = &c->cloud->patterns[loop == NULL ? 0 : loop_index(loop)],
    };
    struct wire_problem problem;
    int code = wire_validate(&checks, c->operation->input, c->in, c->arena, &problem);
    return code == OK ? refuse_unread(c) : fault_of_problem(c, &problem);
}

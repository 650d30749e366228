// How a call gets its AWS error.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/fault.h"

#include "src/cloud/call.h"
#include "src/cloud/common_fault.h"

// What a code that nobody turned into an AWS error means to the caller. All but the last can be
// tried again; SDKs do that by themselves.
static const struct {
    int code;
    int fault;
    const char *message;
} code_faults[] = {
    {E_FULL, FAULT_UNAVAILABLE,
     "The disk is nearly full: writes are refused until there is room. Reads and deletes go on."},
    {E_CONFLICT, FAULT_UNAVAILABLE, "Too many requests changed the same data. Try again."},
    {E_TOO_OLD, FAULT_UNAVAILABLE, "The request took too long. Try again."},
    {E_TIMEOUT, FAULT_UNAVAILABLE, "The request took too long. Try again."},
    {E_CANCELLED, FAULT_UNAVAILABLE, "The request was cancelled. Try again."},
    {E_UNKNOWN, FAULT_INTERNAL, "It is not known whether the request was carried out."},
    {E_LIMIT, FAULT_TOO_LARGE, "The request changes too much at once."},
};

static struct fault
service_fault_of(int error, const struct wire_service *s)
{
    CHECK(s != NULL && error >= 0 && (size_t)error < s->error_count);
    const struct wire_error *e = &s->errors[error];
    return (struct fault){
        .is_set = true,
        .name = str_of(wire_text(s->model, e->name)),
        .json_namespace = str_of(s->json_namespace),
        .query_code = str_of(wire_text(s->model, e->query_code)),
        .status = e->status,
        .is_sender = e->is_sender,
        .message_name =
            e->message_name == 0 ? (struct str){0} : str_of(wire_text(s->model, e->message_name)),
    };
}

int
fault_with(struct call *c, int error, const void *context, const char *format, va_list args)
{
    const struct wire_service *s = c->service->wire;
    c->fault = service_fault_of(error, s);
    c->fault.m = s->model;
    c->fault.shape = s->errors[error].shape;
    CHECK(c->fault.shape != WIRE_NO_SHAPE);
    size_t size = s->model->shapes[c->fault.shape].c_size;
    c->fault.context = memcpy(arena_alloc(c->arena, size), context, size);
    c->fault.message = arena_print_v(c->arena, format, args);
    return E_FAULT;
}

int
fault_field(struct call *c, int code, const char *name, struct str value)
{
    struct fault *f = &c->fault;
    if (code != E_FAULT)
        return code;
    CHECK(f->is_set && f->field_count < FAULT_FIELDS_MAX);
    f->fields[f->field_count++] = (struct wire_error_field){name, value};
    return code;
}

int
fault(struct call *c, int error, const char *format, ...)
{
    va_list args;
    CHECK(error < FAULT_COMMON_END);
    const struct wire_service *s = c->service ? c->service->wire : NULL;
    c->fault = error >= FAULT_COMMON_FIRST ? common_fault_of(error, c->protocol, s)
                                           : service_fault_of(error, s);
    va_start(args, format);
    c->fault.message = arena_print_v(c->arena, format, args);
    va_end(args);
    return E_FAULT;
}

int
fault_of_code(struct call *c, int code)
{
    if (code == E_FAULT && c->fault.is_set)
        return E_FAULT;
    for (size_t i = 0; i < COUNT_OF(code_faults); i++)
        if (code_faults[i].code == code)
            return fault(c, code_faults[i].fault, "%s", code_faults[i].message);
    return fault(c, FAULT_INTERNAL, "The request failed inside c10m (%s).", code_name(code));
}

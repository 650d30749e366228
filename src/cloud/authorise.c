// Whether the caller may do this. So far only account roots can call at all.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include "src/auth/authorise.h"

// "sqs:SendMessage"; put together by hand, since every call pays for it.
static struct str
default_action(const struct call *c)
{
    const struct wire_service *s = c->service->wire;
    struct buf out;
    buf_init(&out, c->arena, 64);
    buf_put(&out, str_of(s->signing_name));
    buf_put_char(&out, ':');
    buf_put(&out, str_of(wire_text(s->model, c->operation->name)));
    return buf_str(&out);
}

// What holds when the service says nothing else.
static struct access
default_access(const struct call *c)
{
    return (struct access){
        .action = default_action(c),
        .resource = STR("*"),
        .owner = c->principal.account,
        .is_open = c->operation->is_unsigned,
    };
}

int
call_authorise(struct call *c)
{
    struct access access = default_access(c);
    struct str reason;
    if (c->service->authorise != NULL)
        TRY(c->service->authorise(c, &access));
    if (access_is_allowed(c->arena, &c->principal, &access, &reason))
        return OK;
    return fault(c, FAULT_ACCESS_DENIED, STR_FMT, STR_ARG(reason));
}

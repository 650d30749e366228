// Whether the caller may do this. So far only account roots can call at all.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include "src/auth/authorise.h"

// What holds when the service says nothing else.
static struct access
default_access(const struct call *c)
{
    const struct wire_service *s = c->service->wire;
    return (struct access){
        .action = arena_print(c->arena, "%s:%s", s->signing_name,
                              wire_text(s->model, c->operation->name)),
        .resource = STR("*"),
        .owner = c->principal.account,
        .is_open = c->operation->is_unsigned,
    };
}

int
authorise(struct call *c)
{
    struct access access = default_access(c);
    struct str reason;
    if (c->service->authorise != NULL)
        TRY(c->service->authorise(c, &access));
    if (access_is_allowed(c->arena, &c->principal, &access, &reason))
        return OK;
    return fault(c, FAULT_ACCESS_DENIED, STR_FMT, STR_ARG(reason));
}

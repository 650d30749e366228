// Whether the caller may do this: every action that the operation asks for, one after the other.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/authorise.h"

#include "src/cloud/conditions.h"
#include "src/cloud/stages.h"

static bool
needs_resource(const struct service *s, const struct action *action)
{
    for (size_t i = 0; i < action->resource_count; i++)
        if (s->action_resources[action->resource_first + i].is_required)
            return true;
    return false;
}

static int
fill_access(struct call *c, const struct action *action, struct access *access)
{
    access_init(access, str_of(wire_text(c->service->wire->model, action->name)));
    access->is_open = c->operation->is_unsigned;
    access->global_condition = call_condition;
    access->global_arg = c;
    if (c->service->authorise != NULL)
        TRY(c->service->authorise(c, access));
    if (!needs_resource(c->service, action) || !STAILQ_EMPTY(&access->resources))
        return OK;
    return fault(c, FAULT_INTERNAL, "c10m does not say which resource " STR_FMT " is about.",
                 STR_ARG(access->action));
}

static int
check_action(struct call *c, const struct action *action, struct access *access)
{
    struct str reason;
    TRY(fill_access(c, action, access));
    if (access_is_allowed(c->arena, &c->principal, access, &reason))
        return OK;
    return fault(c, FAULT_ACCESS_DENIED, STR_FMT, STR_ARG(reason));
}

// Whoever signed may do what asks for nothing.
static int
check_identity(struct call *c)
{
    if (c->principal.kind != PRINCIPAL_ANONYMOUS || c->operation->is_unsigned)
        return OK;
    return fault(c, FAULT_MISSING_AUTHENTICATION, "Request is missing Authentication Token");
}

int
call_authorise(struct call *c)
{
    size_t count;
    const struct action *actions = call_actions(c, &count);
    if (count == 0)
        return check_identity(c);
    c->accesses = arena_alloc_array(c->arena, count, sizeof(*c->accesses));
    for (size_t i = 0; i < count; i++) {
        c->access_count = i + 1;
        TRY(check_action(c, &actions[i], &c->accesses[i]));
    }
    return OK;
}

// The rules for principals.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/authorise.h"

static const struct access_resource *
foreign_resource(const struct principal *p, const struct access *a)
{
    const struct access_resource *r;
    STAILQ_FOREACH(r, &a->resources, link)
    if (!str_eq(r->owner, p->account))
        return r;
    return NULL;
}

// Which kind of policy would have had to allow it: the caller's own within its account, else the
// resource's.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
static struct str
denial(struct arena *arena, const struct principal *p, const struct access *a)
{
    const struct access_resource *foreign = foreign_resource(p, a);
    const struct access_resource *about = foreign ? foreign : STAILQ_FIRST(&a->resources);
    struct str who = p->kind == PRINCIPAL_ANONYMOUS ? STR("anonymous") : p->arn;
    struct str action = str_is_present(a->denied_action) ? a->denied_action : a->action;
    bool has_policies = p->kind != PRINCIPAL_ANONYMOUS && p->kind != PRINCIPAL_SERVICE;
    return arena_print(arena,
                       "User: " STR_FMT " is not authorized to perform: " STR_FMT
                       " on resource: " STR_FMT " because no %s-based policy allows the " STR_FMT
                       " action",
                       STR_ARG(who), STR_ARG(action), STR_ARG(about ? about->arn : STR("*")),
                       foreign == NULL && has_policies ? "identity" : "resource", STR_ARG(action));
}

void
access_init(struct access *access, struct str action)
{
    *access = (struct access){.action = action};
    STAILQ_INIT(&access->resources);
    STAILQ_INIT(&access->conditions);
}

void
access_add_resource(struct access *access, struct arena *arena, struct str arn, struct str owner)
{
    struct access_resource *r = ARENA_NEW(arena, struct access_resource);
    r->arn = arn;
    r->owner = owner;
    STAILQ_INSERT_TAIL(&access->resources, r, link);
}

void
access_add_condition(struct access *access, struct arena *arena, struct str key, struct str value)
{
    struct access_condition *c = ARENA_NEW(arena, struct access_condition);
    c->key = key;
    c->value = value;
    STAILQ_INSERT_TAIL(&access->conditions, c, link);
}

struct str
access_condition(const struct access *access, struct str key)
{
    const struct access_condition *c;
    STAILQ_FOREACH(c, &access->conditions, link)
    if (str_eq_nocase(c->key, key))
        return c->value;
    return access->global_condition ? access->global_condition(access->global_arg, key)
                                    : (struct str){0};
}

bool
access_is_own_root(const struct principal *principal, const struct access *access)
{
    return principal->kind == PRINCIPAL_ROOT && foreign_resource(principal, access) == NULL;
}

bool
access_is_allowed(struct arena *arena, const struct principal *principal,
                  const struct access *access, struct str *reason)
{
    if (access->is_open || access_is_own_root(principal, access))
        return true;
    *reason = denial(arena, principal, access);
    return false;
}

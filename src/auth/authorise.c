// The rules for principals.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/authorise.h"

// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
static struct str
denial(struct arena *arena, const struct principal *p, const struct access *a)
{
    struct str who = p->kind == PRINCIPAL_ANONYMOUS ? STR("anonymous") : p->arn;
    return arena_print(arena,
                       "User: " STR_FMT " is not authorized to perform: " STR_FMT
                       " on resource: " STR_FMT
                       " because no resource-based policy allows the " STR_FMT " action",
                       STR_ARG(who), STR_ARG(a->action), STR_ARG(a->resource), STR_ARG(a->action));
}

bool
access_is_allowed(struct arena *arena, const struct principal *principal,
                  const struct access *access, struct str *reason)
{
    if (access->is_open ||
        (principal->kind == PRINCIPAL_ROOT && str_eq(principal->account, access->owner)))
        return true;
    *reason = denial(arena, principal, access);
    return false;
}

// Whether the caller may do this. So far only account roots can call at all.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

int
authorise(struct call *c)
{
    if (c->principal.kind == PRINCIPAL_ROOT)
        return OK;
    return fault(c, FAULT_ACCESS_DENIED, "User: " STR_FMT " is not authorized to perform: %s:%s",
                 STR_ARG(c->principal.arn), c->service->wire->signing_name,
                 wire_text(c->service->wire->model, c->operation->name));
}

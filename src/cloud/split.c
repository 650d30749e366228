// Which of the services that share an endpoint, a version and operations a call belongs to.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/route.h"

// The input is read again by the guest's own tables: its rules and its structs are its own.
static int
hand_over(struct call *c, const char *host, struct str owner)
{
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        const struct service *s = service_registry[i];
        if (s->host == NULL || strcmp(s->host, host) != 0 || !str_eq(owner, str_of(s->wire->name)))
            continue;
        route_set_service(c, i);
        c->operation = wire_operation_find(s->wire, c->operation_name);
        c->in = NULL;
        if (c->operation != NULL)
            return OK;
        return fault(c, FAULT_UNKNOWN_OPERATION,
                     "The action " STR_FMT " is not valid for " STR_FMT ".",
                     STR_ARG(c->operation_name), STR_ARG(owner));
    }
    return fault(c, FAULT_NOT_IMPLEMENTED, "c10m does not implement the service " STR_FMT " yet.",
                 STR_ARG(owner));
}

int
call_split(struct call *c)
{
    const struct service *host = c->service;
    struct str owner = str_of(host->wire->name);
    if (host->split == NULL || c->operation->input == WIRE_NO_SHAPE)
        return OK;
    TRY(call_decode_input(c));
    TRY(host->split(c, &owner));
    if (str_eq(owner, str_of(host->wire->name)))
        return OK;
    return hand_over(c, host->wire->name, owner);
}

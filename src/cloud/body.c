// Which requests' bodies a handler reads itself.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/stages.h"

#include "src/cloud/route.h"
#include "src/wire/value.h"

static bool
has_stream(const struct wire_model *m, uint16_t input)
{
    if (input == WIRE_NO_SHAPE || m->shapes[input].payload_row == 0)
        return false;
    const struct wire_member *payload = &value_rows(m, input)[m->shapes[input].payload_row - 1];
    return m->shapes[payload->shape].type == WIRE_STREAM;
}

// Only they have bodies that stream; where there are none a form need not be routed twice.
static bool
has_rest_services(void)
{
    for (size_t i = 0; service_registry[i] != NULL; i++)
        if ((service_registry[i]->wire->protocols & ROUTE_REST) != 0)
            return true;
    return false;
}

bool
call_wants_stream(void *cloud, const struct http_request *request)
{
    struct call c = {.cloud = cloud, .arena = request->arena, .http = request};
    if (!route_protocol(request, &c.protocol) ||
        (c.protocol != WIRE_REST_JSON && c.protocol != WIRE_QUERY) || // curl's POSTs are forms
        !has_rest_services())
        return false;
    return call_route(&c) == OK && has_stream(c.service->wire->model, c.operation->input);
}

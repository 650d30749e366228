// What an operator and tests see of the flow records of a network.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "src/host/flow_record.h"
#include "src/host/host_records.h"
#include "src/host/machine_state.h"
#include "src/host/network.h"
#include "src/wire/protocol.h"

static void
put_address(const char *name, uint32_t address, uint16_t port, struct buf *out)
{
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof(text));
    buf_print(out, "\"%s\":\"%s\",\"%s_port\":%u,", name, text, name, port);
}

static void
put_flow(const struct flow_record *r, struct buf *out)
{
    static const char *const outcomes[] = {
        [FLOW_PASSED] = "passed",
        [FLOW_REFUSED_IN] = "refused in",
        [FLOW_REFUSED_OUT] = "refused out",
    };
    buf_put_char(out, '{');
    put_address("source", r->source, r->source_port, out);
    put_address("destination", r->destination, r->destination_port, out);
    buf_print(out,
              "\"protocol\":%u,\"outcome\":\"%s\",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
              r->protocol, r->outcome < COUNT_OF(outcomes) ? outcomes[r->outcome] : "", r->packets,
              r->bytes);
}

int
machine_flows(struct machine *m, struct str json, struct buf *out, char *problem)
{
    struct wire_problem wrong = {0};
    struct host_flow_question_record question = {0};
    const struct record_type *type = &host_flow_question_record_type;
    struct flow_record *flows;
    size_t count;
    pthread_mutex_lock(&m->mutex);
    struct host *h = m->host;
    pthread_mutex_unlock(&m->mutex);
    snprintf(problem, UNIT_PROBLEM_BYTES, "a JSON object with the name of a network is wanted");
    if (wire_json_decode(type->model, type->shape, json, out->arena, &question, &wrong) != OK ||
        !host_name_is_valid(question.network))
        return E_INVALID;
    snprintf(problem, UNIT_PROBLEM_BYTES, "no network runs");
    if (h == NULL)
        return E_INVALID;
    TRY(network_flows_take(h, question.network, out->arena, &flows, &count, problem));
    buf_put(out, STR("{\"flows\":["));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        put_flow(&flows[i], out);
    }
    buf_put(out, STR("]}\n"));
    return OK;
}

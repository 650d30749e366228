// /_c10m/host: reading what runs, and asking for it.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/admin_host.h"

#include "src/host/machine.h"

static const char none[] = "Nothing can run here: that needs a data directory, and a store of this "
                           "c10m's own (neither --ephemeral nor --store).";

void
admin_host_print(const struct cloud *cloud, struct buf *out)
{
    size_t begin = out->len;
    int code = cloud->machine != NULL ? machine_print(cloud->machine, out) : OK;
    if (cloud->machine == NULL)
        buf_print(out, "{\"opened\":false,\"problem\":\"%s\",\"units\":[]}\n", none);
    if (code == OK)
        return;
    out->len = begin;
    buf_print(out, "{\"problem\":\"the store cannot be read (%s)\"}\n", code_name(code));
}

typedef int write_fn(struct machine *m, struct str json, struct arena *arena, char *problem);

static void
answer_write(write_fn *fn, struct cloud *cloud, const struct http_request *request,
             struct http_response *response)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    if (cloud->machine == NULL) {
        admin_answer_text(request, response, 501, none);
        return;
    }
    int code = fn(cloud->machine, request->body, request->arena, problem);
    if (code == E_INVALID || code == E_LIMIT)
        admin_answer_text(request, response, 400, problem);
    else if (code == E_FULL)
        admin_answer_text(request, response, 507, "The disk is full, so that nothing is written.");
    else if (code != OK)
        admin_answer_text(request, response, 500, "It cannot be written now.");
    else
        admin_answer_text(request, response, 202,
                          "It is written; /_c10m/host says what becomes of it.");
}

void
admin_host_wish(struct cloud *cloud, const struct http_request *request,
                struct http_response *response)
{
    answer_write(machine_wish, cloud, request, response);
}

void
admin_host_fail(struct cloud *cloud, const struct http_request *request,
                struct http_response *response)
{
    answer_write(machine_fail, cloud, request, response);
}

typedef int ask_fn(struct machine *m, struct str json, struct buf *out, char *problem);

static void
answer_ask(ask_fn *fn, struct cloud *cloud, const struct http_request *request,
           struct http_response *response)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    struct buf out;
    if (cloud->machine == NULL) {
        admin_answer_text(request, response, 501, none);
        return;
    }
    buf_init(&out, request->arena, 4096);
    int code = fn(cloud->machine, request->body, &out, problem);
    if (code != OK) {
        int status = code == E_INVALID ? 400 : code == E_NOT_FOUND ? 404 : 500;
        admin_answer_text(request, response, status, problem);
        return;
    }
    response->status = 200;
    response->body = buf_str(&out);
    http_response_add(response, STR("Content-Type"), STR("application/json"));
}

void
admin_host_flows(struct cloud *cloud, const struct http_request *request,
                 struct http_response *response)
{
    answer_ask(machine_flows, cloud, request, response);
}

void
admin_host_call(struct cloud *cloud, const struct http_request *request,
                struct http_response *response)
{
    answer_ask(machine_call, cloud, request, response);
}

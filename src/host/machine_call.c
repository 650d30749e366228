// A function that is run for the operator and tests: as a service runs it.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>

#include "src/host/functions.h"
#include "src/host/host_records.h"
#include "src/host/machine_state.h"
#include "src/wire/json.h"
#include "src/wire/protocol.h"

enum { DEADLINE_MS_DEFAULT = 3000, DEADLINE_MS_MAX = 60 * 1000, OUTPUT_BYTES_MAX = 64 * 1024 };

struct running {
    struct machine *machine;
    struct functions *functions;
    struct function_lease lease;
    int64_t deadline_ns, started_us;
};

// Frozen at once, and thawed after a while, as between two calls.
static int
freeze_for(const struct running *r, int64_t frozen_ms, char *problem)
{
    if (frozen_ms <= 0)
        return OK;
    int code = functions_freeze(r->functions, &r->lease, true);
    if (code != OK) {
        snprintf(problem, UNIT_PROBLEM_BYTES,
                 "it cannot be frozen: it has ended, or c10m has no "
                 "control groups here");
        return E_IO;
    }
    code = fiber_sleep_until(deadline_in_ms(r->machine->options.runtime, frozen_ms));
    int thawed = functions_freeze(r->functions, &r->lease, false);
    return code != OK ? code : thawed;
}

static void
put_end(const struct running *r, int code, const struct sandbox_status *status, struct str text,
        struct buf *out)
{
    buf_print(out,
              "{\"timed_out\":%s,\"lost\":%s,\"status\":%d,\"signal\":%d,\"started_us\":%" PRId64
              ",\"output\":",
              code == E_TIMEOUT ? "true" : "false",
              status->state == SANDBOX_EXITED ? "false" : "true", status->code, status->signal,
              r->started_us);
    json_put_string(out, text);
    buf_put(out, STR("}\n"));
}

// However it goes, the lease is given back.
static int
run(struct running *r, int64_t frozen_ms, struct buf *out, char *problem)
{
    struct sandbox_status status = {0};
    struct str text = {0};
    int code = freeze_for(r, frozen_ms, problem);
    if (code == OK)
        code = functions_wait(r->functions, &r->lease, r->deadline_ns, &status);
    bool has_ended = code == OK || code == E_TIMEOUT;
    if (has_ended &&
        functions_output(r->functions, &r->lease, OUTPUT_BYTES_MAX, out->arena, &text) != OK)
        text = STR("");
    int ended = functions_end(r->functions, &r->lease);
    if (!has_ended)
        return code;
    put_end(r, code, &status, text, out);
    return ended;
}

int
machine_call(struct machine *m, struct str json, struct buf *out, char *problem)
{
    struct wire_problem wrong = {0};
    struct host_function_call_record call = {0};
    const struct record_type *type = &host_function_call_record_type;
    if (wire_json_decode(type->model, type->shape, json, out->arena, &call, &wrong) != OK) {
        snprintf(problem, UNIT_PROBLEM_BYTES, "the call: " STR_FMT, STR_ARG(wrong.message));
        return E_INVALID;
    }
    int64_t limit_ms = call.deadline_ms.is_present ? call.deadline_ms.value : DEADLINE_MS_DEFAULT;
    if (limit_ms < 0 || limit_ms > DEADLINE_MS_MAX) {
        snprintf(problem, UNIT_PROBLEM_BYTES, "a function runs at most %d ms", DEADLINE_MS_MAX);
        return E_INVALID;
    }
    pthread_mutex_lock(&m->mutex);
    bool is_open = m->host != NULL;
    pthread_mutex_unlock(&m->mutex);
    snprintf(problem, UNIT_PROBLEM_BYTES, "nothing runs on this machine yet");
    if (!is_open)
        return E_NOT_FOUND;
    struct running r = {.machine = m, .functions = functions_of(m->drivers, m->driver_count)};
    const struct function_start start = {
        .code = call.code, .env = call.env.items, .env_count = call.env.count};
    int64_t begun_ns = clock_mono_ns(m->options.runtime);
    r.deadline_ns = deadline_in_ms(m->options.runtime, limit_ms);
    TRY(functions_take(r.functions, call.pool, &start, &r.lease, problem));
    r.started_us = (clock_mono_ns(m->options.runtime) - begun_ns) / 1000;
    snprintf(problem, UNIT_PROBLEM_BYTES, "the function could not be waited for or ended");
    return run(&r, call.frozen_ms.value, out, problem);
}

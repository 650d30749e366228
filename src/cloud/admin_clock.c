// /_c10m/clock: reading and moving the service clock.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/admin_clock.h"

#include "src/base/timestamp.h"
#include "src/store/service_clock.h"
#include "src/wire/form.h"

enum { PARAMETERS_MAX = 8, MS_PER_S = 1000 };

void
admin_clock_print(const struct cloud *cloud, struct buf *out)
{
    char service[TIMESTAMP_ISO_BYTES], wall[TIMESTAMP_ISO_BYTES];
    int64_t service_ms = clock_service_ms(cloud->runtime);
    int64_t wall_ms = clock_wall_ms(cloud->runtime);
    timestamp_print_iso(service_ms, service);
    timestamp_print_iso(wall_ms, wall);
    buf_print(out, "{\"service\":\"%.*s\",\"wall\":\"%.*s\",\"ahead_ms\":%lld}\n",
              TIMESTAMP_ISO_BYTES, service, TIMESTAMP_ISO_BYTES, wall,
              (long long)(service_ms - wall_ms));
}

static struct str
parameter(const struct form *form, struct str name)
{
    for (size_t i = 0; i < form->count; i++)
        if (str_eq(form->pairs[i].name, name))
            return form->pairs[i].value;
    return (struct str){0};
}

// E_INVALID: neither, both, or not to be read.
static int
delta_parse(const struct cloud *cloud, const struct http_request *request, int64_t *out)
{
    struct form form = {0};
    int64_t value;
    if (!str_is_present(request->query))
        return E_INVALID;
    TRY(form_parse(request->arena, request->query, PARAMETERS_MAX, &form));
    struct str advance = parameter(&form, STR("advance_s")), to = parameter(&form, STR("to"));
    if (form.count != 1 || str_is_present(advance) == str_is_present(to))
        return E_INVALID;
    if (str_is_present(to)) {
        TRY(timestamp_parse_iso(to, &value));
        *out = value - clock_service_ms(cloud->runtime);
        return OK;
    }
    TRY(str_to_int64(advance, &value));
    return __builtin_mul_overflow(value, MS_PER_S, out) ? E_INVALID : OK;
}

static const struct {
    int code;
    int status;
    const char *text;
} refusals[] = {
    {E_INVALID, 400,
     "The service clock is moved by one of the parameters advance_s=SECONDS and "
     "to=2030-01-31T12:00:00Z, within the years 1970 to 9999."},
    {E_EXISTS, 409, "The service clock is being moved by another request."},
    {E_TIMEOUT, 504, "The service clock is moved, but what has become due is still being done."},
    {E_CANCELLED, 503, "c10m stops."},
    {E_FULL, 507, "The disk is full, so that the service clock cannot be moved."},
};

void
admin_clock_move(struct cloud *cloud, const struct http_request *request,
                 struct http_response *response)
{
    int64_t delta_ms;
    int code = delta_parse(cloud, request, &delta_ms) == OK ? OK : E_INVALID;
    if (code == OK)
        code = clock_keeper_move(cloud->clock, delta_ms,
                                 deadline_in_ms(cloud->runtime, ADMIN_CLOCK_SETTLE_MS));
    if (code == OK) {
        log_event(&cloud->log, LOG_INFO, "clock_moved", "by_ms=%lld", (long long)delta_ms);
        admin_answer_print(cloud, request, response);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        if (refusals[i].code == code) {
            admin_answer_text(request, response, refusals[i].status, refusals[i].text);
            return;
        }
    admin_answer_text(request, response, 500, "The service clock cannot be moved now.");
}

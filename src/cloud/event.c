// A call's record as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/event.h"

#include "src/base/timestamp.h"
#include "src/wire/json.h"

static void
put_member(struct buf *out, const char *name, struct str value)
{
    if (!str_is_present(value))
        return;
    char before = out->ptr[out->len - 1];
    buf_print(out, "%s\"%s\":", before == '{' ? "" : ",", name);
    json_put_string(out, value);
}

// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
static void
put_identity(struct buf *out, const struct principal *p)
{
    buf_put(out, STR(",\"userIdentity\":{"));
    put_member(out, "type", p->kind == PRINCIPAL_ROOT ? STR("Root") : STR("Unknown"));
    if (p->kind == PRINCIPAL_ROOT) {
        put_member(out, "principalId", p->user_id);
        put_member(out, "arn", p->arn);
        put_member(out, "accountId", p->account);
        put_member(out, "accessKeyId", p->access_key);
    }
    buf_put_char(out, '}');
}

static void
put_time(struct buf *out, int64_t ms)
{
    char iso[TIMESTAMP_ISO_BYTES];
    timestamp_print_iso(ms, iso);
    struct str seconds = {iso, strlen("2015-12-29T17:59:00")};
    buf_print(out, ",\"eventTime\":\"" STR_FMT "Z\"", STR_ARG(seconds));
}

void
event_print(const struct api_event *event, struct buf *out)
{
    buf_put(out, STR("{\"eventVersion\":\"1.11\""));
    put_identity(out, &event->identity);
    put_time(out, event->time_ms);
    put_member(out, "eventSource", event->source);
    put_member(out, "eventName", event->name);
    put_member(out, "awsRegion", event->region);
    put_member(out, "sourceIPAddress", event->source_ip);
    put_member(out, "userAgent", event->user_agent);
    put_member(out, "errorCode", event->error_code);
    put_member(out, "errorMessage", event->error_message);
    put_member(out, "requestID", event->request_id);
    put_member(out, "eventID", str_of(event->event_id));
    buf_print(out, ",\"readOnly\":%s", event->is_read_only ? "true" : "false");
    put_member(out, "eventType", STR("AwsApiCall"));
    if (event->identity.kind == PRINCIPAL_ROOT)
        put_member(out, "recipientAccountId", event->identity.account);
    buf_put_char(out, '}');
}

bool
event_is_read_only(struct str name)
{
    static const char *const verbs[] = {"BatchGet", "Check",  "Describe", "Get",  "Head",
                                        "List",     "Lookup", "Query",    "Scan", "Search"};
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (str_starts(name, str_of(verbs[i])))
            return true;
    return false;
}

// A call's record as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/event.h"

#include "src/base/timestamp.h"
#include "src/cloud/call.h"
#include "src/cloud/event_value.h"
#include "src/wire/json.h"

static void
put_name(struct buf *out, const char *name)
{
    char before = out->ptr[out->len - 1];
    buf_print(out, "%s\"%s\":", before == '{' || before == '[' ? "" : ",", name);
}

static void
put_member(struct buf *out, const char *name, struct str value)
{
    if (!str_is_present(value))
        return;
    put_name(out, name);
    json_put_string(out, value);
}

static void
put_flag(struct buf *out, const char *name, bool value)
{
    put_name(out, name);
    buf_put(out, value ? STR("true") : STR("false"));
}

static void
put_time(struct buf *out, const char *name, int64_t ms)
{
    char iso[TIMESTAMP_ISO_BYTES];
    timestamp_print_iso(ms, iso);
    put_name(out, name);
    buf_print(out, "\"%.*sZ\"", (int)strlen("2015-12-29T17:59:00"), iso);
}

// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
static const char *
identity_type(const struct api_event *e)
{
    static const char *const types[] = {
        [PRINCIPAL_ANONYMOUS] = "Unknown",
        [PRINCIPAL_ROOT] = "Root",
        [PRINCIPAL_USER] = "IAMUser",
        [PRINCIPAL_ROLE_SESSION] = "AssumedRole",
        [PRINCIPAL_FEDERATED] = "FederatedUser",
        [PRINCIPAL_SERVICE] = "AWSService",
    };
    return types[e->identity.kind];
}

static void
put_session(struct buf *out, const struct principal *p)
{
    bool is_role = p->kind == PRINCIPAL_ROLE_SESSION;
    put_name(out, "sessionContext");
    buf_put(out, STR("{\"sessionIssuer\":{"));
    put_member(out, "type", is_role ? STR("Role") : STR("IAMUser"));
    put_member(out, "principalId", p->issuer_id);
    put_member(out, "arn", p->issuer_arn);
    put_member(out, "accountId", p->account);
    put_member(out, "userName", p->issuer_name);
    buf_put(out, STR("},\"attributes\":{"));
    put_time(out, "creationDate", p->issued_ms);
    put_member(out, "mfaAuthenticated", STR("false"));
    buf_put(out, STR("}}"));
}

static void
put_identity(struct buf *out, const struct api_event *e)
{
    const struct principal *p = &e->identity;
    put_name(out, "userIdentity");
    buf_put_char(out, '{');
    put_member(out, "type", str_of(identity_type(e)));
    if (p->kind == PRINCIPAL_SERVICE)
        put_member(out, "invokedBy", p->name);
    if (p->kind != PRINCIPAL_ANONYMOUS && p->kind != PRINCIPAL_SERVICE) {
        put_member(out, "principalId", p->user_id);
        put_member(out, "arn", p->arn);
        put_member(out, "accountId", p->account);
        put_member(out, "accessKeyId", p->access_key);
    }
    if (p->kind == PRINCIPAL_USER)
        put_member(out, "userName", p->name);
    if (p->kind == PRINCIPAL_ROLE_SESSION || p->kind == PRINCIPAL_FEDERATED)
        put_session(out, p);
    if (e->call->is_inside && p->kind != PRINCIPAL_SERVICE)
        put_member(out, "invokedBy", e->source_ip);
    buf_put_char(out, '}');
}

// null, as CloudTrail has it, where there is none: an input that was not understood, and what a
// call answers that reads or was refused.
static void
put_structure(struct buf *out, const struct call *c, const char *name, uint16_t shape,
              const void *value)
{
    put_name(out, name);
    if (value == NULL || shape == WIRE_NO_SHAPE)
        buf_put(out, STR("null"));
    else
        event_put_value(c->service->wire->model, shape, value, c->service->hidden, name, out);
}

static void
put_parameters(struct buf *out, const struct api_event *e)
{
    const struct call *c = e->call;
    const struct wire_operation *op = c->operation;
    bool has_answer = op != NULL && !e->is_read_only && !c->fault.is_set;
    put_structure(out, c, "requestParameters", op ? op->input : WIRE_NO_SHAPE, c->in);
    put_structure(out, c, "responseElements", op ? op->output : WIRE_NO_SHAPE,
                  has_answer ? c->out : NULL);
}

static struct str
resource_type(const struct call *c, size_t access)
{
    size_t count;
    const struct service *s = c->service;
    const struct action *a = call_actions(c, &count);
    CHECK(access < count);
    uint32_t type =
        a[access].resource_count > 0 ? s->action_resources[a[access].resource_first].cloud_type : 0;
    return type > 0 ? str_of(wire_text(s->wire->model, type)) : (struct str){0};
}

static void
put_resources(struct buf *out, const struct call *c)
{
    bool is_first = true;
    for (size_t i = 0; i < c->access_count; i++) {
        const struct access_resource *r;
        STAILQ_FOREACH(r, &c->accesses[i].resources, link)
        {
            if (is_first)
                put_name(out, "resources");
            buf_put(out, is_first ? STR("[{") : STR(",{"));
            is_first = false;
            put_member(out, "accountId", r->owner);
            put_member(out, "type", resource_type(c, i));
            put_member(out, "ARN", r->arn);
            buf_put_char(out, '}');
        }
    }
    if (!is_first)
        buf_put_char(out, ']');
}

static void
put_tls(struct buf *out, const struct call *c)
{
    if (!c->http->is_encrypted)
        return;
    put_name(out, "tlsDetails");
    buf_put_char(out, '{');
    put_member(out, "tlsVersion", str_of(c->http->tls_version));
    put_member(out, "cipherSuite", str_of(c->http->tls_cipher));
    put_member(out, "clientProvidedHostHeader", call_host(c));
    buf_put_char(out, '}');
}

void
event_print(const struct api_event *event, struct buf *out)
{
    buf_put(out, STR("{\"eventVersion\":\"1.11\""));
    put_identity(out, event);
    put_time(out, "eventTime", event->time_ms);
    put_member(out, "eventSource", event->source);
    put_member(out, "eventName", event->name);
    put_member(out, "awsRegion", event->region);
    put_member(out, "sourceIPAddress", event->source_ip);
    put_member(out, "userAgent", event->user_agent);
    put_member(out, "errorCode", event->error_code);
    put_member(out, "errorMessage", event->error_message);
    put_parameters(out, event);
    put_member(out, "requestID", event->request_id);
    put_member(out, "eventID", str_of(event->event_id));
    put_flag(out, "readOnly", event->is_read_only);
    put_resources(out, event->call);
    put_member(out, "eventType", STR("AwsApiCall"));
    put_flag(out, "managementEvent", !event->is_data);
    put_member(out, "recipientAccountId", event->recipient);
    put_member(out, "eventCategory", event->is_data ? STR("Data") : STR("Management"));
    put_tls(out, event->call);
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

static bool
is_read_only(const struct call *c)
{
    size_t count;
    const struct action *actions = call_actions(c, &count);
    if (count == 0)
        return event_is_read_only(c->operation_name);
    for (size_t i = 0; i < count; i++)
        if (actions[i].level != ACCESS_LIST && actions[i].level != ACCESS_READ)
            return false;
    return true;
}

static struct str
recipient(const struct call *c)
{
    if (str_is_present(c->principal.account))
        return c->principal.account;
    const struct access_resource *r =
        c->access_count > 0 ? STAILQ_FIRST(&c->accesses[0].resources) : NULL;
    return r != NULL ? r->owner : (struct str){0};
}

void
event_of_call(const struct call *c, struct api_event *out)
{
    const struct service *s = c->service;
    *out = (struct api_event){
        .call = c,
        .identity = c->principal,
        .time_ms = call_now_ms(c),
        .source =
            s ? arena_print(c->arena, "%s.amazonaws.com", s->wire->signing_name) : (struct str){0},
        .name = c->operation_name,
        .region = c->region,
        .source_ip = call_source_ip(c),
        .user_agent = http_request_header(c->http, STR("User-Agent")),
        .error_code = c->fault.is_set ? c->fault.name : (struct str){0},
        .error_message = c->fault.is_set ? c->fault.message : (struct str){0},
        .request_id = str_of(c->request_id),
        .recipient = recipient(c),
        .is_read_only = is_read_only(c),
    };
    if (s != NULL && c->operation != NULL)
        out->is_data =
            s->operation_actions[wire_operation_index(s->wire, c->operation)].is_data_event;
    random_uuid(c->cloud->runtime, out->event_id);
}

// One function a condition key, in a table.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/conditions.h"

#include "src/base/timestamp.h"

static struct str
iso_seconds(const struct call *c, int64_t ms)
{
    char iso[TIMESTAMP_ISO_BYTES];
    timestamp_print_iso(ms, iso);
    return arena_print(c->arena, "%.*sZ", (int)strlen("2015-12-29T17:59:00"), iso);
}

static struct str
current_time(const struct call *c)
{
    return iso_seconds(c, call_now_ms(c));
}

static struct str
epoch_time(const struct call *c)
{
    return arena_print(c->arena, "%lld", (long long)(call_now_ms(c) / 1000));
}

static struct str
principal_account(const struct call *c)
{
    return c->principal.account;
}

// Of a session the key is the role that it has, not the session.
static struct str
principal_arn(const struct call *c)
{
    bool is_role = c->principal.kind == PRINCIPAL_ROLE_SESSION;
    return is_role ? c->principal.issuer_arn : c->principal.arn;
}

static struct str
principal_type(const struct call *c)
{
    static const char *const types[] = {
        [PRINCIPAL_ANONYMOUS] = "Anonymous",
        [PRINCIPAL_ROOT] = "Account",
        [PRINCIPAL_USER] = "User",
        [PRINCIPAL_ROLE_SESSION] = "AssumedRole",
        [PRINCIPAL_FEDERATED] = "FederatedUser",
        [PRINCIPAL_SERVICE] = "Service",
    };
    return str_of(types[c->principal.kind]);
}

static struct str
principal_is_service(const struct call *c)
{
    return c->principal.kind == PRINCIPAL_SERVICE ? STR("true") : STR("false");
}

static struct str
service_name(const struct call *c)
{
    return c->principal.kind == PRINCIPAL_SERVICE ? c->principal.name : (struct str){0};
}

static struct str
user_id(const struct call *c)
{
    return c->principal.kind == PRINCIPAL_ANONYMOUS ? STR("anonymous") : c->principal.user_id;
}

static struct str
user_name(const struct call *c)
{
    return c->principal.kind == PRINCIPAL_USER ? c->principal.name : (struct str){0};
}

static struct str
referer(const struct call *c)
{
    return http_request_header(c->http, STR("Referer"));
}

static struct str
region(const struct call *c)
{
    return c->region;
}

static struct str
secure_transport(const struct call *c)
{
    return c->http->is_encrypted ? STR("true") : STR("false");
}

// A call from inside comes from no address.
static struct str
source_ip(const struct call *c)
{
    return c->is_inside ? (struct str){0} : call_source_ip(c);
}

static struct str
token_issue_time(const struct call *c)
{
    return c->principal.issued_ms > 0 ? iso_seconds(c, c->principal.issued_ms) : (struct str){0};
}

static struct str
user_agent(const struct call *c)
{
    return http_request_header(c->http, STR("User-Agent"));
}

static struct str
via_service(const struct call *c)
{
    return c->is_inside ? STR("true") : STR("false");
}

static const struct {
    const char *key;
    struct str (*value)(const struct call *c);
} conditions[] = {
    {"aws:CurrentTime", current_time},
    {"aws:EpochTime", epoch_time},
    {"aws:PrincipalAccount", principal_account},
    {"aws:PrincipalArn", principal_arn},
    {"aws:PrincipalIsAWSService", principal_is_service},
    {"aws:PrincipalServiceName", service_name},
    {"aws:PrincipalType", principal_type},
    {"aws:Referer", referer},
    {"aws:RequestedRegion", region},
    {"aws:SecureTransport", secure_transport},
    {"aws:SourceIp", source_ip},
    {"aws:TokenIssueTime", token_issue_time},
    {"aws:UserAgent", user_agent},
    {"aws:userid", user_id},
    {"aws:username", user_name},
    {"aws:ViaAWSService", via_service},
};

static struct str
principal_tag(const struct principal *p, struct str key)
{
    for (size_t i = 0; i < p->tag_count; i++)
        if (str_eq_nocase(p->tags[i].key, key))
            return p->tags[i].value;
    return (struct str){0};
}

struct str
call_condition(void *call, struct str key)
{
    const struct str tag = STR("aws:PrincipalTag/");
    const struct call *c = call;
    for (size_t i = 0; i < COUNT_OF(conditions); i++)
        if (str_eq_nocase(key, str_of(conditions[i].key)))
            return conditions[i].value(c);
    if (str_eq_nocase(str_slice(key, 0, tag.len), tag))
        return principal_tag(&c->principal, str_slice(key, tag.len, key.len));
    return (struct str){0};
}

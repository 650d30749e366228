// Reads the Authorization header and the request's date, with AWS's words for what is missing.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/sigv4.h"

#include "src/base/timestamp.h"

enum { SCOPE_PARTS = 5 };

// The wording is AWS's own, as its services answer it (2018-2024, several services and SDKs).
static const char no_credential[] = "Authorization header requires 'Credential' parameter. ";
static const char no_signature[] = "Authorization header requires 'Signature' parameter. ";
static const char no_signed_headers[] = "Authorization header requires 'SignedHeaders' parameter. ";
static const char no_date[] =
    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";

struct parameters {
    struct str credential;
    struct str signed_headers;
    struct str signature;
};

static void
read_parameter(struct str text, struct parameters *p)
{
    struct str name, value;
    if (!str_cut(str_trim(text), '=', &name, &value))
        return;
    if (str_eq(name, STR("Credential")))
        p->credential = value;
    else if (str_eq(name, STR("SignedHeaders")))
        p->signed_headers = value;
    else if (str_eq(name, STR("Signature")))
        p->signature = value;
}

// Another scheme than AWS4-HMAC-SHA256 has none of the parameters.
static struct parameters
read_parameters(struct str authorization)
{
    struct parameters p = {0};
    struct str algorithm, rest, one;
    if (!str_cut(authorization, ' ', &algorithm, &rest) ||
        !str_eq(algorithm, STR("AWS4-HMAC-SHA256")))
        return p;
    while (str_is_present(rest)) {
        str_cut(rest, ',', &one, &rest);
        read_parameter(one, &p);
    }
    return p;
}

static enum sigv4_result
incomplete(const struct http_request *r, const struct parameters *p, bool has_date,
           struct str authorization, struct str *reason)
{
    *reason = arena_print(
        r->arena, "%s%s%s%sAuthorization=" STR_FMT, p->credential.len ? "" : no_credential,
        p->signature.len ? "" : no_signature, p->signed_headers.len ? "" : no_signed_headers,
        has_date ? "" : no_date, STR_ARG(authorization));
    return SIGV4_INCOMPLETE;
}

static enum sigv4_result
bad_scope(const struct http_request *r, struct str credential, struct str *reason)
{
    *reason = arena_print(r->arena,
                          "Credential must have exactly 5 slash-delimited elements, e.g. "
                          "keyid/date/region/service/term, got '" STR_FMT "'",
                          STR_ARG(credential));
    return SIGV4_INCOMPLETE;
}

static enum sigv4_result
read_scope(const struct http_request *r, struct str credential, struct sigv4_header *out,
           struct str *reason)
{
    struct str parts[SCOPE_PARTS], rest = credential;
    for (int i = 0; i < SCOPE_PARTS; i++) {
        if (!str_is_present(rest))
            return bad_scope(r, credential, reason);
        str_cut(rest, '/', &parts[i], &rest);
        if (parts[i].len == 0)
            return bad_scope(r, credential, reason);
    }
    if (str_is_present(rest))
        return bad_scope(r, credential, reason);
    if (!str_eq(parts[4], STR("aws4_request"))) {
        *reason = arena_print(
            r->arena,
            "Credential should be scoped with a valid terminator: 'aws4_request', not '" STR_FMT
            "'.",
            STR_ARG(parts[4]));
        return SIGV4_SCOPE;
    }
    out->access_key = parts[0];
    out->date = parts[1];
    out->region = parts[2];
    out->service = parts[3];
    return SIGV4_OK;
}

// Strictly ascending lower case names: what the specification demands, and what keeps the canonical
// request no longer than the request itself.
static bool
are_sorted(struct str names)
{
    struct str last = {0}, name;
    while (str_is_present(names)) {
        str_cut(names, ';', &name, &names);
        if (name.len == 0 || (last.len > 0 && str_cmp(last, name) >= 0))
            return false;
        for (size_t i = 0; i < name.len; i++)
            if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
                return false;
        last = name;
    }
    return true;
}

static enum sigv4_result
read_timestamp(const struct http_request *r, struct str date, struct sigv4_header *out,
               struct str *reason)
{
    if (timestamp_parse_basic(date, &out->timestamp_ms) == OK) {
        out->timestamp = date;
        return SIGV4_OK;
    }
    if (timestamp_parse_http(date, &out->timestamp_ms) == OK) {
        char *text = arena_alloc_bytes(r->arena, TIMESTAMP_BASIC_BYTES);
        timestamp_print_basic(out->timestamp_ms, text);
        out->timestamp = (struct str){text, TIMESTAMP_BASIC_BYTES};
        return SIGV4_OK;
    }
    *reason = arena_print(r->arena,
                          "Date must be in ISO-8601 'basic format'. Got '" STR_FMT
                          "'. See http://en.wikipedia.org/wiki/ISO_8601",
                          STR_ARG(date));
    return SIGV4_INCOMPLETE;
}

enum sigv4_result
sigv4_parse(const struct http_request *request, struct sigv4_header *out, struct str *reason)
{
    *out = (struct sigv4_header){0};
    *reason = (struct str){0};
    struct str authorization = http_request_header(request, STR("Authorization"));
    if (!str_is_present(authorization))
        return SIGV4_MISSING;
    struct parameters p = read_parameters(authorization);
    struct str date = http_request_header(request, STR("X-Amz-Date"));
    if (!str_is_present(date))
        date = http_request_header(request, STR("Date"));
    if (p.credential.len == 0 || p.signed_headers.len == 0 || p.signature.len == 0 || date.len == 0)
        return incomplete(request, &p, date.len > 0, authorization, reason);
    if (!are_sorted(p.signed_headers)) {
        *reason = STR("SignedHeaders must be lower case names in order, each once.");
        return SIGV4_INCOMPLETE;
    }
    out->signed_headers = p.signed_headers;
    out->signature = p.signature;
    enum sigv4_result result = read_scope(request, p.credential, out, reason);
    return result == SIGV4_OK ? read_timestamp(request, date, out, reason) : result;
}

// The parts that both forms of a signature have: scope, names of signed headers, time.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/sigv4_parts.h"

#include "src/base/timestamp.h"

enum { SCOPE_PARTS = 5 };

static enum sigv4_result
bad_scope(const struct http_request *r, struct str credential, struct str *reason)
{
    *reason = arena_print(r->arena,
                          "Credential must have exactly 5 slash-delimited elements, e.g. "
                          "keyid/date/region/service/term, got '" STR_FMT "'",
                          STR_ARG(credential));
    return SIGV4_INCOMPLETE;
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

enum sigv4_result
sigv4_read_scope(const struct http_request *r, struct str credential, struct sigv4 *out,
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

enum sigv4_result
sigv4_check_names(struct str names, struct str *reason)
{
    if (are_sorted(names))
        return SIGV4_OK;
    *reason = STR("SignedHeaders must be lower case names in order, each once.");
    return SIGV4_INCOMPLETE;
}

enum sigv4_result
sigv4_read_timestamp(const struct http_request *r, struct str date, struct sigv4 *out,
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
sigv4_parse(const struct http_request *request, struct sigv4 *out, struct str *reason)
{
    *out = (struct sigv4){0};
    *reason = (struct str){0};
    struct str authorization = http_request_header(request, STR("Authorization"));
    bool is_in_query = sigv4_is_in_query(request);
    if (is_in_query && str_is_present(authorization)) {
        *reason = STR("Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter "
                      "or the Authorization header should be specified.");
        return SIGV4_INCOMPLETE;
    }
    if (is_in_query)
        return sigv4_parse_query(request, out, reason);
    return str_is_present(authorization) ? sigv4_parse_header(request, authorization, out, reason)
                                         : SIGV4_MISSING;
}

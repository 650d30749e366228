// Reads the signature of a presigned URL.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/sigv4_parts.h"

#include "src/base/encoding.h"

enum parameter {
    ALGORITHM,
    CREDENTIAL,
    DATE,
    SIGNATURE,
    SIGNED_HEADERS,
    REQUIRED_COUNT,
    EXPIRES = REQUIRED_COUNT,
    SECURITY_TOKEN,
    PARAMETER_COUNT,
};

static const char *const names[PARAMETER_COUNT] = {
    [ALGORITHM] = "X-Amz-Algorithm",
    [CREDENTIAL] = "X-Amz-Credential",
    [DATE] = "X-Amz-Date",
    [SIGNATURE] = "X-Amz-Signature",
    [SIGNED_HEADERS] = "X-Amz-SignedHeaders",
    [EXPIRES] = "X-Amz-Expires",
    [SECURITY_TOKEN] = "X-Amz-Security-Token",
};

// Clients may escape what they need not.
static int
parameter_of(const struct http_request *r, struct str raw_name)
{
    struct str name;
    if (percent_decode(r->arena, raw_name, false, &name) != OK)
        return PARAMETER_COUNT;
    for (int i = 0; i < PARAMETER_COUNT; i++)
        if (str_eq(name, str_of(names[i])))
            return i;
    return PARAMETER_COUNT;
}

// False: one stands twice, or has a broken escape.
static bool
read_query(const struct http_request *r, struct str values[PARAMETER_COUNT])
{
    struct str piece, name, value, rest = r->query;
    while (str_is_present(rest)) {
        str_cut(rest, '&', &piece, &rest);
        if (!str_cut(piece, '=', &name, &value))
            continue;
        int i = parameter_of(r, name);
        if (i == PARAMETER_COUNT)
            continue;
        if (str_is_present(values[i]) || percent_decode(r->arena, value, false, &values[i]) != OK)
            return false;
    }
    return true;
}

static enum sigv4_result
check_presence(const struct http_request *r, const struct str *values, struct str *reason)
{
    struct buf text;
    buf_init(&text, r->arena, 0);
    for (int i = 0; i < REQUIRED_COUNT; i++)
        if (values[i].len == 0)
            buf_print(&text, "AWS query-string parameters must include '%s'. ", names[i]);
    if (text.len == 0)
        return SIGV4_OK;
    buf_put(&text, STR("Re-examine the query-string parameters."));
    *reason = buf_str(&text);
    return SIGV4_INCOMPLETE;
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
static enum sigv4_result
read_expiry(const struct http_request *r, struct str value, struct sigv4 *out, struct str *reason)
{
    bool is_s3 = str_eq(out->service, STR("s3"));
    int64_t expires_s = 0;
    if (!str_is_present(value) && !is_s3)
        return SIGV4_OK;
    if (str_to_int64(value, &expires_s) != OK)
        *reason = STR("X-Amz-Expires should be a number");
    else if (expires_s < 1)
        *reason = STR("X-Amz-Expires must be positive");
    else if (expires_s > SIGV4_EXPIRES_S_MAX)
        *reason = STR("X-Amz-Expires must be less than a week (in seconds); that is, the given "
                      "X-Amz-Expires must be less than 604800 seconds");
    if (str_is_present(*reason))
        return SIGV4_INCOMPLETE;
    out->expires_s = is_s3 ? expires_s : 0;
    return SIGV4_OK;
}

static enum sigv4_result
read_values(const struct http_request *r, const struct str *values, struct sigv4 *out,
            struct str *reason)
{
    if (!str_eq(values[ALGORITHM], STR("AWS4-HMAC-SHA256"))) {
        *reason = arena_print(r->arena, "Unsupported AWS 'algorithm': '" STR_FMT "'.",
                              STR_ARG(values[ALGORITHM]));
        return SIGV4_INCOMPLETE;
    }
    out->signed_headers = values[SIGNED_HEADERS];
    out->signature = values[SIGNATURE];
    out->security_token = str_is_present(values[SECURITY_TOKEN])
                              ? values[SECURITY_TOKEN]
                              : http_request_header(r, STR("X-Amz-Security-Token"));
    enum sigv4_result result = sigv4_check_names(out->signed_headers, reason);
    if (result == SIGV4_OK)
        result = sigv4_read_scope(r, values[CREDENTIAL], out, reason);
    if (result == SIGV4_OK)
        result = sigv4_read_timestamp(r, values[DATE], out, reason);
    return result == SIGV4_OK ? read_expiry(r, values[EXPIRES], out, reason) : result;
}

bool
sigv4_is_in_query(const struct http_request *request)
{
    if (str_find(request->query, STR("X-Amz-")) < 0)
        return false;
    struct str values[PARAMETER_COUNT] = {0};
    return !read_query(request, values) || str_is_present(values[ALGORITHM]) ||
           str_is_present(values[CREDENTIAL]) || str_is_present(values[SIGNATURE]);
}

enum sigv4_result
sigv4_parse_query(const struct http_request *request, struct sigv4 *out, struct str *reason)
{
    struct str values[PARAMETER_COUNT] = {0};
    out->is_in_query = true;
    if (!read_query(request, values)) {
        *reason = STR("Every X-Amz- query-string parameter of a signature must be encoded "
                      "correctly and stand once.");
        return SIGV4_INCOMPLETE;
    }
    enum sigv4_result result = check_presence(request, values, reason);
    if (result == SIGV4_OK)
        result = read_values(request, values, out, reason);
    out->is_body_left_out =
        str_eq(out->service, STR("s3")) &&
        !str_is_present(http_request_header(request, STR("x-amz-content-sha256")));
    return result;
}

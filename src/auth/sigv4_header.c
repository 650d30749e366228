// Reads the Authorization header and the request's date, with AWS's words for what is missing.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/sigv4_parts.h"

#include "src/base/encoding.h"

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

// The header itself may be of another scheme, with a password in it. So AWS shows its hash only.
static struct str
hash_text(struct arena *arena, struct str authorization)
{
    struct sha256 hash = sha256_of(authorization);
    struct buf out;
    buf_init(&out, arena, 64);
    base64_encode((struct str){(const char *)hash.bytes, SHA256_BYTES}, &out);
    return buf_str(&out);
}

static enum sigv4_result
incomplete(const struct http_request *r, const struct parameters *p, bool has_date,
           struct str authorization, struct str *reason)
{
    struct str hash = hash_text(r->arena, authorization);
    *reason = arena_print(
        r->arena, "%s%s%s%s(Hashed with SHA-256 and encoded with Base64) Authorization=" STR_FMT,
        p->credential.len ? "" : no_credential, p->signature.len ? "" : no_signature,
        p->signed_headers.len ? "" : no_signed_headers, has_date ? "" : no_date, STR_ARG(hash));
    return SIGV4_INCOMPLETE;
}

enum sigv4_result
sigv4_parse_header(const struct http_request *request, struct str authorization, struct sigv4 *out,
                   struct str *reason)
{
    struct parameters p = read_parameters(authorization);
    struct str date = http_request_header(request, STR("X-Amz-Date"));
    if (!str_is_present(date))
        date = http_request_header(request, STR("Date"));
    if (p.credential.len == 0 || p.signed_headers.len == 0 || p.signature.len == 0 || date.len == 0)
        return incomplete(request, &p, date.len > 0, authorization, reason);
    out->signed_headers = p.signed_headers;
    out->signature = p.signature;
    out->security_token = http_request_header(request, STR("X-Amz-Security-Token"));
    enum sigv4_result result = sigv4_check_names(p.signed_headers, reason);
    if (result == SIGV4_OK)
        result = sigv4_read_scope(request, p.credential, out, reason);
    return result == SIGV4_OK ? sigv4_read_timestamp(request, date, out, reason) : result;
}

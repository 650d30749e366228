// Words, codes and fields of what is wrong with a signature. S3 and EC2 have their own:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/signature_fault.h"

#include "src/base/encoding.h"
#include "src/base/timestamp.h"
#include "src/cloud/cloud.h"
#include "src/cloud/regions.h"

// NULL: the reason's own words.
static const struct {
    int fault;
    const char *s3;
    const char *ec2;
} rows[] = {
    [SIGV4_MISSING] = {FAULT_MISSING_AUTHENTICATION, "Access Denied", NULL},
    [SIGV4_INCOMPLETE] = {FAULT_INCOMPLETE_SIGNATURE, NULL, NULL},
    [SIGV4_SKEWED] = {FAULT_REQUEST_EXPIRED,
                      "The difference between the request time and the current time is too large.",
                      "Request has expired."},
    [SIGV4_EXPIRED] = {FAULT_ACCESS_DENIED, NULL, NULL},
    [SIGV4_SCOPE] = {FAULT_SIGNATURE_MISMATCH, NULL, NULL},
    [SIGV4_NOT_SIGNED] = {FAULT_SIGNATURE_MISMATCH,
                          "There were headers present in the request which were not signed", NULL},
    [SIGV4_MISMATCH] = {FAULT_SIGNATURE_MISMATCH,
                        "The request signature we calculated does not match the signature you "
                        "provided. Check your key and signing method.",
                        "AWS was not able to validate the provided access credentials"},
    [SIGV4_BODY_INCOMPLETE] = {FAULT_BODY_INCOMPLETE, NULL, NULL},
    [SIGV4_BODY_HASH] = {FAULT_BODY_HASH, NULL, NULL},
    [SIGV4_BODY_CHECKSUM] = {FAULT_BODY_CHECKSUM, NULL, NULL},
    [SIGV4_BODY_SIGNATURE] = {FAULT_SIGNATURE_MISMATCH, NULL, NULL},
};

// The same that makes common_fault_of take S3's codes.
static bool
is_s3(const struct call *c)
{
    return c->protocol == WIRE_REST_XML && c->service->wire->has_bare_errors;
}

// As S3 prints times in errors: 2025-09-03T16:21:50Z.
static struct str
seconds_text(struct arena *arena, int64_t ms)
{
    char text[TIMESTAMP_ISO_BYTES];
    timestamp_print_iso(ms, text);
    return arena_print(arena, "%.19sZ", text);
}

// "41 57 53 34", for clients whose line ends or letters are not what they seem.
static struct str
bytes_text(struct arena *arena, struct str s)
{
    struct buf out;
    buf_init(&out, arena, 3 * s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        buf_print(&out, "%s%02x", i > 0 ? " " : "", (unsigned char)s.ptr[i]);
    return buf_str(&out);
}

static int
add_mismatch(struct call *c, int code, const struct sigv4 *sig)
{
    struct str to_sign = sigv4_string_to_sign(c->http, sig);
    struct buf canonical;
    buf_init(&canonical, c->arena, 1024);
    sigv4_canonical_request(c->http, sig, &canonical);
    code = fault_field(c, code, "AWSAccessKeyId", sig->access_key);
    code = fault_field(c, code, "StringToSign", to_sign);
    code = fault_field(c, code, "SignatureProvided", sig->signature);
    code = fault_field(c, code, "StringToSignBytes", bytes_text(c->arena, to_sign));
    code = fault_field(c, code, "CanonicalRequest", buf_str(&canonical));
    return fault_field(c, code, "CanonicalRequestBytes", bytes_text(c->arena, buf_str(&canonical)));
}

static int
add_server_time(struct call *c, int code)
{
    return fault_field(c, code, "ServerTime",
                       seconds_text(c->arena, clock_wall_ms(c->cloud->runtime)));
}

static int
add_skew(struct call *c, int code, const struct sigv4 *sig)
{
    code = fault_field(c, code, "RequestTime", sig->timestamp);
    code = add_server_time(c, code);
    return fault_field(c, code, "MaxAllowedSkewMilliseconds",
                       arena_print(c->arena, "%d", SIGV4_SKEW_MS_MAX));
}

// Of a URL that is not good yet S3 says since when it would be, in milliseconds.
static int
add_expiry(struct call *c, int code, const struct sigv4 *sig)
{
    int64_t end_ms = sig->timestamp_ms + sig->expires_s * 1000;
    bool is_early = clock_wall_ms(c->cloud->runtime) < sig->timestamp_ms;
    code = fault_field(
        c, code, is_early ? "X-Amz-Date" : "X-Amz-Expires",
        arena_print(c->arena, "%lld", (long long)(is_early ? sig->timestamp_ms : sig->expires_s)));
    code = fault_field(c, code, "Expires", seconds_text(c->arena, end_ms));
    return add_server_time(c, code);
}

static int
add_hashes(struct call *c, int code, const struct sigv4 *sig)
{
    struct str computed = sig->body_hash;
    if (!str_is_present(computed)) {
        struct sha256 hash = sha256_of(c->http->body);
        char *text = arena_alloc_bytes(c->arena, 2 * SHA256_BYTES);
        hex_encode(hash.bytes, SHA256_BYTES, text);
        computed = (struct str){text, 2 * SHA256_BYTES};
    }
    code = fault_field(c, code, "ClientComputedContentSHA256",
                       http_request_header(c->http, STR("x-amz-content-sha256")));
    return fault_field(c, code, "S3ComputedContentSHA256", computed);
}

// S3's codes for what is malformed name the place.
static int
s3_malformed(struct call *c, struct str reason)
{
    if (c->signature.is_in_query)
        return fault(c, FAULT_INCOMPLETE_QUERY, STR_FMT, STR_ARG(reason));
    return fault(c, FAULT_INCOMPLETE_SIGNATURE, "The authorization header is malformed; " STR_FMT,
                 STR_ARG(reason));
}

static int
s3_fault(struct call *c, enum sigv4_result result, const struct sigv4 *sig, struct str reason)
{
    if (result == SIGV4_INCOMPLETE || result == SIGV4_SCOPE)
        return s3_malformed(c, reason);
    if (rows[result].s3 != NULL)
        reason = str_of(rows[result].s3);
    int error = result == SIGV4_NOT_SIGNED ? FAULT_ACCESS_DENIED : rows[result].fault;
    int code = fault(c, error, STR_FMT, STR_ARG(reason));
    switch (result) {
    case SIGV4_MISMATCH:
        return add_mismatch(c, code, sig);
    case SIGV4_SKEWED:
        return add_skew(c, code, sig);
    case SIGV4_EXPIRED:
        return add_expiry(c, code, sig);
    case SIGV4_BODY_HASH:
        return add_hashes(c, code, sig);
    case SIGV4_NOT_SIGNED:
        return fault_field(c, code, "HeadersNotSigned", sigv4_headers_not_signed(c->http, sig));
    default:
        return code;
    }
}

int
signature_fault(struct call *c, enum sigv4_result result, const struct sigv4 *sig,
                struct str reason)
{
    if (is_s3(c))
        return s3_fault(c, result, sig, reason);
    if (result == SIGV4_MISSING)
        reason = STR("Request is missing Authentication Token");
    if (c->protocol == WIRE_EC2 && rows[result].ec2 != NULL)
        reason = str_of(rows[result].ec2);
    return fault(c, rows[result].fault, STR_FMT, STR_ARG(reason));
}

int
unknown_key_fault(struct call *c)
{
    if (c->protocol == WIRE_EC2)
        return fault(c, FAULT_UNKNOWN_KEY, "%s", rows[SIGV4_MISMATCH].ec2);
    if (!is_s3(c))
        return fault(c, FAULT_UNKNOWN_KEY,
                     "The security token included in the request is invalid.");
    int code = fault(c, FAULT_UNKNOWN_KEY,
                     "The AWS Access Key Id you provided does not exist in our records.");
    return fault_field(c, code, "AWSAccessKeyId", c->signature.access_key);
}

// S3 tells the right one, by which SDKs try again. Which region has a bucket only S3 itself knows
// (PermanentRedirect).
int
wrong_region_fault(struct call *c)
{
    struct str sent = c->signature.region;
    struct str wanted = region_exists(c->host.region) ? c->host.region : STR("us-east-1");
    if (!is_s3(c))
        return fault(c, FAULT_SIGNATURE_MISMATCH,
                     "Credential should be scoped to a valid region, not '" STR_FMT "'. ",
                     STR_ARG(sent));
    struct str wrong =
        arena_print(c->arena, "the region '" STR_FMT "' is wrong; expecting '" STR_FMT "'",
                    STR_ARG(sent), STR_ARG(wanted));
    if (c->signature.is_in_query)
        wrong = arena_print(c->arena, "Error parsing the X-Amz-Credential parameter; " STR_FMT,
                            STR_ARG(wrong));
    return fault_field(c, s3_malformed(c, wrong), "Region", wanted);
}

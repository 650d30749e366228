// Signing keys, signatures, and the checks of a signed request.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/sigv4.h"

#include <stdlib.h>

#include "src/auth/credentials.h"
#include "src/base/encoding.h"
#include "src/base/timestamp.h"

enum { HASH_HEX_BYTES = 2 * SHA256_BYTES, CANONICAL_SIZE_HINT = 1024, TO_SIGN_SIZE_HINT = 192 };

static const char mismatch_text[] =
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details.";

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
static const char *const payload_names[] = {
    [SIGV4_PAYLOAD_UNSIGNED] = "UNSIGNED-PAYLOAD",
    [SIGV4_PAYLOAD_CHUNKS] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    [SIGV4_PAYLOAD_CHUNKS_TRAILER] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    [SIGV4_PAYLOAD_UNSIGNED_TRAILER] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
};

const struct str sigv4_payload_text = {
    "The provided 'x-amz-content-sha256' header does not match what was computed.", 76};

static struct str
hash_str(const struct sha256 *hash)
{
    return (struct str){(const char *)hash->bytes, SHA256_BYTES};
}

static struct str
hash_hex(struct arena *arena, struct sha256 hash)
{
    char *text = arena_alloc_bytes(arena, HASH_HEX_BYTES);
    hex_encode(hash.bytes, SHA256_BYTES, text);
    return (struct str){text, HASH_HEX_BYTES};
}

static struct str
canonical_request(const struct http_request *r, const struct sigv4 *sig)
{
    struct buf out;
    buf_init(&out, r->arena, CANONICAL_SIZE_HINT);
    sigv4_canonical_request(r, sig, &out);
    return buf_str(&out);
}

static struct str
string_to_sign(struct arena *arena, const struct sigv4 *sig, struct str canonical)
{
    struct buf out;
    buf_init(&out, arena, TO_SIGN_SIZE_HINT);
    buf_put(&out, STR("AWS4-HMAC-SHA256\n"));
    buf_put(&out, sig->timestamp);
    buf_put_char(&out, '\n');
    buf_put(&out, sig->date);
    buf_put_char(&out, '/');
    buf_put(&out, sig->region);
    buf_put_char(&out, '/');
    buf_put(&out, sig->service);
    buf_put(&out, STR("/aws4_request\n"));
    buf_put(&out, hash_hex(arena, sha256_of(canonical)));
    return buf_str(&out);
}

static bool
is_signed(struct str names, struct str name)
{
    struct str one;
    while (str_is_present(names)) {
        str_cut(names, ';', &one, &names);
        if (str_eq_nocase(one, name))
            return true;
    }
    return false;
}

static bool
is_amz_header(struct str name)
{
    return str_eq_nocase(str_slice(name, 0, 6), STR("x-amz-"));
}

static struct str
time_text(struct arena *arena, int64_t ms)
{
    char *text = arena_alloc_bytes(arena, TIMESTAMP_BASIC_BYTES);
    timestamp_print_basic(ms, text);
    return (struct str){text, TIMESTAMP_BASIC_BYTES};
}

// As S3 does for presigned URLs: they may be old, but begin no earlier than they were signed.
static enum sigv4_result
check_expiry(const struct sigv4 *sig, int64_t now_ms, struct str *reason)
{
    if (now_ms < sig->timestamp_ms - SIGV4_SKEW_MS_MAX)
        *reason = STR("Request is not yet valid");
    else if (now_ms > sig->timestamp_ms + sig->expires_s * 1000)
        *reason = STR("Request has expired");
    else
        return SIGV4_OK;
    return SIGV4_EXPIRED;
}

static enum sigv4_result
check_time(const struct http_request *r, const struct sigv4 *sig, int64_t now_ms,
           struct str *reason)
{
    if (sig->expires_s > 0)
        return check_expiry(sig, now_ms, reason);
    int64_t first_ms = now_ms - SIGV4_SKEW_MS_MAX, last_ms = now_ms + SIGV4_SKEW_MS_MAX;
    if (sig->timestamp_ms < first_ms) {
        struct str first = time_text(r->arena, first_ms), now = time_text(r->arena, now_ms);
        *reason = arena_print(r->arena,
                              "Signature expired: " STR_FMT " is now earlier than " STR_FMT
                              " (" STR_FMT " - 15 min.)",
                              STR_ARG(sig->timestamp), STR_ARG(first), STR_ARG(now));
        return SIGV4_SKEWED;
    }
    if (sig->timestamp_ms > last_ms) {
        struct str last = time_text(r->arena, last_ms), now = time_text(r->arena, now_ms);
        *reason = arena_print(r->arena,
                              "Signature not yet current: " STR_FMT " is still later than " STR_FMT
                              " (" STR_FMT " + 15 min.)",
                              STR_ARG(sig->timestamp), STR_ARG(last), STR_ARG(now));
        return SIGV4_SKEWED;
    }
    return SIGV4_OK;
}

static enum sigv4_result
check_scope_date(const struct http_request *r, const struct sigv4 *sig, struct str *reason)
{
    struct str day = str_slice(sig->timestamp, 0, 8);
    if (str_eq(sig->date, day))
        return SIGV4_OK;
    *reason = arena_print(r->arena,
                          "Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
                          "of date from HTTP: '" STR_FMT "' != '" STR_FMT "', from '" STR_FMT "'.",
                          STR_ARG(sig->date), STR_ARG(day), STR_ARG(sig->timestamp));
    return SIGV4_SCOPE;
}

// What is not signed could be changed on the way, so host and x-amz-* must be.
static enum sigv4_result
check_coverage(const struct http_request *r, const struct sigv4 *sig, struct str *reason)
{
    if (!is_signed(sig->signed_headers, STR("host"))) {
        *reason = STR("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
        return SIGV4_NOT_SIGNED;
    }
    for (size_t i = 0; i < r->header_count; i++) {
        struct str name = r->headers[i].name;
        if (!is_amz_header(name) || is_signed(sig->signed_headers, name))
            continue;
        *reason = arena_print(r->arena,
                              "'" STR_FMT "' must be a 'SignedHeader' in the AWS Authorization.",
                              STR_ARG(name));
        return SIGV4_NOT_SIGNED;
    }
    return SIGV4_OK;
}

static enum sigv4_result
check_presence(const struct http_request *r, struct str names, struct str *reason)
{
    struct str name;
    while (str_is_present(names)) {
        str_cut(names, ';', &name, &names);
        if (str_is_present(http_request_header(r, name)))
            continue;
        *reason = arena_print(r->arena, "The signed header '" STR_FMT "' is not in the request.",
                              STR_ARG(name));
        return SIGV4_MISMATCH;
    }
    return SIGV4_OK;
}

struct str
sigv4_string_to_sign(const struct http_request *r, const struct sigv4 *sig)
{
    return string_to_sign(r->arena, sig, canonical_request(r, sig));
}

struct str
sigv4_headers_not_signed(const struct http_request *r, const struct sigv4 *sig)
{
    struct buf out;
    buf_init(&out, r->arena, 64);
    if (!is_signed(sig->signed_headers, STR("host")))
        buf_put(&out, STR("host"));
    for (size_t i = 0; i < r->header_count; i++) {
        struct str name = r->headers[i].name;
        if (is_amz_header(name) && !is_signed(sig->signed_headers, name))
            buf_print(&out, "%s" STR_FMT, out.len > 0 ? ", " : "", STR_ARG(name));
    }
    return buf_str(&out);
}

enum sigv4_result
sigv4_check(const struct http_request *r, const struct sigv4 *sig, const struct sha256 *signing_key,
            struct str *reason)
{
    struct str canonical = canonical_request(r, sig);
    struct str to_sign = string_to_sign(r->arena, sig, canonical);
    struct str computed = hash_hex(r->arena, hmac_sha256(hash_str(signing_key), to_sign));
    if (str_eq_constant_time(computed, sig->signature))
        return SIGV4_OK;
    *reason = arena_print(r->arena,
                          "%s\n\nThe Canonical String for this request should have been\n'" STR_FMT
                          "'\n\nThe String-to-Sign should have been\n'" STR_FMT "'\n",
                          mismatch_text, STR_ARG(canonical), STR_ARG(to_sign));
    return SIGV4_MISMATCH;
}

static enum sigv4_result
check_payload_kind(const struct http_request *r, unsigned payloads, struct str *reason)
{
    enum sigv4_payload payload = sigv4_payload_of(r);
    if (payload == SIGV4_PAYLOAD_HASHED || payloads & 1u << payload)
        return SIGV4_OK;
    *reason = sigv4_payload_text;
    return SIGV4_MISMATCH;
}

// A signed x-amz-content-sha256 says nothing until the body has that hash.
static enum sigv4_result
check_payload(const struct http_request *r, struct str *reason)
{
    struct str sent = http_request_header(r, STR("x-amz-content-sha256"));
    if (!str_is_present(sent) || sigv4_payload_of(r) != SIGV4_PAYLOAD_HASHED ||
        str_eq(sent, hash_hex(r->arena, sha256_of(r->body))))
        return SIGV4_OK;
    *reason = sigv4_payload_text;
    return SIGV4_BODY_HASH;
}

static int
compare_names(const void *left, const void *right)
{
    return str_cmp(*(const struct str *)left, *(const struct str *)right);
}

static struct str
lower(struct arena *arena, struct str s)
{
    char *text = arena_alloc_bytes(arena, s.len);
    for (size_t i = 0; i < s.len; i++)
        text[i] = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] + 32) : s.ptr[i];
    return (struct str){text, s.len};
}

// All that the request has, but what is being made.
static struct str
signed_header_names(const struct http_request *r)
{
    size_t count = 0;
    struct str *names = ARENA_ARRAY(r->arena, r->header_count, struct str);
    for (size_t i = 0; i < r->header_count; i++)
        if (!str_eq_nocase(r->headers[i].name, STR("Authorization")))
            names[count++] = lower(r->arena, r->headers[i].name);
    qsort(names, count, sizeof(*names), compare_names);
    struct buf out;
    buf_init(&out, r->arena, 128);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && str_eq(names[i], names[i - 1]))
            continue;
        if (i > 0)
            buf_put_char(&out, ';');
        buf_put(&out, names[i]);
    }
    return buf_str(&out);
}

static struct str
signature_of(const struct http_request *r, const struct sigv4 *sig, struct str secret)
{
    struct sha256 key = sigv4_signing_key(secret, sig->date, sig->region, sig->service);
    struct str to_sign = string_to_sign(r->arena, sig, canonical_request(r, sig));
    return hash_hex(r->arena, hmac_sha256(hash_str(&key), to_sign));
}

enum sigv4_payload
sigv4_payload_of(const struct http_request *request)
{
    struct str sent = http_request_header(request, STR("x-amz-content-sha256"));
    for (size_t i = 0; i < COUNT_OF(payload_names); i++)
        if (payload_names[i] != NULL && str_eq(sent, str_of(payload_names[i])))
            return (enum sigv4_payload)i;
    return str_starts(sent, STR("STREAMING-")) ? SIGV4_PAYLOAD_UNKNOWN : SIGV4_PAYLOAD_HASHED;
}

struct sha256
sigv4_signing_key(struct str secret, struct str date, struct str region, struct str service)
{
    char first[4 + SECRET_BYTES_MAX] = "AWS4";
    CHECK(secret.len <= SECRET_BYTES_MAX);
    memcpy(first + 4, secret.ptr, secret.len);
    struct sha256 key = hmac_sha256((struct str){first, 4 + secret.len}, date);
    key = hmac_sha256(hash_str(&key), region);
    key = hmac_sha256(hash_str(&key), service);
    key = hmac_sha256(hash_str(&key), STR("aws4_request"));
    explicit_bzero(first, sizeof(first));
    return key;
}

enum sigv4_result
sigv4_verify_head(const struct http_request *request, const struct sigv4 *sig, unsigned payloads,
                  int64_t now_ms, struct str *reason)
{
    enum sigv4_result result = check_time(request, sig, now_ms, reason);
    if (result == SIGV4_OK)
        result = check_scope_date(request, sig, reason);
    if (result == SIGV4_OK)
        result = check_coverage(request, sig, reason);
    if (result == SIGV4_OK)
        result = check_presence(request, sig->signed_headers, reason);
    if (result == SIGV4_OK)
        result = check_payload_kind(request, payloads, reason);
    return result;
}

enum sigv4_result
sigv4_verify(const struct http_request *request, const struct sigv4 *sig,
             const struct sha256 *signing_key, unsigned payloads, int64_t now_ms,
             struct str *reason)
{
    enum sigv4_result result = sigv4_verify_head(request, sig, payloads, now_ms, reason);
    if (result == SIGV4_OK)
        result = sigv4_check(request, sig, signing_key, reason);
    if (result == SIGV4_OK)
        result = check_payload(request, reason);
    return result;
}

struct str
sigv4_authorization(const struct http_request *request, struct str access_key, struct str secret,
                    struct str region, struct str service)
{
    struct sigv4 sig = {
        .access_key = access_key,
        .region = region,
        .service = service,
        .timestamp = http_request_header(request, STR("X-Amz-Date")),
        .signed_headers = signed_header_names(request),
    };
    sig.date = str_slice(sig.timestamp, 0, 8);
    struct str signature = signature_of(request, &sig, secret);
    return arena_print(request->arena,
                       "AWS4-HMAC-SHA256 Credential=" STR_FMT "/" STR_FMT "/" STR_FMT "/" STR_FMT
                       "/aws4_request, SignedHeaders=" STR_FMT ", Signature=" STR_FMT,
                       STR_ARG(access_key), STR_ARG(sig.date), STR_ARG(region), STR_ARG(service),
                       STR_ARG(sig.signed_headers), STR_ARG(signature));
}

struct str
sigv4_presign(const struct http_request *request, struct str access_key, struct str secret,
              struct str region, struct str service, int64_t now_ms, int64_t expires_s)
{
    struct http_request r = *request;
    struct sigv4 sig = {
        .access_key = access_key,
        .region = region,
        .service = service,
        .timestamp = time_text(r.arena, now_ms),
        .signed_headers = STR("host"),
        .is_in_query = true,
        .is_body_left_out = str_eq(service, STR("s3")),
    };
    sig.date = str_slice(sig.timestamp, 0, 8);
    r.query = arena_print(
        r.arena,
        STR_FMT "%sX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" STR_FMT "%%2F" STR_FMT
                "%%2F" STR_FMT "%%2F" STR_FMT "%%2Faws4_request&X-Amz-Date=" STR_FMT
                "&X-Amz-Expires=%lld&X-Amz-SignedHeaders=host",
        STR_ARG(r.query), r.query.len > 0 ? "&" : "", STR_ARG(access_key), STR_ARG(sig.date),
        STR_ARG(region), STR_ARG(service), STR_ARG(sig.timestamp), (long long)expires_s);
    struct str signature = signature_of(&r, &sig, secret);
    return arena_print(r.arena, STR_FMT "&X-Amz-Signature=" STR_FMT, STR_ARG(r.query),
                       STR_ARG(signature));
}

// Checksums that headers give of a body, for the services whose requests carry them.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/header_digest.h"
#include "src/cloud/stages.h"

// 1 ms of MD5: above, other fibers should not wait.
enum { DIGEST_IN_POOL_BYTES_MIN = 512 * 1024 };

// The words are those of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and
// for what is missing those that S3 answers.
static int
wrong_fault(struct call *c)
{
    int code = fault(c, FAULT_BODY_CHECKSUM,
                     "The Content-MD5 or checksum value that you specified did not match what the "
                     "server received.");
    if (!str_is_present(c->digest->md5_sent))
        return code;
    code = fault_field(c, code, "ExpectedDigest", c->digest->md5_sent);
    return fault_field(c, code, "CalculatedDigest", c->digest->md5_of_all);
}

static void
check_body(void *arg)
{
    struct call *c = arg;
    (void)header_digest_check(c->digest, c->body);
}

static int
check_now_or_later(struct call *c)
{
    if (c->stream != NULL) {
        header_digest_open(c->digest, c->stream);
        c->stream = &c->digest->stream;
        return OK;
    }
    if (c->body.len >= DIGEST_IN_POOL_BYTES_MIN)
        pool_run(c->cloud->runtime, check_body, c);
    else
        check_body(c);
    return c->digest->result == HEADER_DIGEST_OK ? OK : wrong_fault(c);
}

static int
check_missing(struct call *c)
{
    bool is_in_trailer = str_is_present(http_request_header(c->http, STR("x-amz-trailer")));
    if (c->operation->checksum != WIRE_CHECKSUM_REQUIRED || is_in_trailer)
        return OK;
    return fault(c, FAULT_MISSING_PARAMETER,
                 "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}

int
call_check_digest(struct call *c)
{
    if (!c->service->checks_digests || c->operation->checksum == WIRE_CHECKSUM_NONE)
        return OK;
    c->digest = ARENA_NEW(c->arena, struct header_digest);
    switch (header_digest_init(c->digest, c->http)) {
    case HEADER_DIGEST_NONE:
        return check_missing(c);
    case HEADER_DIGEST_INVALID:
        return fault(c, FAULT_BODY_DIGEST,
                     "The Content-MD5 or checksum value that you specified is not valid.");
    default:
        return check_now_or_later(c);
    }
}

int
call_judge_digest(struct call *c, int code)
{
    bool is_wrong = c->digest != NULL && c->digest->result == HEADER_DIGEST_WRONG;
    return code != OK && is_wrong ? wrong_fault(c) : code;
}

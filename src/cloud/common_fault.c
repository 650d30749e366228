// The table of the errors that all services share.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/common_fault.h"

// Names and status of one error by protocol family. The JSON services answer nearly everything with
// 400 and names that end in Exception, the query services with the codes and status of
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html ("docs").
struct common {
    const char *json_name;
    int json_status;
    const char *query_code;
    int query_status;
    bool is_sender;
};

#define ROW(fault) [fault - FAULT_COMMON_FIRST]

static const struct common common_faults[FAULT_COMMON_END - FAULT_COMMON_FIRST] = {
    // c10m's own: at AWS every operation exists.
    ROW(FAULT_NOT_IMPLEMENTED) = {"NotImplemented", 501, "NotImplemented", 501, false},
    // JSON: CloudWatch Logs, aws-sdk-net#1536. Query: docs, wording from SQS.
    ROW(FAULT_UNKNOWN_OPERATION) = {"UnknownOperationException", 400, "InvalidAction", 400, true},
    ROW(FAULT_MISSING_ACTION) = {"UnknownOperationException", 400, "MissingAction", 400, true},
    // JSON: DynamoDB. Query: STS's answers of 2023 and 2024; docs.
    ROW(FAULT_MISSING_AUTHENTICATION) = {"MissingAuthenticationTokenException", 400,
                                         "MissingAuthenticationToken", 403, true},
    // Query: docs. JSON: by analogy.
    ROW(FAULT_INCOMPLETE_SIGNATURE) = {"IncompleteSignatureException", 400, "IncompleteSignature",
                                       400, true},
    ROW(FAULT_INCOMPLETE_QUERY) = {"IncompleteSignatureException", 400, "IncompleteSignature", 400,
                                   true},
    // JSON: EMR, SageMaker. Query: CloudFormation, SQS (boto#3690).
    ROW(FAULT_SIGNATURE_MISMATCH) = {"InvalidSignatureException", 400, "SignatureDoesNotMatch", 403,
                                     true},
    // JSON: aws-sdk-js#254, which shows the wording too.
    ROW(FAULT_REQUEST_EXPIRED) = {"InvalidSignatureException", 400, "SignatureDoesNotMatch", 403,
                                  true},
    // JSON: DynamoDB. Query: SQS (ex_aws#220), docs.
    ROW(FAULT_UNKNOWN_KEY) = {"UnrecognizedClientException", 400, "InvalidClientTokenId", 403,
                              true},
    // JSON: docs. Query: what SQS answers.
    ROW(FAULT_ACCESS_DENIED) = {"AccessDeniedException", 400, "AccessDenied", 403, true},
    // JSON: Glacier, which has streams. Query: no service has them.
    ROW(FAULT_BODY_TIMEOUT) = {"RequestTimeoutException", 408, "RequestTimeout", 408, true},
    // By analogy: what is not the protocol's syntax, another signature, another value.
    ROW(FAULT_BODY_INCOMPLETE) = {"SerializationException", 400, "MalformedInput", 400, true},
    ROW(FAULT_BODY_HASH) = {"InvalidSignatureException", 400, "SignatureDoesNotMatch", 403, true},
    ROW(FAULT_BODY_CHECKSUM) = {"InvalidParameterValueException", 400, "InvalidParameterValue", 400,
                                true},
    ROW(FAULT_BODY_DIGEST) = {"InvalidParameterValueException", 400, "InvalidParameterValue", 400,
                              true},
    // JSON: DynamoDB (aws-sdk-unity#54).
    ROW(FAULT_MALFORMED_INPUT) = {"SerializationException", 400, "MalformedInput", 400, true},
    // Query: docs, wording from SQS (aws-controllers-k8s#2139). JSON: by analogy.
    ROW(FAULT_MISSING_PARAMETER) = {"MissingRequiredParameterException", 400, "MissingParameter",
                                    400, true},
    // JSON: SQS (http4k#1336). Query: docs.
    ROW(FAULT_INVALID_PARAMETER) = {"InvalidParameterValueException", 400, "InvalidParameterValue",
                                    400, true},
    // JSON: Lambda (terraform-provider-aws#36076), DynamoDB. Query: IAM (nixops#328),
    // CloudFormation.
    ROW(FAULT_VALIDATION) = {"ValidationException", 400, "ValidationError", 400, true},
    // c10m's own: a limit of its store.
    ROW(FAULT_TOO_LARGE) = {"LimitExceededException", 400, "LimitExceeded", 400, true},
    ROW(FAULT_THROTTLED) = {"ThrottlingException", 400, "Throttling", 400, true},           // docs
    ROW(FAULT_UNAVAILABLE) = {"ServiceUnavailable", 503, "ServiceUnavailable", 503, false}, // docs
    ROW(FAULT_INTERNAL) = {"InternalFailure", 500, "InternalFailure", 500, false},          // docs
};

// Where the REST services of JSON differ in status from those of X-Amz-Target: Lambda's and API
// Gateway's references, "Common errors".
static const struct {
    int fault;
    int status;
} rest_json_status[] = {
    {FAULT_UNKNOWN_OPERATION, 404},
    {FAULT_MISSING_AUTHENTICATION, 403},
    {FAULT_INCOMPLETE_SIGNATURE, 403},
    {FAULT_INCOMPLETE_QUERY, 403},
    {FAULT_SIGNATURE_MISMATCH, 403},
    {FAULT_REQUEST_EXPIRED, 403},
    {FAULT_UNKNOWN_KEY, 403},
    {FAULT_ACCESS_DENIED, 403},
    {FAULT_THROTTLED, 429},
    {FAULT_BODY_HASH, 403},
};

struct own_name {
    int fault;
    const char *code;
    int status;
};

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
static const struct own_name ec2_names[] = {
    {FAULT_SIGNATURE_MISMATCH, "AuthFailure", 401},
    {FAULT_UNKNOWN_KEY, "AuthFailure", 401},
    {FAULT_BODY_HASH, "AuthFailure", 401},
    {FAULT_REQUEST_EXPIRED, "RequestExpired", 400},
    {FAULT_ACCESS_DENIED, "UnauthorizedOperation", 403},
    {FAULT_MALFORMED_INPUT, "InvalidParameterValue", 400},
    {FAULT_THROTTLED, "RequestLimitExceeded", 503},
    {FAULT_UNAVAILABLE, "Unavailable", 503},
    {FAULT_INTERNAL, "InternalError", 500},
};

// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
static const struct own_name s3_names[] = {
    {FAULT_UNKNOWN_OPERATION, "MethodNotAllowed", 405},
    {FAULT_MISSING_AUTHENTICATION, "AccessDenied", 403},
    {FAULT_INCOMPLETE_SIGNATURE, "AuthorizationHeaderMalformed", 400},
    {FAULT_INCOMPLETE_QUERY, "AuthorizationQueryParametersError", 400},
    {FAULT_REQUEST_EXPIRED, "RequestTimeTooSkewed", 403},
    {FAULT_UNKNOWN_KEY, "InvalidAccessKeyId", 403},
    {FAULT_BODY_TIMEOUT, "RequestTimeout", 400},
    {FAULT_BODY_INCOMPLETE, "IncompleteBody", 400},
    {FAULT_BODY_HASH, "XAmzContentSHA256Mismatch", 400},
    {FAULT_BODY_CHECKSUM, "BadDigest", 400},
    {FAULT_BODY_DIGEST, "InvalidDigest", 400},
    {FAULT_MALFORMED_INPUT, "MalformedXML", 400},
    {FAULT_MISSING_PARAMETER, "InvalidRequest", 400},
    {FAULT_INVALID_PARAMETER, "InvalidArgument", 400},
    {FAULT_VALIDATION, "InvalidArgument", 400},
    {FAULT_TOO_LARGE, "EntityTooLarge", 400},
    {FAULT_THROTTLED, "SlowDown", 503},
    {FAULT_INTERNAL, "InternalError", 500},
};

static bool
is_json(enum wire_protocol protocol)
{
    return protocol == WIRE_JSON_1_0 || protocol == WIRE_JSON_1_1 || protocol == WIRE_RPC_V2_CBOR ||
           protocol == WIRE_REST_JSON;
}

static void
use_own_name(struct fault *f, int error, const struct own_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].fault != error)
            continue;
        f->query_code = f->name = str_of(names[i].code);
        f->status = names[i].status;
    }
}

static void
use_rest_json_status(struct fault *f, int error)
{
    for (size_t i = 0; i < COUNT_OF(rest_json_status); i++)
        if (rest_json_status[i].fault == error)
            f->status = rest_json_status[i].status;
}

struct fault
common_fault_of(int error, enum wire_protocol protocol, const struct wire_service *s)
{
    const struct common *row = &common_faults[error - FAULT_COMMON_FIRST];
    struct fault f = {
        .is_set = true,
        .name = str_of(row->json_name),
        .json_namespace =
            error == FAULT_NOT_IMPLEMENTED ? (struct str){0} : STR("com.amazon.coral.service"),
        .query_code = str_of(row->query_code),
        .status = is_json(protocol) ? row->json_status : row->query_status,
        .is_sender = row->is_sender,
    };
    if (protocol == WIRE_EC2)
        use_own_name(&f, error, ec2_names, COUNT_OF(ec2_names));
    else if (protocol == WIRE_REST_XML && s != NULL && s->has_bare_errors)
        use_own_name(&f, error, s3_names, COUNT_OF(s3_names));
    else if (protocol == WIRE_REST_JSON)
        use_rest_json_status(&f, error);
    return f;
}

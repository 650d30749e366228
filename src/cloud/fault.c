// The table of the errors that all services share, and how a call gets its error.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/fault.h"

#include "src/cloud/call.h"

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
    // JSON: DynamoDB (aws-sdk-unity#54).
    ROW(FAULT_MALFORMED_INPUT) = {"SerializationException", 400, "MalformedInput", 400, true},
    // Query: docs, wording from SQS (aws-controllers-k8s#2139). JSON: by analogy.
    ROW(FAULT_MISSING_PARAMETER) = {"MissingRequiredParameterException", 400, "MissingParameter",
                                    400, true},
    // JSON: SQS (http4k#1336). Query: docs.
    ROW(FAULT_INVALID_PARAMETER) = {"InvalidParameterValueException", 400, "InvalidParameterValue",
                                    400, true},
    // c10m's own: a limit of its store.
    ROW(FAULT_TOO_LARGE) = {"LimitExceededException", 400, "LimitExceeded", 400, true},
    ROW(FAULT_THROTTLED) = {"ThrottlingException", 400, "Throttling", 400, true},           // docs
    ROW(FAULT_UNAVAILABLE) = {"ServiceUnavailable", 503, "ServiceUnavailable", 503, false}, // docs
    ROW(FAULT_INTERNAL) = {"InternalFailure", 500, "InternalFailure", 500, false},          // docs
};

// What a code that nobody turned into an AWS error means to the caller. All but the last can be
// tried again; SDKs do that by themselves.
static const struct {
    int code;
    int fault;
    const char *message;
} code_faults[] = {
    {E_FULL, FAULT_UNAVAILABLE,
     "The disk is nearly full: writes are refused until there is room. Reads and deletes go on."},
    {E_CONFLICT, FAULT_UNAVAILABLE, "Too many requests changed the same data. Try again."},
    {E_TOO_OLD, FAULT_UNAVAILABLE, "The request took too long. Try again."},
    {E_TIMEOUT, FAULT_UNAVAILABLE, "The request took too long. Try again."},
    {E_CANCELLED, FAULT_UNAVAILABLE, "The request was cancelled. Try again."},
    {E_UNKNOWN, FAULT_INTERNAL, "It is not known whether the request was carried out."},
    {E_LIMIT, FAULT_TOO_LARGE, "The request changes too much at once."},
};

static bool
is_json(enum wire_protocol protocol)
{
    return protocol == WIRE_JSON_1_0 || protocol == WIRE_JSON_1_1;
}

static struct fault
common_fault_of(int error, enum wire_protocol protocol)
{
    const struct common *row = &common_faults[error - FAULT_COMMON_FIRST];
    return (struct fault){
        .is_set = true,
        .name = str_of(row->json_name),
        .json_namespace =
            error == FAULT_NOT_IMPLEMENTED ? (struct str){0} : STR("com.amazon.coral.service"),
        .query_code = str_of(row->query_code),
        .status = is_json(protocol) ? row->json_status : row->query_status,
        .is_sender = row->is_sender,
    };
}

static struct fault
service_fault_of(int error, const struct wire_service *s)
{
    CHECK(error >= 0 && (size_t)error < s->error_count);
    const struct wire_error *e = &s->errors[error];
    return (struct fault){
        .is_set = true,
        .name = str_of(wire_text(s->model, e->name)),
        .json_namespace = str_of(s->json_namespace),
        .query_code = str_of(wire_text(s->model, e->query_code)),
        .status = e->status,
        .is_sender = e->is_sender,
        .message_name =
            e->message_name == 0 ? (struct str){0} : str_of(wire_text(s->model, e->message_name)),
    };
}

int
fault_with(struct call *c, int error, const void *context, const char *format, va_list args)
{
    const struct wire_service *s = c->service->wire;
    c->fault = service_fault_of(error, s);
    c->fault.m = s->model;
    c->fault.shape = s->errors[error].shape;
    CHECK(c->fault.shape != WIRE_NO_SHAPE);
    size_t size = s->model->shapes[c->fault.shape].c_size;
    c->fault.context = memcpy(arena_alloc(c->arena, size), context, size);
    c->fault.message = arena_print_v(c->arena, format, args);
    return E_FAULT;
}

int
fault_field(struct call *c, int code, const char *name, struct str value)
{
    struct fault *f = &c->fault;
    if (code != E_FAULT)
        return code;
    CHECK(f->is_set && f->field_count < FAULT_FIELDS_MAX);
    f->fields[f->field_count++] = (struct wire_error_field){name, value};
    return code;
}

int
fault(struct call *c, int error, const char *format, ...)
{
    va_list args;
    CHECK(error < FAULT_COMMON_END);
    c->fault = error >= FAULT_COMMON_FIRST ? common_fault_of(error, c->protocol)
                                           : service_fault_of(error, c->service->wire);
    va_start(args, format);
    c->fault.message = arena_print_v(c->arena, format, args);
    va_end(args);
    return E_FAULT;
}

int
fault_of_code(struct call *c, int code)
{
    if (code == E_FAULT && c->fault.is_set)
        return E_FAULT;
    for (size_t i = 0; i < COUNT_OF(code_faults); i++)
        if (code_faults[i].code == code)
            return fault(c, code_faults[i].fault, "%s", code_faults[i].message);
    return fault(c, FAULT_INTERNAL, "The request failed inside c10m (%s).", code_name(code));
}

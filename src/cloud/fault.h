// The AWS error of a call, and the errors that all services share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdarg.h>

#include "src/wire/protocol.h"

struct call;

// Errors of a service are numbered from 0 by its generated enum (SQS_QUEUE_DOES_NOT_EXIST). These
// are common to all, with codes and status by protocol in common_fault.c.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
enum common_fault {
    FAULT_COMMON_FIRST = 0x8000,
    FAULT_NOT_IMPLEMENTED = FAULT_COMMON_FIRST,
    FAULT_UNKNOWN_OPERATION,
    FAULT_MISSING_ACTION,
    FAULT_MISSING_AUTHENTICATION,
    FAULT_INCOMPLETE_SIGNATURE,
    FAULT_INCOMPLETE_QUERY, // the same in a presigned URL
    FAULT_SIGNATURE_MISMATCH,
    FAULT_REQUEST_EXPIRED,
    FAULT_UNKNOWN_KEY,
    FAULT_ACCESS_DENIED,
    FAULT_BODY_TIMEOUT,    // it came too slowly
    FAULT_BODY_INCOMPLETE, // it ended early, or is not framed as it says
    FAULT_BODY_HASH,       // x-amz-content-sha256 is of another
    FAULT_BODY_CHECKSUM,   // its checksum is of another
    FAULT_BODY_DIGEST,     // its checksum is none
    FAULT_MALFORMED_INPUT, // not the protocol's syntax, or a wrong type
    FAULT_MISSING_PARAMETER,
    FAULT_INVALID_PARAMETER,
    FAULT_VALIDATION, // what the model says about an input does not hold
    FAULT_TOO_LARGE,
    FAULT_THROTTLED,
    FAULT_UNAVAILABLE,
    FAULT_INTERNAL,
    FAULT_COMMON_END,
};

enum { FAULT_FIELDS_MAX = 8 }; // S3's largest error, SignatureDoesNotMatch, has seven

struct fault {
    bool is_set;
    struct str name;
    struct str json_namespace;
    struct str query_code;
    int status;
    bool is_sender;
    struct str message;
    struct str message_name;    // its spelling in JSON; absent: "message"
    const struct wire_model *m; // of the context; NULL: there is none
    uint16_t shape;             // same
    const void *context;        // the members of a modelled error
    struct wire_error_field fields[FAULT_FIELDS_MAX];
    size_t field_count;
};

// Sets the call's error, in place of an earlier one, and returns E_FAULT:
//     return fault(c, SQS_QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.");
// A transaction's body may call it: run again, it sets its error again, or succeeds. The error of a
// handler that returns OK counts for nothing.
MUST_USE int fault(struct call *c, int error, const char *format, ...) PRINTF(3, 4);
// The same for an error that has members of its own: `context` points to its generated struct,
// which is copied; what it points to lives in the call's arena, or longer. The generated header has
// a function for each such error, which knows the struct:
//     return dynamodb_conditional_check_failed_exception(
//         c, &(struct dynamodb_conditional_check_failed_exception){.Item = item}, "The ...");
MUST_USE int fault_with(struct call *c, int error, const void *context, const char *format,
                        va_list args);
// Adds a text to the fault that `code` stands for, in every protocol as a member beside its
// message; other codes are left alone. Returns `code`:
//     return fault_field(c, fault(c, S3_NO_SUCH_KEY, "The specified key does not exist."), "Key",
//     key);
// The name is a constant, the value lives in the call's arena. At most FAULT_FIELDS_MAX.
MUST_USE int fault_field(struct call *c, int code, const char *name, struct str value);
// The fault for a code that the store or another module returned; of E_FAULT the one that is set.
MUST_USE int fault_of_code(struct call *c, int code);

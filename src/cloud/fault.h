// The AWS error of a call, and the errors that all services share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

struct call;

// Errors of a service are numbered from 0 by its generated enum (SQS_QUEUE_DOES_NOT_EXIST). These
// are common to all, with codes and status by protocol in fault.c.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
enum common_fault {
    FAULT_COMMON_FIRST = 0x8000,
    FAULT_NOT_IMPLEMENTED = FAULT_COMMON_FIRST,
    FAULT_UNKNOWN_OPERATION,
    FAULT_MISSING_ACTION,
    FAULT_MISSING_AUTHENTICATION,
    FAULT_INCOMPLETE_SIGNATURE,
    FAULT_SIGNATURE_MISMATCH,
    FAULT_REQUEST_EXPIRED,
    FAULT_UNKNOWN_KEY,
    FAULT_ACCESS_DENIED,
    FAULT_MALFORMED_INPUT, // not the protocol's syntax, or a wrong type
    FAULT_MISSING_PARAMETER,
    FAULT_INVALID_PARAMETER,
    FAULT_TOO_LARGE,
    FAULT_THROTTLED,
    FAULT_UNAVAILABLE,
    FAULT_INTERNAL,
    FAULT_COMMON_END,
};

struct fault {
    bool is_set;
    struct str name;
    struct str json_namespace;
    struct str query_code;
    int status;
    bool is_sender;
    struct str message;
};

// Sets the call's error, in place of an earlier one, and returns E_FAULT:
//     return fault(c, SQS_QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.");
// A transaction's body may call it: run again, it sets its error again, or succeeds. The error of a
// handler that returns OK counts for nothing.
MUST_USE int fault(struct call *c, int error, const char *format, ...) PRINTF(3, 4);
// The fault for a code that the store or another module returned; of E_FAULT the one that is set.
MUST_USE int fault_of_code(struct call *c, int code);

// Calls of operations from inside the process: what a client could do, without a socket.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

// Who calls what. The call is decoded, validated, authorised, run and recorded like any other; only
// its signature is not asked for, since the principal is given. Texts outlive the call.
struct invocation {
    struct cloud *cloud;
    struct arena *arena; // input, output and fault live here
    struct principal principal;
    struct str region;
    struct str caller; // the service that calls, as CloudTrail names it: "states.amazonaws.com"
};

// All in a fiber. `fault` is set when the result is E_FAULT, the only one but OK.
// By names, with the input as JSON: "sqs", "SendMessage". *output is JSON.
MUST_USE int invoke_json(const struct invocation *i, struct str service, struct str operation,
                         struct str input, struct str *output, struct fault *fault);
// With the generated structs; an input that the model refuses is a fault too. *output is the
// operation's output struct.
MUST_USE int invoke_typed(const struct invocation *i, struct str service, struct str operation,
                          const void *input, const void **output, struct fault *fault);

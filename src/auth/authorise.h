// Who may do what.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/credentials.h"

// What a call is about to do, in IAM's terms.
struct access {
    struct str action;   // "sqs:SendMessage"; not always the operation's name
    struct str resource; // its ARN; "*" when it is not about a certain one
    struct str owner;    // the account that the resource belongs to
    bool is_open;        // needs no credentials: modelled without authentication
};

// Today the root of the account that owns the resource, and nobody else. Else `reason` says why not
// in AWS's words.
bool access_is_allowed(struct arena *arena, const struct principal *principal,
                       const struct access *access, struct str *reason);

// Who calls.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
enum principal_kind {
    PRINCIPAL_ANONYMOUS, // nobody signed
    PRINCIPAL_ROOT,
    PRINCIPAL_USER,
    PRINCIPAL_ROLE_SESSION, // of AssumeRole and its relatives
    PRINCIPAL_FEDERATED,    // of GetFederationToken
    PRINCIPAL_SERVICE,      // one of AWS's own: "states.amazonaws.com"
};

// Of a user, a role or a session: aws:PrincipalTag/KEY.
struct principal_tag {
    struct str key, value;
};

// Texts live in the call's arena or are static. What a kind does not have is absent.
struct principal {
    enum principal_kind kind;
    struct str account; // 12 digits
    struct str arn; // arn:aws:iam::000000000000:root, arn:aws:sts::...:assumed-role/ROLE/SESSION
    struct str user_id; // aws:userid; of a root: its account
    struct str name;    // of a user, a session or a service
    struct str access_key;
    // Of sessions: the role or user whose permissions they have, its unique id and name.
    struct str issuer_arn, issuer_id, issuer_name;
    int64_t issued_ms;                  // of sessions, wall clock
    const struct str *session_policies; // JSON documents; only what all of these allow too
    size_t session_policy_count;
    const struct principal_tag *tags;
    size_t tag_count;
};

// Who may do what.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/queue.h>

#include "src/auth/principal.h"
#include "src/base/arena.h"

struct access_resource {
    struct str arn;
    struct str owner; // the account that it belongs to
    STAILQ_ENTRY(access_resource) link;
};

// One key of a policy's Condition, with what it stands for in this call.
struct access_condition {
    struct str key; // "aws:RequestTag/team"
    struct str value;
    STAILQ_ENTRY(access_condition) link; // several of one key are its several values
};

// One action that a call is about to do, in IAM's terms. Texts live as long as the call.
struct access {
    struct str action;        // "sqs:SendMessage"; not always the operation's name
    struct str denied_action; // how the service's own errors write it; absent: as it is
    // What it is about, all of which must be allowed. None: "*", which everybody's own account has.
    STAILQ_HEAD(, access_resource) resources;
    STAILQ_HEAD(, access_condition) conditions; // those that the service knows
    // Those that hold for any call; absent: not in this one. NULL: there are none.
    struct str (*global_condition)(void *arg, struct str key);
    void *global_arg;
    bool is_open; // needs no permission: modelled without authentication, or the service admits it
};

void access_init(struct access *access, struct str action);
void access_add_resource(struct access *access, struct arena *arena, struct str arn,
                         struct str owner);
void access_add_condition(struct access *access, struct arena *arena, struct str key,
                          struct str value);
// The first value of a key of a policy, in whatever case: keys have none. Absent: the call has no
// such key.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
struct str access_condition(const struct access *access, struct str key);

// Whether the principal is root of the account that owns all this is about: then no policy can
// matter to it but those of organizations.
bool access_is_own_root(const struct principal *principal, const struct access *access);

// Today the root of the account that owns the resources, and nobody else. Else `reason` says why
// not in AWS's words.
bool access_is_allowed(struct arena *arena, const struct principal *principal,
                       const struct access *access, struct str *reason);

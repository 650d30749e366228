// Amazon Resource Names: arn:partition:service:region:account:resource.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arena.h"

enum { ARN_BYTES_MAX = 2048 };

// Region and account may be empty; the resource holds whatever the service puts there, with its
// colons and slashes.
struct arn {
    struct str partition, service, region, account, resource;
};

// The parts stay in `text`. E_INVALID: it is no ARN.
MUST_USE int arn_parse(struct str text, struct arn *out);
struct str arn_print(struct arena *arena, const struct arn *arn);

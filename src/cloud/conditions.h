// The condition keys that hold for every call.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

// The value of "aws:SourceIp" and the like, in the call's arena. Absent: this call has none, or it
// is no key of AWS's own. `call` is a struct call.
struct str call_condition(void *call, struct str key);

// The AWS error of a signature that is not good, with the words and the fields of its protocol.
// Nothing of a secret or a signing key is in them, only what the client sent.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

// `sig` and `reason` are those that `result` came with.
MUST_USE int signature_fault(struct call *c, enum sigv4_result result, const struct sigv4 *sig,
                             struct str reason);
// The access key is nobody's.
MUST_USE int unknown_key_fault(struct call *c);
// The scope's region is none, or not that of the host.
MUST_USE int wrong_region_fault(struct call *c);

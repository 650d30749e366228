// A sandbox's specification as its shim reads it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/host/sandbox.h"

// The descriptors that a shim is started with.
enum { SHIM_SPEC_FD = 3, SHIM_REPORT_FD, SHIM_SECCOMP_FD, SHIM_USER_FD, SHIM_NET_FD };

// Zero-terminated "key=value" texts (src/host/shim/spec.c). E_INVALID with a sentence in `problem`:
// texts that the shim could not tell apart, or too many of them.
MUST_USE int sandbox_spec_print(const struct host *h, const struct sandbox_spec *spec,
                                const char *dir, struct buf *out, char *problem,
                                size_t problem_size);

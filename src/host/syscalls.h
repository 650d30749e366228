// The system calls that guests may not make.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/code.h"

// *out: a descriptor that holds the filter as the kernel wants it. E_IO.
MUST_USE int seccomp_filter_new(int *out);

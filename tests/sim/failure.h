// How a simulation says that something is broken.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/code.h"

// Into the trace and to stderr; then ends the program with EXIT_BROKEN.
enum { EXIT_BROKEN = 3 };
_Noreturn void failure(const char *format, ...) PRINTF(1, 2);

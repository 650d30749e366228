// Starting the threads of a runtime.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include "src/base/code.h"

// Private to src/task. All signals are blocked in it, so that they reach the thread that waits for
// them. E_IO: errno says why.
MUST_USE int thread_start(pthread_t *out, const char *name, void *(*fn)(void *arg), void *arg);

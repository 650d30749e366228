// Names of result codes, and what a failed CHECK does.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/code.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {
    [-OK] = "ok",
    [-E_INVALID] = "invalid",
    [-E_NOT_FOUND] = "not_found",
    [-E_LIMIT] = "limit",
    [-E_CONFLICT] = "conflict",
    [-E_UNKNOWN] = "unknown",
    [-E_TOO_OLD] = "too_old",
    [-E_FULL] = "full",
    [-E_IO] = "io",
    [-E_TIMEOUT] = "timeout",
    [-E_CANCELLED] = "cancelled",
    [-E_CLOSED] = "closed",
    [-E_AGAIN] = "again",
    [-E_EXISTS] = "exists",
    [-E_FAULT] = "fault",
    [-E_NEWER] = "newer",
};

const char *
code_name(int code)
{
    bool is_known = code <= 0 && code > -(int)COUNT_OF(names);
    return is_known ? names[-code] : "no_such_code";
}

void
check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
    abort();
}

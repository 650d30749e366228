// Result codes and the few macros that every file may use.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

// Functions that can fail return OK or one of these. An AWS error is E_FAULT: its code and message
// are kept in the call (src/cloud/fault.h).
enum code {
    OK = 0,
    E_INVALID = -1,    // the input breaks its grammar or its type
    E_NOT_FOUND = -2,  // there is no such thing
    E_LIMIT = -3,      // a named limit would be passed
    E_CONFLICT = -4,   // a concurrent transaction changed what this one read
    E_UNKNOWN = -5,    // the commit may or may not have happened
    E_TOO_OLD = -6,    // the transaction ran longer than KV_TXN_MS_MAX
    E_FULL = -7,       // the disk is below its reserve: writes are refused, reads and deletes go on
    E_IO = -8,         // the operating system or the engine failed
    E_TIMEOUT = -9,    // the deadline passed
    E_CANCELLED = -10, // the client is gone or the program stops
    E_CLOSED = -11,    // the other side closed
    E_AGAIN = -12,     // nothing to read or no room to write now
    E_EXISTS = -13,    // there is one already
    E_FAULT = -14,     // the call carries an AWS error
    E_NEWER = -15,     // written by a newer version of this program
};

// The name of a code, for log lines: "not_found". Static storage.
const char *code_name(int code);

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// Returns from the calling function when the expression is not OK. The only macro that hides a
// return.
#define TRY(expression)                                                                            \
    do {                                                                                           \
        int try_code_ = (expression);                                                              \
        if (try_code_ != OK)                                                                       \
            return try_code_;                                                                      \
    } while (0)

// Checks what must hold between modules; stays on in release builds and aborts with place and text.
// Never checks what a user may send.
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            check_failed(#condition, __FILE__, __LINE__);                                          \
    } while (0)

_Noreturn void check_failed(const char *condition, const char *file, int line);

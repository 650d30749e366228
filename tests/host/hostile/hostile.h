// A guest that tries what it must not: shared by its attempts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>

// An attempt runs in a process of its own, for at most ATTEMPT_SECONDS_MAX.
enum { ATTEMPT_SECONDS_MAX = 60 };
// UNLIMITED: this machine does not limit it, which c10m reports.
enum outcome { STOPPED, SUCCEEDED, UNLIMITED };
struct attempt {
    const char *name;
    const char *stopped_by; // as the documentation says it
    enum outcome (*run)(void);
    bool needs_root;    // of the guest; a function is not asked to
    bool needs_network; // a port of a network
};
struct attempts {
    const char *title;
    const struct attempt *all;
    size_t count;
};
#define ATTEMPTS(title, all) {title, all, sizeof(all) / sizeof((all)[0])}

extern const struct attempts see, escape, kernel, network, exhaust;

// What the test tells us of the machine, by environment; "" when it does not.
const char *told(const char *name);
long told_number(const char *name);
// Says how it went, printf's way, for whoever reads the run.
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
// STOPPED when the call has failed; says with what.
enum outcome failed(long result);
// Whether what can be read there holds the word that only the host knows.
bool holds_word(const char *path);
enum outcome reads_word(const char *path); // the same, said

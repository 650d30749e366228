// What the tests of the host layer share: a host in a folder of its own, and guests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/host/image.h"

struct fixture {
    char dir[64];
    struct runtime *runtime;
    struct log log;
    struct host *host;
    struct arena arena;
};

// Setup and teardown for cmocka. The teardown checks that nothing is left on the machine.
int fixture_setup(void **state);
int fixture_teardown(void **state);
// Runs fn(f) in a fiber.
void fixture_run(struct fixture *f, void (*fn)(struct fixture *f));
// A guest that runs a shell command; the caller may change it.
struct sandbox_spec fixture_guest(struct fixture *f, const char *name, const char *command);
void fixture_start(struct fixture *f, const struct sandbox_spec *spec);
// Waits until its console holds the text.
void fixture_hear(struct fixture *f, const char *name, const char *text);
// Waits for its end; its status and what it printed.
struct sandbox_status fixture_end(struct fixture *f, const char *name, struct str *out);

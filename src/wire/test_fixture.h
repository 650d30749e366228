// What the tests of this folder stand on: an arena, and where decoders say what is wrong.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/model.h"

extern struct arena arena;
extern struct wire_problem problem;

// The arena begins, and is freed.
int arena_setup(void **state);
int arena_teardown(void **state);

// A test with an arena of its own.
#define UNIT(fn) cmocka_unit_test_setup_teardown(fn, arena_setup, arena_teardown)

// Fails with both texts.
void assert_str(struct str got, const char *want);

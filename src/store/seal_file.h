// The file of the root key.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/seal.h"

// Private to seal.c. The functions work in the blocking pool, but one, and leave their result in
// `code`.
struct seal_file {
    struct runtime *runtime;
    const char *path;
    char *problem; // gets a sentence
    size_t problem_size;
    int code;
    uint8_t key[ROOT_KEY_BYTES]; // wiped afterwards
};

// Writes the sentence; returns code.
int seal_file_fail(struct seal_file *f, int code, const char *format, ...) PRINTF(3, 4);
// E_NOT_FOUND; E_INVALID: not a file of ROOT_KEY_BYTES that is its owner's alone; E_IO.
void seal_file_read(struct seal_file *f, uint8_t key[ROOT_KEY_BYTES]);
// Whole and durable, or not there. E_FULL, E_IO.
void seal_file_make_here(struct seal_file *f, const uint8_t key[ROOT_KEY_BYTES]); // blocks
void seal_file_make(struct seal_file *f, const uint8_t key[ROOT_KEY_BYTES]);

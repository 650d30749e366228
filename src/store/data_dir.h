// The data directory: who may use it, and whether it is ours.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

enum { DATA_DIR_FORMAT = 1 }; // of what is in it; an older program refuses a newer one

struct data_dir {
    int lock_fd;
    bool is_new;      // it was just made, or made ours
    char *store_path; // for the engine
    // What stamps in the store may be ahead of the engine's number: it was copied from elsewhere.
    uint64_t version_base;
};

// Makes the directory (mode 0700, with its parents) and marks it as ours when it is empty, and
// locks it until data_dir_close. E_EXISTS: another process holds the lock; E_INVALID: it holds
// something else; E_NEWER; E_IO; E_FULL: less free space than it takes to start. `problem` gets a
// sentence.
MUST_USE int data_dir_open(const char *dir, uint64_t reserve_bytes, struct data_dir *out,
                           char *problem, size_t problem_size);
// Makes a directory (mode 0700, with its parents) for what lies beside a store in a database: OK
// also when it is there. E_IO, E_INVALID.
MUST_USE int data_dir_make(const char *dir, char *problem, size_t problem_size);
// The part of the reserve that a store which exists can start with, to read and to delete. Below it
// the engine itself could not write any more.
uint64_t data_dir_start_bytes(uint64_t reserve_bytes);
void data_dir_close(struct data_dir *d);

// A backup is a data directory whose mark comes last. Makes the directory; E_INVALID: something is
// in it.
MUST_USE int data_dir_backup_begin(const char *dir, char *problem, size_t problem_size);
// Writes the mark under a name that does not count yet; _end makes it count.
MUST_USE int data_dir_backup_mark(const char *dir, uint64_t version_base, char *problem,
                                  size_t problem_size);
MUST_USE int data_dir_backup_end(const char *dir, char *problem, size_t problem_size);

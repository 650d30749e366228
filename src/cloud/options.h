// The command line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

enum { EXIT_BAD_START = 1, EXIT_USAGE = 2 };

struct options {
    struct cloud_options cloud; // but the store's URL, the log and the admin token's default place
    const char *data;           // directory
    const char *store;          // "postgresql://..."; NULL: in data
    bool is_ephemeral;
    bool leaves_running; // at the end
    bool wants_help;
    int ready_fd; // -1: none
};

// Reads what follows the subcommand's name: argv[0] is that name. E_INVALID with `problem`, one
// line.
MUST_USE int options_parse(int argc, char **argv, struct options *out, char *problem,
                           size_t problem_size);
// The help text of the program, or of a subcommand.
void options_print_help(void);
void options_print_serve_help(const char *subcommand, const char *what);

// The subcommands of c10m.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/options.h"

// Each returns the exit status. argv is what follows the subcommand's name.
int serve(const struct options *options, char **argv);
int supervise(const struct options *options, char **argv);
int doctor(const struct options *options, char **argv);
int ca(const struct options *options, char **argv);

// Which root keys a cloud knows when it starts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

// E_INVALID: the development keys are asked for on an address that is open to the network.
MUST_USE int keys_check(const struct cloud_options *options, char *problem, size_t problem_size);
// Opens cloud->seal. Fills cloud->keys: the development keys where they may be known, those of the
// options, and the one that an earlier start made. When that is none, makes one of account
// 000000000000, keeps it sealed in the store and shows it in options->new_root_key. The store is
// open, the server is not.
MUST_USE int keys_open(struct cloud *cloud, struct cloud_options *options, char *problem,
                       size_t problem_size);
// Reads the token of the operator's pages, or makes it.
MUST_USE int admin_token_open(struct cloud *cloud, const struct cloud_options *options,
                              char *problem, size_t problem_size);

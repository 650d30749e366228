// The record that was last applied to a network.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/host.h"
#include "src/host/host_records.h"

// It lies in the network's folder, so that what it had and the new one has not can be taken away,
// by a later c10m too. `problem`: UNIT_PROBLEM_BYTES.
void network_applied_read(const struct host *h, struct str name, struct arena *arena,
                          struct host_network_record *out); // empty: nothing was
MUST_USE int network_applied_write(const struct host *h, struct str name, struct str spec,
                                   char *problem);
void network_applied_forget(const struct host *h, struct str name);
// Before a network's rules are changed: until network_applied_write, what is applied is not known.
MUST_USE int network_applied_doubt(const struct host *h, struct str name, char *problem);
bool network_applied_is_known(const struct host *h, struct str name);

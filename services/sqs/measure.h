// What CloudWatch is told of calls, beside what their input and output say.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

// So many messages of a call were known to their FIFO queue already, and not added.
void measure_deduplicated(struct call *c, struct str url, size_t count);

// The regions that exist.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// Of AWS's partition `aws`: c10m names its resources arn:aws:..., so it is no other partition.
bool region_exists(struct str name);

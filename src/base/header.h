// A name with a value, as HTTP has them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

struct header {
    struct str name;  // as sent
    struct str value; // without surrounding white space
};

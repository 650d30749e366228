// Paths against the patterns of AWS's models: "/{Bucket}/{Key+}".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/str.h"

// Whether the path, still percent-encoded, is of the pattern, whose '?' and rest are left out of
// account. A label is at least one character. A greedy label takes slashes too, and what follows
// it in the pattern takes the path's last segments. A trailing slash means nothing elsewhere.
// *value gets what stands for the label of that name, still encoded; absent when there is none.
bool rest_path_match(const char *pattern, struct str path, struct str label, struct str *value);

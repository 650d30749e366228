// The program's version, from the build.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef C10M_VERSION
#define C10M_VERSION "unknown"
#endif

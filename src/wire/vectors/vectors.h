// The tables of AWS's protocol tests, made by vectors.py.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/protocol.h"

extern const struct wire_service *const vectors;
// The same structs, every member in a JSON body under AWS's name.
extern const struct wire_model *const vectors_plain;

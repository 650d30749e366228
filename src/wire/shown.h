// Values as AWS's messages show them: as Java prints the objects of its SDK.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/wire/model.h"

// What is longer is cut, so that no message grows with what a client sent.
enum { SHOWN_BYTES_MAX = 2048 };

// " 'text'", " '[a, b]'", " '[Tag(key=a, value=null)]'"; nothing where the value is a secret, holds
// one, or has no text (blobs, documents, numbers that JSON has as text).
struct str shown_value(const struct wire_model *m, const struct wire_shape *s, const void *at,
                       struct arena *arena);

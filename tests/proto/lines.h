// Typed values as lines of text, one token each: what the ring's program says and hears.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/wire/model.h"

// Deliberately shares nothing with the interpreters of src/wire but the tables: a fault there must
// not hide behind itself.
//   {  members of a structure: ".Name", then its value, each; then  }
//   [N  a list of N values          (N  a map of N entries: its key, then its value
//   sHEX string   bHEX blob   jHEX document   ?0 or ?1 boolean   iN integer   lN long
//   dTEXT double (%a)         tN milliseconds since 1970         ~ null
void lines_dump(const struct wire_model *m, uint16_t shape, const void *at, struct buf *out);

// `at` is zeroed memory of the shape's size. Lines that do not suit the shape end the program: only
// the ring writes them. A stream is told like a blob; events like a list, and behind them the error
// that ends them, if there is one: "!NAME" and "sHEX", its message.
void lines_load(const struct wire_service *s, uint16_t shape, struct str text, struct arena *arena,
                void *at);

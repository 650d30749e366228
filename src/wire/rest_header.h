// Members of structures as HTTP headers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/header.h"
#include "src/wire/value.h"

// A member from the header of its name, or a map from all that begin with it. Names in any case;
// the keys of a map as they were sent. A header that is absent, or empty where its type has no
// empty text, leaves the member absent.
MUST_USE int rest_read_header(struct decoder *d, const struct wire_member *row,
                              const struct header *headers, size_t count, void *structure);
MUST_USE int rest_read_prefix_headers(struct decoder *d, const struct wire_member *row,
                                      const struct header *headers, size_t count, void *structure);
// The header's value for a member that is there; absent for an empty list. Never holds control
// characters: they become spaces, so that no value can end a header.
struct str rest_print_header(const struct wire_model *m, const struct wire_member *row,
                             const void *at, struct arena *arena);
// Text without control characters, as above.
struct str rest_header_text(struct arena *arena, struct str text);

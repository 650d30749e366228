// Scalars as plain text: what forms, labels, query strings, headers and XML have in common.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"
#include "src/wire/value.h"

// `format` is for rows that name none. E_INVALID or E_LIMIT: not such a value.
MUST_USE int text_set_scalar(struct decoder *d, const struct wire_member *row,
                             enum wire_time_format format, struct str text, void *at);
// Same, and says in the problem what is wrong.
MUST_USE int text_read_scalar(struct decoder *d, const struct wire_member *row,
                              enum wire_time_format format, struct str text, void *at);
MUST_USE int text_wrong_type(struct decoder *d, enum wire_type type, struct str value);
// Strings as they are; no escapes.
void text_put_scalar(enum wire_type type, enum wire_time_format format, const void *at,
                     struct buf *out);
// The row's own format, else that one.
enum wire_time_format text_time_format(const struct wire_member *row, enum wire_time_format format);

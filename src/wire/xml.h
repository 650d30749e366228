// XML text, written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// Escapes & < > " and control characters. What XML 1.0 cannot hold becomes U+FFFD.
void xml_put_text(struct buf *b, struct str s);
void xml_put_open(struct buf *b, const char *name);
void xml_put_close(struct buf *b, const char *name);
// A whole element that holds text.
void xml_put_element(struct buf *b, const char *name, struct str text);

// application/vnd.amazon.eventstream: messages with typed headers, one after the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

// https://smithy.io/2.0/aws/amazon-eventstream.html
enum {
    EVENT_PAYLOAD_BYTES_MAX = 25165824,
    EVENT_HEADERS_BYTES_MAX = 131072,
    EVENT_NAME_BYTES_MAX = 255,
    EVENT_VALUE_BYTES_MAX = 32767, // of byte arrays and strings
    EVENT_UUID_BYTES = 16,
};

enum event_header_type { // as on the wire
    EVENT_TRUE,
    EVENT_FALSE,
    EVENT_BYTE,
    EVENT_SHORT,
    EVENT_INTEGER,
    EVENT_LONG,
    EVENT_BYTES,
    EVENT_STRING,
    EVENT_TIMESTAMP, // ms since 1970
    EVENT_UUID,
};

struct event_header {
    struct str name;
    enum event_header_type type;
    int64_t number;   // EVENT_BYTE to EVENT_LONG, EVENT_TIMESTAMP
    struct str bytes; // EVENT_BYTES, EVENT_STRING, EVENT_UUID
};

struct event_message {
    struct event_header *headers;
    size_t header_count;
    struct str payload;
};

// Appends a message. E_LIMIT: larger than a limit above; E_INVALID: a name that is empty or there
// twice, a number that its type can not hold, a UUID of another length, text that is not UTF-8.
// Then nothing was written.
MUST_USE int event_encode(const struct event_message *message, struct buf *out);

// Reads the message that a stream goes on with. *size is how many bytes it has, as soon as its
// first twelve are there. E_AGAIN: bytes are missing, *size in all; E_LIMIT: it would be too large,
// which is said before the rest is waited for; E_INVALID: it is broken, and the stream must end.
// Texts point into the bytes.
MUST_USE int event_decode(struct str bytes, struct arena *arena, size_t *size,
                          struct event_message *out);
// NULL when the message has none such.
const struct event_header *event_header_find(const struct event_message *message, struct str name);

// What AWS's services send: an event of a stream, a modelled error, and one that is not. Errors as
// in event_encode.
MUST_USE int event_put_event(struct buf *out, struct str type, struct str content_type,
                             struct str payload);
MUST_USE int event_put_exception(struct buf *out, struct str type, struct str content_type,
                                 struct str payload);
MUST_USE int event_put_error(struct buf *out, struct str code, struct str message);

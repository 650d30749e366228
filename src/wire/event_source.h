// Typed events, pulled one at a time: what a handler answers with, and what a caller gets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/stream.h"
#include "src/wire/protocol.h"

#define EVENT_STREAM_TYPE STR("application/vnd.amazon.eventstream")

// Embedded as the first member of whatever makes the events. It outlives the call that it answers
// (not the request's arena), is used by one fiber at a time, and is closed once, whether its end
// was seen or not.
struct event_source;

// Fills `event`, the zeroed struct of the model's union, in which exactly one member is to be
// there, maybe an exception; with none the events are at their end. What it points to is in
// `arena`, which is emptied before the next event. May wait. A failure is the last: E_FAULT by
// event_fault; all others reach the client as InternalFailure.
typedef int event_next_fn(struct event_source *s, struct arena *arena, void *event);

struct event_source {
    event_next_fn *next;
    void (*close)(struct event_source *s); // NULL: nothing to give back
    // The error of E_FAULT: of a source of ours by event_fault; of a service's answer as it came.
    struct str error; // its name in the union, or its code
    struct str message;
};

// return event_fault(s, service, KINESIS_RESOURCE_IN_USE_EXCEPTION, STR("...")). The message lives
// as long as the source. Errors that are not in the union reach the client as such.
MUST_USE int event_fault(struct event_source *s, const struct wire_service *service, int error,
                         struct str message);

// The answer's body: events as messages of application/vnd.amazon.eventstream, encoded as they are
// read. `shape` is the WIRE_EVENTS one, `initial` the payload of the initial-response that RPC
// protocols begin with; absent: none. In the arena; closing it closes the source.
struct stream *wire_event_stream(const struct wire_service *s, enum wire_protocol protocol,
                                 uint16_t shape, struct event_source *source, struct str initial,
                                 struct arena *arena);

// The client's side: the events of a body, which it closes. Its next fails with E_INVALID when a
// message is broken, E_LIMIT when it is too large, or as the body's reads do. Unknown events are
// left out. In the arena.
struct event_source *wire_event_reader(const struct wire_service *s, enum wire_protocol protocol,
                                       uint16_t shape, struct stream *body, struct arena *arena);
// Reads the initial-response before any event: the payload, in the reader's memory until the next
// event. E_INVALID: the first message is another one.
MUST_USE int wire_event_reader_initial(struct event_source *reader, struct str *payload);

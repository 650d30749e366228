// Events to messages and back.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/event_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/wire/client.h"
#include "src/wire/event_stream.h"
#include "src/wire/test_depot.h"
#include "src/wire/test_fixture.h"
#include "src/wire/value.h"

enum { BODY_BYTES_MAX = 4096 };

// Gives copies of events, then `code`.
struct script {
    struct event_source source;
    const struct depot_thing_events *events;
    size_t count;
    size_t next;
    int code;
    int closed;
};

static int
script_next(struct event_source *source, struct arena *scratch, void *event)
{
    struct script *s = (struct script *)source;
    if (s->next == s->count)
        return s->code;
    memcpy(event, &s->events[s->next++], sizeof(struct depot_thing_events));
    return OK;
}

static void
script_close(struct event_source *source)
{
    ((struct script *)source)->closed++;
}

static struct script
script_of(const struct depot_thing_events *events, size_t count, int code)
{
    return (struct script){
        .source = {.next = script_next, .close = script_close},
        .events = events,
        .count = count,
        .code = code,
    };
}

static uint16_t
events_shape(void)
{
    const struct wire_operation *op = wire_operation_find(depot, STR("WatchThings"));
    const struct wire_shape *output = &depot->model->shapes[op->output];
    return value_rows(depot->model, op->output)[output->payload_row - 1].shape;
}

static struct str
body_of(struct script *s, enum wire_protocol protocol, struct str initial)
{
    struct stream *stream =
        wire_event_stream(depot, protocol, events_shape(), &s->source, initial, &arena);
    char *bytes = arena_alloc_bytes(&arena, BODY_BYTES_MAX);
    size_t len = 0, got = 1;
    while (got > 0) {
        // In small pieces, as a slow reader takes them.
        assert_int_equal(stream_read(stream, bytes + len, 7, &got), OK);
        len += got;
    }
    assert_int_equal(stream->length, STREAM_LENGTH_UNKNOWN);
    assert_int_equal(s->closed, 0);
    stream_close(stream);
    assert_int_equal(s->closed, 1);
    return (struct str){bytes, len};
}

static const struct event_message *
message_at(struct str *rest)
{
    struct event_message *m = ARENA_NEW(&arena, struct event_message);
    size_t size;
    assert_int_equal(event_decode(*rest, &arena, &size, m), OK);
    *rest = str_slice(*rest, size, rest->len);
    return m;
}

static void
assert_text(const struct event_message *m, const char *name, const char *want)
{
    const struct event_header *h = event_header_find(m, str_of(name));
    assert_int_equal(h != NULL, want != NULL);
    if (h == NULL)
        return;
    assert_int_equal(h->type, EVENT_STRING);
    assert_string_equal(arena_copy_z(&arena, h->bytes), want);
}

static void
assert_message(const struct event_message *m, const char *type, const char *content_type,
               const char *payload)
{
    assert_text(m, ":message-type", "event");
    assert_text(m, ":event-type", type);
    assert_text(m, ":content-type", content_type);
    assert_string_equal(arena_copy_z(&arena, m->payload), payload);
}

static struct depot_thing thing = {.Key = {"k<", 2}, .Size = {7, true}};
static struct str tags[] = {{"a", 1}, {"b", 1}};
static struct depot_thing_added added = {.Thing = &thing};
static struct depot_thing_noted noted = {
    .Author = {"me", 2},
    .Number = {-3, true},
    .Size = {1, true},
    .IsNew = {true, true},
    .When = {1000, true},
    .Digest = {"\x00\x01", 2},
    .Text = {"hello", 5},
    .Tags = {tags, 2},
};
static struct depot_thing_bytes bytes = {.Data = {"\x00 raw", 5}};
static struct depot_idle idle;
static const struct depot_thing_events all[] = {
    {.Added = &added}, {.Noted = &noted}, {.Bytes = &bytes}, {.Idle = &idle}};

static void
test_messages_in_json(void **state)
{
    struct script s = script_of(all, COUNT_OF(all), OK);
    struct str rest = body_of(&s, WIRE_JSON_1_1, STR("{\"a\":1}"));
    assert_message(message_at(&rest), "initial-response", "application/x-amz-json-1.1",
                   "{\"a\":1}");
    assert_message(message_at(&rest), "Added", "application/x-amz-json-1.1",
                   "{\"Key\":\"k<\",\"Size\":7}");
    const struct event_message *m = message_at(&rest);
    assert_message(m, "Noted", "application/x-amz-json-1.1",
                   "{\"Text\":\"hello\",\"Tags\":[\"a\",\"b\"]}");
    assert_text(m, "Author", "me");
    assert_int_equal(event_header_find(m, STR("Number"))->type, EVENT_INTEGER);
    assert_int_equal(event_header_find(m, STR("Number"))->number, -3);
    assert_int_equal(event_header_find(m, STR("IsNew"))->type, EVENT_TRUE);
    assert_int_equal(event_header_find(m, STR("When"))->number, 1000);
    assert_int_equal(event_header_find(m, STR("Digest"))->bytes.len, 2);
    m = message_at(&rest);
    assert_text(m, ":content-type", "application/octet-stream");
    assert_int_equal(m->payload.len, 5);
    assert_message(message_at(&rest), "Idle", NULL, "");
    assert_int_equal(rest.len, 0);
}

static void
test_messages_in_xml(void **state)
{
    struct script s = script_of(all, 1, OK);
    struct str rest = body_of(&s, WIRE_REST_XML, (struct str){0});
    assert_message(message_at(&rest), "Added", "text/xml",
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<Thing><Key>k&lt;</Key><Size>7</Size></Thing>");
    assert_int_equal(rest.len, 0);
}

static int
no_such_thing(void)
{
    for (size_t i = 0; i < depot->error_count; i++)
        if (strcmp(wire_text(depot->model, depot->errors[i].name), "NoSuchThing") == 0)
            return (int)i;
    return -1;
}

static void
test_failures_are_the_last_message(void **state)
{
    struct script s = script_of(all, 1, E_FAULT);
    assert_int_equal(event_fault(&s.source, depot, no_such_thing(), STR("Gone.")), E_FAULT);
    struct str rest = body_of(&s, WIRE_REST_JSON, (struct str){0});
    message_at(&rest);
    const struct event_message *m = message_at(&rest);
    assert_text(m, ":message-type", "exception");
    assert_text(m, ":exception-type", "NoSuchThing");
    assert_true(str_find(m->payload, STR("\"Message\":\"Gone.\"")) > 0);
    assert_int_equal(rest.len, 0);

    s = script_of(all, 0, E_IO);
    rest = body_of(&s, WIRE_REST_JSON, (struct str){0});
    m = message_at(&rest);
    assert_text(m, ":message-type", "error");
    assert_text(m, ":error-code", "InternalFailure");
    assert_int_equal(rest.len, 0);

    // An exception may be an event of its own, with its members; nothing comes behind it.
    struct depot_no_such_thing gone = {.Key = STR("k")};
    const struct depot_thing_events events[] = {{.NoSuchThing = &gone}, {.Idle = &idle}};
    s = script_of(events, 2, OK);
    rest = body_of(&s, WIRE_REST_JSON, (struct str){0});
    m = message_at(&rest);
    assert_text(m, ":exception-type", "NoSuchThing");
    assert_true(str_find(m->payload, STR("\"Key\":\"k\"")) > 0);
    assert_int_equal(rest.len, 0);
}

static void
test_an_event_too_large_is_a_failure(void **state)
{
    static char large[EVENT_VALUE_BYTES_MAX + 1];
    memset(large, 'x', sizeof(large));
    struct depot_thing_noted wide = {.Author = {large, sizeof(large)}};
    const struct depot_thing_events events[] = {{.Noted = &wide}};
    struct script s = script_of(events, 1, OK);
    struct str rest = body_of(&s, WIRE_REST_JSON, (struct str){0});
    assert_text(message_at(&rest), ":error-code", "InternalFailure");
    assert_int_equal(rest.len, 0);
}

static void
assert_same_events(enum wire_protocol protocol)
{
    struct script s = script_of(all, COUNT_OF(all), OK);
    struct str_stream body;
    str_stream_init(&body, body_of(&s, protocol, (struct str){0}));
    struct event_source *reader =
        wire_event_reader(depot, protocol, events_shape(), &body.stream, &arena);
    struct depot_thing_events e = {0};
    assert_int_equal(reader->next(reader, &arena, &e), OK);
    assert_string_equal(arena_copy_z(&arena, e.Added->Thing->Key), "k<");
    assert_int_equal(reader->next(reader, &arena, &e), OK);
    assert_int_equal(e.Noted->Number.value, -3);
    assert_int_equal(e.Noted->Size.value, 1);
    assert_int_equal(e.Noted->When.value, 1000);
    assert_true(e.Noted->IsNew.value);
    assert_int_equal(e.Noted->Digest.len, 2);
    assert_int_equal(e.Noted->Tags.count, 2);
    assert_int_equal(reader->next(reader, &arena, &e), OK);
    assert_int_equal(e.Bytes->Data.len, 5);
    assert_int_equal(reader->next(reader, &arena, &e), OK);
    assert_non_null(e.Idle);
    struct depot_thing_events end = {0};
    assert_int_equal(reader->next(reader, &arena, &end), OK);
    assert_null(end.Added);
    assert_null(end.Idle);
    reader->close(reader);
}

static void
test_what_was_written_is_read(void **state)
{
    assert_same_events(WIRE_REST_JSON);
    assert_same_events(WIRE_REST_XML);
    assert_same_events(WIRE_RPC_V2_CBOR);
}

static void
test_errors_are_read(void **state)
{
    struct script s = script_of(all, 1, E_FAULT);
    struct depot_thing_events e = {0};
    struct str_stream body;
    assert_int_equal(event_fault(&s.source, depot, no_such_thing(), STR("Gone.")), E_FAULT);
    str_stream_init(&body, body_of(&s, WIRE_REST_JSON, (struct str){0}));
    struct event_source *reader =
        wire_event_reader(depot, WIRE_REST_JSON, events_shape(), &body.stream, &arena);
    assert_int_equal(reader->next(reader, &arena, &e), OK);
    assert_int_equal(reader->next(reader, &arena, &e), E_FAULT);
    assert_string_equal(arena_copy_z(&arena, reader->error), "NoSuchThing");
    assert_string_equal(arena_copy_z(&arena, reader->message), "Gone.");
    reader->close(reader);
}

static void
test_broken_bodies(void **state)
{
    struct script s = script_of(all, 1, OK);
    struct depot_thing_events e = {0};
    struct str whole = body_of(&s, WIRE_REST_JSON, (struct str){0});
    for (size_t len = 1; len < whole.len; len++) {
        struct str_stream body;
        str_stream_init(&body, str_slice(whole, 0, len));
        struct event_source *reader =
            wire_event_reader(depot, WIRE_REST_JSON, events_shape(), &body.stream, &arena);
        assert_int_equal(reader->next(reader, &arena, &e), E_INVALID);
        reader->close(reader);
    }
}

// The client of an RPC protocol: what is not events is in the first message.
static void
test_a_client_reads_the_initial_response(void **state)
{
    struct wire_service rpc = *depot;
    const struct wire_operation *op = wire_operation_find(depot, STR("WatchThings"));
    struct script s = script_of(all, 2, OK);
    struct depot_watch_things_output out;
    struct depot_thing_events e = {0};
    struct wire_reply reply = {.status = 200,
                               .body = body_of(&s, WIRE_JSON_1_0, STR("{\"Note\":\"b\"}"))};
    assert_int_equal(wire_client_decode(&rpc, op, WIRE_JSON_1_0, &reply, &arena, &out, &problem),
                     OK);
    assert_string_equal(arena_copy_z(&arena, out.Note), "b");
    assert_int_equal(out.Events->next(out.Events, &arena, &e), OK);
    assert_non_null(e.Added);
    out.Events->close(out.Events);

    s = script_of(all, 1, OK);
    reply.body = body_of(&s, WIRE_JSON_1_0, (struct str){0});
    assert_int_equal(wire_client_decode(&rpc, op, WIRE_JSON_1_0, &reply, &arena, &out, &problem),
                     E_INVALID);
    out.Events->close(out.Events);
}

// Over REST it is in the headers.
static void
test_rest(void **state)
{
    const struct wire_operation *op = wire_operation_find(depot, STR("WatchThings"));
    struct script s = script_of(all, 1, OK);
    struct depot_watch_things_output out = {.Box = STR("b"), .Events = &s.source}, in;
    struct wire_response response;
    struct depot_thing_events e = {0};
    wire_response_init(&response, &arena, false);
    wire_rest_encode(depot, op, WIRE_REST_JSON, &out, &response);
    struct wire_reply reply = {200, response.headers, response.header_count, {0}, response.stream};
    assert_int_equal(wire_client_decode(depot, op, WIRE_REST_JSON, &reply, &arena, &in, &problem),
                     OK);
    assert_string_equal(arena_copy_z(&arena, in.Box), "b");
    assert_int_equal(in.Events->next(in.Events, &arena, &e), OK);
    assert_non_null(e.Added);
    in.Events->close(in.Events);
    assert_int_equal(s.closed, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_messages_in_json),
        UNIT(test_messages_in_xml),
        UNIT(test_failures_are_the_last_message),
        UNIT(test_an_event_too_large_is_a_failure),
        UNIT(test_what_was_written_is_read),
        UNIT(test_errors_are_read),
        UNIT(test_broken_bodies),
        UNIT(test_a_client_reads_the_initial_response),
        UNIT(test_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

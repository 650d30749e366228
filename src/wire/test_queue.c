// The forms and the JSON that SQS's clients send.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/wire/test_fixture.h"
#include "src/wire/test_queue_model.h"

static void
decode_form(enum queue_shape shape, const char *form, void *out)
{
    if (wire_query_decode(&queue_model, shape, str_of(form), &arena, out, &problem) != OK)
        fail_msg("%s: " STR_FMT, form, STR_ARG(problem.message));
}

static void
test_create_queue(void **state)
{
    struct queue_create in;
    decode_form(QUEUE_CREATE,
                "Action=CreateQueue&Version=2012-11-05&QueueName=jobs.fifo&"
                "Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=40&"
                "Attribute.2.Name=FifoQueue&Attribute.2.Value=true&Tag.1.Key=team&Tag.1.Value=red",
                &in);
    assert_str(in.QueueName, "jobs.fifo");
    assert_int_equal(in.Attributes.count, 2);
    assert_str(in.Attributes.items[0].key, "VisibilityTimeout");
    assert_str(in.Attributes.items[0].value, "40");
    assert_str(in.Attributes.items[1].key, "FifoQueue");
    assert_str(in.tags.items[0].key, "team");
    assert_str(in.tags.items[0].value, "red");
}

static void
test_get_queue_attributes(void **state)
{
    struct queue_get in;
    decode_form(QUEUE_GET,
                "Action=GetQueueAttributes&QueueUrl=http%3A%2F%2Flocalhost%3A4566%2F000000000000"
                "%2Fjobs&AttributeName.1=All&AttributeName.2=QueueArn",
                &in);
    assert_str(in.QueueUrl, "http://localhost:4566/000000000000/jobs");
    assert_int_equal(in.AttributeNames.count, 2);
    assert_str(in.AttributeNames.items[1], "QueueArn");
}

static void
test_send_message(void **state)
{
    struct queue_send in;
    decode_form(QUEUE_SEND,
                "Action=SendMessage&QueueUrl=u&MessageBody=Hello%0AWorld&DelaySeconds=5&"
                "MessageAttribute.1.Name=kind&MessageAttribute.1.Value.StringValue=a+b&"
                "MessageAttribute.1.Value.DataType=String&MessageAttribute.2.Name=raw&"
                "MessageAttribute.2.Value.BinaryValue=AAEC&"
                "MessageAttribute.2.Value.DataType=Binary&MessageGroupId=g",
                &in);
    assert_str(in.MessageBody, "Hello\nWorld");
    assert_int_equal(in.DelaySeconds.value, 5);
    assert_str(in.MessageGroupId, "g");
    assert_int_equal(in.MessageAttributes.count, 2);
    assert_str(in.MessageAttributes.items[0].key, "kind");
    assert_str(in.MessageAttributes.items[0].value.StringValue, "a b");
    assert_memory_equal(in.MessageAttributes.items[1].value.BinaryValue.ptr, "\0\1\2", 3);
    assert_str(in.MessageAttributes.items[1].value.DataType, "Binary");
}

static void
test_send_message_batch(void **state)
{
    struct queue_send_batch in;
    decode_form(QUEUE_SEND_BATCH,
                "Action=SendMessageBatch&QueueUrl=u&SendMessageBatchRequestEntry.1.Id=a&"
                "SendMessageBatchRequestEntry.1.MessageBody=one&SendMessageBatchRequestEntry.10.Id="
                "c&SendMessageBatchRequestEntry.2.Id=b&"
                "SendMessageBatchRequestEntry.2.MessageAttribute.1.Name=n&"
                "SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.DataType=Number",
                &in);
    assert_int_equal(in.Entries.count, 3);
    assert_str(in.Entries.items[0].MessageBody, "one");
    assert_str(in.Entries.items[1].Id, "b");
    assert_str(in.Entries.items[1].MessageAttributes.items[0].value.DataType, "Number");
    assert_str(in.Entries.items[2].Id, "c");
}

static const char send_json[] =
    "{\"QueueUrl\":\"http://localhost:4566/000000000000/jobs\",\"MessageBody\":\"Hello\\nWorld\","
    "\"DelaySeconds\":5,\"MessageAttributes\":{\"kind\":{\"StringValue\":\"a b\",\"DataType\":"
    "\"String\"},\"raw\":{\"BinaryValue\":\"AAEC\",\"DataType\":\"Binary\"}}}";

static void
test_send_message_as_json(void **state)
{
    struct queue_send in;
    struct buf b;
    assert_int_equal(
        wire_json_decode(&queue_model, QUEUE_SEND, str_of(send_json), &arena, &in, &problem), OK);
    assert_str(in.MessageBody, "Hello\nWorld");
    assert_int_equal(in.MessageAttributes.count, 2);
    assert_str(in.MessageAttributes.items[0].value.DataType, "String");
    buf_init(&b, &arena, 0);
    wire_json_encode(&queue_model, QUEUE_SEND, &in, &b);
    assert_str(buf_str(&b), send_json);
}

// A request takes a few hundred bytes whatever the length of its body.
static void
test_bodies_are_not_copied(void **state)
{
    enum { BODY_BYTES = 1024 * 1024 };
    struct queue_send in;
    struct buf b;
    buf_init(&b, &arena, BODY_BYTES + 64);
    buf_put(&b, STR("{\"QueueUrl\":\"u\",\"MessageBody\":\""));
    memset(buf_reserve(&b, BODY_BYTES), 'x', BODY_BYTES);
    b.len += BODY_BYTES;
    buf_put(&b, STR("\",\"MessageAttributes\":{\"k\":{\"DataType\":\"String\"}}}"));
    size_t before = arena.used_bytes;
    assert_int_equal(wire_json_decode(&queue_model, QUEUE_SEND, buf_str(&b), &arena, &in, &problem),
                     OK);
    assert_int_equal(in.MessageBody.len, BODY_BYTES);
    assert_true(arena.used_bytes - before < 512);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_create_queue),         UNIT(test_get_queue_attributes),
        UNIT(test_send_message),         UNIT(test_send_message_batch),
        UNIT(test_send_message_as_json), UNIT(test_bodies_are_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

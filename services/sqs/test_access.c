// What the hook of SQS says of its operations: resources, conditions, and to whom.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fixture.h"

static struct call *
call_for(struct fixture *f, const char *operation, const void *in, enum principal_kind kind)
{
    struct call *c = call_of(f);
    c->operation = wire_operation_find(sqs_service.wire, str_of(operation));
    assert_non_null(c->operation);
    c->principal.kind = kind;
    c->in = in;
    return c;
}

static void
assert_about(struct fixture *f, const char *operation, const void *in, const char *arn,
             const char *owner)
{
    struct access a;
    access_init(&a, STR("sqs:Any"));
    assert_int_equal(sqs_authorise(call_for(f, operation, in, PRINCIPAL_ROOT), &a), OK);
    const struct access_resource *about = STAILQ_FIRST(&a.resources);
    assert_int_equal(about != NULL, arn != NULL);
    if (arn == NULL)
        return;
    assert_string_equal(arena_copy_z(&f->arena, about->arn), arn);
    assert_true(str_eq(about->owner, str_of(owner)));
}

#define ARN(account, name) "arn:aws:sqs:us-east-1:" account ":" name
#define MINE "000000000000"
#define YOURS "111111111111"

static void
say_resources(struct fixture *f)
{
    struct sqs_send_message_request send = {.QueueUrl = STR("http://localhost/" YOURS "/jobs")};
    struct sqs_create_queue_request create = {.QueueName = STR("jobs")};
    struct sqs_get_queue_url_request by_name = {.QueueName = STR("jobs")};
    struct sqs_list_queues_request list = {0};
    struct sqs_start_message_move_task_request move = {.SourceArn = STR(ARN(YOURS, "jobs"))};
    struct sqs_list_message_move_tasks_request bad = {.SourceArn = STR("not an ARN")};
    assert_about(f, "SendMessage", &send, ARN(YOURS, "jobs"), YOURS);
    assert_about(f, "CreateQueue", &create, ARN(MINE, "jobs"), MINE);
    assert_about(f, "GetQueueUrl", &by_name, ARN(MINE, "jobs"), MINE);
    assert_about(f, "ListQueues", &list, NULL, NULL);
    assert_about(f, "StartMessageMoveTask", &move, ARN(YOURS, "jobs"), YOURS);
    assert_about(f, "ListMessageMoveTasks", &bad, "not an ARN", MINE);
}

static void
refuse_bad_names(struct fixture *f)
{
    struct access a;
    struct sqs_send_message_request send = {.QueueUrl = STR("jobs")};
    struct sqs_get_queue_url_request by_name = {.QueueName = STR("jobs"),
                                                .QueueOwnerAWSAccountId = STR(YOURS)};
    access_init(&a, STR("sqs:Any"));
    assert_int_equal(sqs_authorise(call_for(f, "SendMessage", &send, PRINCIPAL_ROOT), &a), E_FAULT);
    assert_true(str_eq(f->call.fault.name, STR("InvalidAddress")));
    assert_int_equal(sqs_authorise(call_for(f, "GetQueueUrl", &by_name, PRINCIPAL_ROOT), &a),
                     E_FAULT);
    assert_true(str_eq(f->call.fault.name, STR("QueueDoesNotExist")));
}

// Of whoever may be stopped by a policy, the tags are told: those of the request and the queue's.
static void
say_conditions(struct fixture *f)
{
    struct access a;
    struct sqs_tag_map_entry entries[] = {{STR("team"), STR("blue")}};
    struct sqs_tag_queue_request tag = {.QueueUrl = queue_make(f, "jobs", NULL, 0),
                                        .Tags = {entries, COUNT_OF(entries)}};
    struct str keys[] = {STR("cost")};
    struct sqs_untag_queue_request untag = {.QueueUrl = tag.QueueUrl,
                                            .TagKeys = {keys, COUNT_OF(keys)}};
    assert_int_equal(sqs_tag_queue(call_for(f, "TagQueue", &tag, PRINCIPAL_ROOT), &tag), OK);
    access_init(&a, STR("sqs:TagQueue"));
    assert_int_equal(sqs_authorise(call_for(f, "TagQueue", &tag, PRINCIPAL_USER), &a), OK);
    assert_true(str_eq(access_condition(&a, STR("aws:RequestTag/team")), STR("blue")));
    assert_true(str_eq(access_condition(&a, STR("aws:ResourceTag/team")), STR("blue")));
    assert_true(str_eq(access_condition(&a, STR("aws:TagKeys")), STR("team")));
    assert_true(str_eq(a.denied_action, STR("sqs:tagqueue")));
    access_init(&a, STR("sqs:UntagQueue"));
    assert_int_equal(sqs_authorise(call_for(f, "UntagQueue", &untag, PRINCIPAL_USER), &a), OK);
    assert_true(str_eq(access_condition(&a, STR("aws:TagKeys")), STR("cost")));
    access_init(&a, STR("sqs:TagQueue"));
    assert_int_equal(sqs_authorise(call_for(f, "TagQueue", &tag, PRINCIPAL_ROOT), &a), OK);
    assert_true(STAILQ_EMPTY(&a.conditions));
}

static void
test_resources(void **state)
{
    in_fiber(*state, say_resources);
}

static void
test_bad_names(void **state)
{
    in_fiber(*state, refuse_bad_names);
}

static void
test_conditions(void **state)
{
    in_fiber(*state, say_conditions);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_resources, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_bad_names, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_conditions, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

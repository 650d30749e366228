// What is kept of calls: records for a subscriber, and CloudWatch's metrics.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/sqs_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/cloud/invoke.h"

#define ACCOUNT "111111111111"

enum { RECORDS_MAX = 128, FAR_MS = 20000 };

struct fixture {
    struct arena arena;
    struct cloud *cloud;
    struct invocation invocation;
    struct event_subscriber subscriber;
    struct str url;
    // What the subscriber was given; the first time each record comes it cannot take it.
    struct arena kept;
    struct str records[RECORDS_MAX];
    size_t count;
    int refusals;
};

static bool
wants(void *arg, const struct api_event *event)
{
    return !str_eq(event->name, STR("ListQueues"));
}

// Keeps each once: a body may run twice, and its first run here is always in vain.
static int
consume(void *arg, struct kv_txn *txn, struct str record)
{
    struct fixture *f = arg;
    if (f->refusals == 0) {
        f->refusals++;
        return E_IO;
    }
    for (size_t i = 0; i < f->count; i++)
        if (str_eq(f->records[i], record))
            return OK;
    CHECK(f->count < RECORDS_MAX);
    f->records[f->count++] = arena_copy(&f->kept, record);
    return OK;
}

static int
call(struct fixture *f, const char *operation, const char *input)
{
    struct str json;
    struct fault fault;
    struct str text =
        arena_print(&f->arena, "{\"QueueUrl\":\"" STR_FMT "\"%s}", STR_ARG(f->url), input);
    return invoke_json(&f->invocation, STR("sqs"), str_of(operation), text, &json, &fault);
}

// `attributes` is a JSON object, or empty.
static void
make_queue_of(struct fixture *f, const char *name, const char *attributes)
{
    struct str json;
    struct fault fault;
    struct str text = arena_print(&f->arena, "{\"QueueName\":\"%s\"%s%s}", name,
                                  attributes[0] ? ",\"Attributes\":" : "", attributes);
    assert_int_equal(
        invoke_json(&f->invocation, STR("sqs"), STR("CreateQueue"), text, &json, &fault), OK);
    f->url = arena_print(&f->arena, "http://%s/" ACCOUNT "/%s", f->cloud->address.text, name);
}

static void
make_queue(struct fixture *f)
{
    make_queue_of(f, "jobs", "");
}

static void
assert_has(struct str text, const char *needle)
{
    if (str_find(text, str_of(needle)) < 0)
        fail_msg("%s is not in " STR_FMT, needle, STR_ARG(text));
}

static void
await_records(struct fixture *f, size_t count)
{
    int64_t deadline_ns = deadline_in_ms(f->cloud->runtime, FAR_MS);
    while (f->count < count) {
        assert_true(clock_mono_ns(f->cloud->runtime) < deadline_ns);
        assert_int_equal(fiber_sleep_until(deadline_in_ms(f->cloud->runtime, 2)), OK);
    }
}

static int
make_records(void *arg)
{
    struct fixture *f = arg;
    make_queue(f);
    assert_int_equal(call(f, "SendMessage", ",\"MessageBody\":\"my secret\""), OK);
    assert_int_equal(call(f, "ListQueues", ""), OK);
    assert_int_equal(call(f, "ReceiveMessage", ""), OK);
    assert_int_equal(call(f, "Nope", ""), E_FAULT);
    f->invocation.principal = principal_root(&f->arena, STR("222222222222"));
    assert_int_equal(call(f, "DeleteQueue", ""), E_FAULT);
    await_records(f, 5);
    assert_int_equal(f->refusals, 1);
    return OK;
}

static void
check_records(struct fixture *f)
{
    assert_int_equal(f->count, 5);
    assert_has(f->records[0],
               "\"userIdentity\":{\"type\":\"Root\",\"principalId\":\"" ACCOUNT
               "\",\"arn\":\"arn:aws:iam::" ACCOUNT ":root\",\"accountId\":\"" ACCOUNT
               "\",\"invokedBy\":\"states.amazonaws.com\"}");
    assert_has(f->records[0],
               "\"eventSource\":\"sqs.amazonaws.com\",\"eventName\":\"CreateQueue\"");
    assert_has(f->records[0], "\"requestParameters\":{\"queueName\":\"jobs\"},"
                              "\"responseElements\":{\"queueUrl\":\"http://");
    assert_has(f->records[0], "\"readOnly\":false,\"resources\":[{\"accountId\":\"" ACCOUNT
                              "\",\"type\":\"AWS::SQS::Queue\","
                              "\"ARN\":\"arn:aws:sqs:eu-west-1:" ACCOUNT ":jobs\"}]");
    assert_has(f->records[0], "\"managementEvent\":true");
    assert_has(f->records[1], "\"messageBody\":\"HIDDEN_DUE_TO_SECURITY_REASONS\"");
    assert_has(f->records[1], "\"responseElements\":{\"mD5OfMessageBody\":");
    assert_has(f->records[1], "\"managementEvent\":false");
    assert_has(f->records[1], "\"eventCategory\":\"Data\"");
    assert_has(f->records[2], "\"eventName\":\"ReceiveMessage\"");
    assert_has(f->records[2], "\"responseElements\":null");
    assert_has(f->records[2], "\"readOnly\":true");
    assert_has(f->records[3], "\"errorCode\":\"UnknownOperationException\"");
    assert_has(f->records[3], "\"requestParameters\":null");
    assert_has(f->records[4], "\"errorCode\":\"AccessDeniedException\",\"errorMessage\":\"User: ");
    assert_has(f->records[4], "\"recipientAccountId\":\"222222222222\"");
    for (size_t i = 0; i < f->count; i++)
        assert_true(str_find(f->records[i], STR("my secret")) < 0);
}

struct reading {
    const char *name;
    const char *queue; // NULL: "jobs"
    struct statistic_set *sets;
    size_t count;
    struct metric_listing listing;
};

static int
read_sets(struct kv_txn *txn, void *arg)
{
    struct reading *r = arg;
    struct metric_dimension queue = {STR("QueueName"), str_of(r->queue ? r->queue : "jobs")};
    struct metric_series series = {
        .account = STR(ACCOUNT),
        .region = STR("eu-west-1"),
        .name_space = STR("AWS/SQS"),
        .name = str_of(r->name),
        .dimensions = &queue,
        .dimension_count = 1,
    };
    TRY(statistics_list(txn, series.account, series.region, series.name_space, (struct str){0}, 10,
                        &r->listing));
    return statistics_read(txn, &series, 0, INT64_MAX, 10, &r->sets, &r->count);
}

static void
assert_sum(struct fixture *f, const char *name, double samples, double sum, double max)
{
    struct reading r = {.name = name};
    assert_int_equal(kv_run(f->cloud->kv, &f->arena, read_sets, &r), OK);
    struct statistic_set all = {0};
    for (size_t i = 0; i < r.count; i++) {
        assert_int_equal(r.sets[i].minute_ms % STATISTICS_MINUTE_MS, 0);
        all.sample_count += r.sets[i].sample_count;
        all.sum += r.sets[i].sum;
        all.maximum = r.sets[i].maximum > all.maximum ? r.sets[i].maximum : all.maximum;
    }
    assert_true(all.sample_count == samples && all.sum == sum && all.maximum == max);
    bool is_listed = false;
    for (size_t i = 0; i < r.listing.count; i++)
        is_listed |= str_eq(r.listing.series[i].name, str_of(name)) &&
                     str_eq(r.listing.series[i].dimensions[0].value, STR("jobs"));
    assert_true(is_listed);
    assert_false(str_is_present(r.listing.next));
}

// Until what was counted is over and in the store, and the minute that begins is sampled.
static void
await_minute(struct fixture *f)
{
    int64_t deadline_ns = deadline_in_ms(f->cloud->runtime, FAR_MS);
    clock_service_move(f->cloud->runtime, STATISTICS_MINUTE_MS);
    assert_int_equal(background_settle(f->cloud->background, deadline_ns), OK);
}

static int
make_metrics(void *arg)
{
    struct fixture *f = arg;
    make_queue(f);
    assert_int_equal(call(f, "SendMessage", ",\"MessageBody\":\"12345\""), OK);
    assert_int_equal(call(f, "SendMessageBatch",
                          ",\"Entries\":[{\"Id\":\"a\",\"MessageBody\":\"123\"},"
                          "{\"Id\":\"b\",\"MessageBody\":\"1234567\"}]"),
                     OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(call(f, "ReceiveMessage", ",\"MaxNumberOfMessages\":10"), OK);
    assert_int_equal(call(f, "SendMessage", ""), E_FAULT);
    assert_int_equal(call(f, "PurgeQueue", ""), OK);
    assert_int_equal(call(f, "DeleteMessageBatch", ",\"Entries\":[]"), E_FAULT);
    await_minute(f);
    assert_sum(f, "NumberOfMessagesSent", 2, 3, 2);
    assert_sum(f, "SentMessageSize", 3, 15, 7);
    return OK;
}

// All samples are alike, however many minutes the test takes.
static void
assert_gauge_of(struct fixture *f, const char *queue, const char *name, double min, double max)
{
    struct reading r = {.name = name, .queue = queue};
    assert_int_equal(kv_run(f->cloud->kv, &f->arena, read_sets, &r), OK);
    assert_true(r.count > 0);
    for (size_t i = 0; i < r.count; i++)
        assert_true(r.sets[i].sample_count == 1 && r.sets[i].minimum >= min &&
                    r.sets[i].maximum <= max);
    assert_true(r.sets[r.count - 1].maximum == max || max > 10);
}

static void
assert_gauge(struct fixture *f, const char *name, double min, double max)
{
    assert_gauge_of(f, NULL, name, min, max);
}

static void
assert_no_gauge(struct fixture *f, const char *name)
{
    struct reading r = {.name = name};
    assert_int_equal(kv_run(f->cloud->kv, &f->arena, read_sets, &r), OK);
    assert_int_equal(r.count, 0);
}

static int
make_gauges(void *arg)
{
    struct fixture *f = arg;
    make_queue(f);
    assert_int_equal(call(f, "ReceiveMessage", ""), OK);
    await_minute(f);
    await_minute(f);
    assert_gauge(f, "ApproximateNumberOfMessagesVisible", 0, 0);
    assert_no_gauge(f, "ApproximateNumberOfMessagesNotVisible");
    assert_no_gauge(f, "ApproximateNumberOfMessagesDelayed");
    assert_no_gauge(f, "ApproximateAgeOfOldestMessage");
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(f, "SendMessage", ",\"MessageBody\":\"x\""), OK);
    assert_int_equal(call(f, "SendMessage", ",\"MessageBody\":\"x\",\"DelaySeconds\":900"), OK);
    assert_int_equal(call(f, "ReceiveMessage", ",\"VisibilityTimeout\":43200"), OK);
    for (int i = 0; i < 3; i++)
        await_minute(f);
    assert_gauge(f, "ApproximateNumberOfMessagesVisible", 0, 2);
    assert_gauge(f, "ApproximateNumberOfMessagesNotVisible", 1, 1);
    assert_gauge(f, "ApproximateNumberOfMessagesDelayed", 1, 1);
    assert_gauge(f, "ApproximateAgeOfOldestMessage", 0, 300);
    return OK;
}

// Groups a and b have messages in flight, c has none, and two of a were sent twice.
static int
make_fifo_gauges(void *arg)
{
    struct fixture *f = arg;
    const char *hidden = ",\"VisibilityTimeout\":43200";
    make_queue_of(f, "jobs.fifo",
                  "{\"FifoQueue\":\"true\",\"ContentBasedDeduplication\":\"true\"}");
    for (int i = 0; i < 2; i++)
        assert_int_equal(call(f, "SendMessage", ",\"MessageBody\":\"x\",\"MessageGroupId\":\"a\""),
                         OK);
    assert_int_equal(
        call(f, "SendMessageBatch",
             ",\"Entries\":[{\"Id\":\"1\",\"MessageBody\":\"y\",\"MessageGroupId\":\"b\"},"
             "{\"Id\":\"2\",\"MessageBody\":\"y\",\"MessageGroupId\":\"b\"}]"),
        OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(call(f, "ReceiveMessage", hidden), OK);
    assert_int_equal(call(f, "SendMessage", ",\"MessageBody\":\"z\",\"MessageGroupId\":\"c\""), OK);
    for (int i = 0; i < 2; i++)
        await_minute(f);
    assert_gauge_of(f, "jobs.fifo", "ApproximateNumberOfGroupsWithInflightMessages", 2, 2);
    assert_gauge_of(f, "jobs.fifo", "ApproximateNumberOfMessagesNotVisible", 2, 2);
    struct reading r = {.name = "NumberOfDeduplicatedSentMessages", .queue = "jobs.fifo"};
    assert_int_equal(kv_run(f->cloud->kv, &f->arena, read_sets, &r), OK);
    double sum = 0;
    for (size_t i = 0; i < r.count; i++)
        sum += r.sets[i].sum;
    assert_true(sum == 2);
    return OK;
}

static void
send_group(struct fixture *f, int count, const char *more)
{
    struct str input = arena_print(&f->arena, ",\"MessageBody\":\"x\",%s", more);
    for (int i = 0; i < count; i++)
        assert_int_equal(call(f, "SendMessage", input.ptr), OK);
}

// One group has 40 in flight and 5 that wait, another has 3 that wait and one that is delayed.
static int
make_fair_gauges(void *arg)
{
    struct fixture *f = arg;
    make_queue(f);
    send_group(f, 40, "\"MessageGroupId\":\"loud\"");
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            call(f, "ReceiveMessage", ",\"MaxNumberOfMessages\":10,\"VisibilityTimeout\":43200"),
            OK);
    send_group(f, 5, "\"MessageGroupId\":\"loud\"");
    send_group(f, 3, "\"MessageGroupId\":\"calm\"");
    send_group(f, 1, "\"MessageGroupId\":\"calm\",\"DelaySeconds\":900");
    for (int i = 0; i < 2; i++)
        await_minute(f);
    assert_gauge(f, "ApproximateNumberOfMessagesVisible", 8, 8);
    assert_gauge(f, "ApproximateNumberOfNoisyGroups", 1, 1);
    assert_gauge(f, "ApproximateNumberOfMessagesVisibleInQuietGroups", 3, 3);
    assert_gauge(f, "ApproximateNumberOfMessagesDelayedInQuietGroups", 1, 1);
    assert_no_gauge(f, "ApproximateNumberOfMessagesNotVisibleInQuietGroups");
    assert_gauge(f, "ApproximateAgeOfOldestMessageInQuietGroups", 0, 300);
    return OK;
}

static int
make_poison(void *arg)
{
    struct fixture *f = arg;
    make_queue(f);
    send_group(f, 1, "\"DelaySeconds\":0");
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(f, "ReceiveMessage", ",\"VisibilityTimeout\":0"), OK);
    for (int i = 0; i < 2; i++)
        await_minute(f);
    assert_gauge(f, "ApproximateNumberOfMessagesVisible", 1, 1);
    assert_no_gauge(f, "ApproximateAgeOfOldestMessage");
    return OK;
}

// In a dead-letter queue the age begins with the arrival there, ten minutes after the message was
// sent.
static int
make_buried(void *arg)
{
    struct fixture *f = arg;
    make_queue(f);
    make_queue_of(f, "source",
                  "{\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\":1,\\\"deadLetterTargetArn\\\":"
                  "\\\"arn:aws:sqs:eu-west-1:" ACCOUNT ":jobs\\\"}\"}");
    send_group(f, 1, "\"DelaySeconds\":0");
    for (int i = 0; i < 10; i++)
        await_minute(f);
    for (int i = 0; i < 2; i++)
        assert_int_equal(call(f, "ReceiveMessage", ",\"VisibilityTimeout\":0"), OK);
    for (int i = 0; i < 2; i++)
        await_minute(f);
    assert_gauge(f, "ApproximateAgeOfOldestMessage", 0, 180);
    return OK;
}

static void
run(struct fixture *f, int (*fn)(void *arg))
{
    struct cloud_options options = {.store_url = "mem:",
                                    .loops = 1,
                                    .log_level = LOG_ERROR,
                                    .log_fd = STDERR_FILENO,
                                    .subscriber = &f->subscriber};
    char problem[256];
    *f = (struct fixture){.subscriber = {.name = "trail", .wants = wants, .consume = consume}};
    f->subscriber.arg = f;
    options.subscriber = &f->subscriber;
    arena_init(&f->arena);
    arena_init(&f->kept);
    assert_int_equal(socket_address_parse(STR("127.0.0.1:0"), &options.address), OK);
    assert_int_equal(cloud_new(&options, &f->cloud, problem, sizeof(problem)), OK);
    f->invocation = (struct invocation){
        .cloud = f->cloud,
        .arena = &f->arena,
        .principal = principal_root(&f->arena, STR(ACCOUNT)),
        .region = STR("eu-west-1"),
        .caller = STR("states.amazonaws.com"),
    };
    assert_int_equal(runtime_call(f->cloud->runtime, fn, f), OK);
    cloud_free(f->cloud);
}

static void
fini(struct fixture *f)
{
    arena_fini(&f->arena);
    arena_fini(&f->kept);
}

static void
test_records(void **state)
{
    struct fixture f;
    run(&f, make_records);
    check_records(&f);
    fini(&f);
}

static void
test_metrics(void **state)
{
    struct fixture f;
    run(&f, make_metrics);
    fini(&f);
}

static void
test_gauges(void **state)
{
    struct fixture f;
    run(&f, make_gauges);
    fini(&f);
}

static void
test_gauges_of_kinds(void **state)
{
    int (*const kinds[])(void *arg) = {make_fifo_gauges, make_fair_gauges, make_poison,
                                       make_buried};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct fixture f;
        run(&f, kinds[i]);
        fini(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_gauges),
        cmocka_unit_test(test_gauges_of_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

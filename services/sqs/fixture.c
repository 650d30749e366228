// What the tests of whole operations share: SQS on a store in memory, called without HTTP.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/cloud/state.h"

enum { KEEP_MS_MAX = 20000, KEEP_STEP_MS = 5 };

static int64_t
log_now_ms(void *arg)
{
    return clock_wall_ms(arg);
}

int
fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct runtime_options runtime = {.loops = 1};
    char problem[200];
    assert_int_equal(runtime_new(&runtime, &f->cloud.runtime), OK);
    f->cloud.log = (struct log){
        .fd = 2, .level_min = LOG_WARN, .now_ms = log_now_ms, .now_arg = f->cloud.runtime};
    struct kv_options kv = {.runtime = f->cloud.runtime, .log = &f->cloud.log, .run_twice = true};
    assert_int_equal(kv_open("mem:", &kv, &f->cloud.kv, problem, sizeof(problem)), OK);
    f->cloud.statistics = statistics_new(f->cloud.runtime, f->cloud.kv, &f->cloud.log);
    struct cloud_options options = {.store_url = "mem:"};
    assert_int_equal(state_open(&f->cloud, &options, problem, sizeof(problem)), OK);
    f->cloud.seal = seal_new(f->cloud.runtime);
    f->cloud.aes = aes_new();
    f->cloud.data_keys = data_keys_new(f->cloud.seal, f->cloud.aes);
    assert_int_equal(sqs_service.init(&f->cloud, &f->state), OK);
    arena_init(&f->arena);
    state_start(&f->cloud);
    *state = f;
    return 0;
}

int
fixture_teardown(void **state)
{
    struct fixture *f = *state;
    state_stop(&f->cloud);
    sqs_service.fini(f->state);
    state_close(&f->cloud);
    kv_close(f->cloud.kv);
    runtime_free(f->cloud.runtime);
    statistics_free(f->cloud.statistics);
    data_keys_free(f->cloud.data_keys);
    aes_free(f->cloud.aes);
    seal_free(f->cloud.seal);
    arena_fini(&f->arena);
    free(f);
    return 0;
}

struct fiber_run {
    struct fixture *f;
    void (*fn)(struct fixture *f);
};

static int
fiber_run_main(void *arg)
{
    struct fiber_run *run = arg;
    run->fn(run->f);
    return OK;
}

void
in_fiber(struct fixture *f, void (*fn)(struct fixture *f))
{
    struct fiber_run run = {f, fn};
    assert_int_equal(runtime_call(f->cloud.runtime, fiber_run_main, &run), OK);
}

struct call *
call_of(struct fixture *f)
{
    f->http = (struct http_request){.arena = &f->arena};
    f->call = (struct call){
        .cloud = &f->cloud,
        .arena = &f->arena,
        .kv = f->cloud.kv,
        .http = &f->http,
        .service = &sqs_service,
        .state = f->state,
        .principal = {.account = STR("000000000000"), .user_id = STR("000000000000")},
        .region = STR("us-east-1"),
    };
    return &f->call;
}

void
clock_move(struct fixture *f, int64_t s)
{
    clock_service_move(f->cloud.runtime, s * 1000);
}

void
keep_until(struct fixture *f, bool (*holds)(struct fixture *f, void *arg), void *arg)
{
    for (int ms = 0; !holds(f, arg); ms += KEEP_STEP_MS) {
        CHECK(ms < KEEP_MS_MAX);
        background_wake(f->cloud.background, "sqs-keeper");
        CHECK(fiber_sleep_until(deadline_in_ms(f->cloud.runtime, KEEP_STEP_MS)) == OK);
    }
}

struct str
queue_make(struct fixture *f, const char *name, const char *const (*attributes)[2], size_t count)
{
    struct sqs_create_queue_result out = {0};
    struct sqs_create_queue_request in = {.QueueName = str_of(name)};
    in.Attributes.items = arena_alloc_array(&f->arena, count, sizeof(in.Attributes.items[0]));
    for (; in.Attributes.count < count; in.Attributes.count++) {
        in.Attributes.items[in.Attributes.count].key = str_of(attributes[in.Attributes.count][0]);
        in.Attributes.items[in.Attributes.count].value = str_of(attributes[in.Attributes.count][1]);
    }
    CHECK(sqs_create_queue(call_of(f), &in, &out) == OK);
    // There is no Host header to make it of.
    return arena_print(&f->arena, "http://localhost/000000000000/%s", name);
}

void
message_send(struct fixture *f, struct str url, const char *body, const char *group)
{
    struct sqs_send_message_request in = {.QueueUrl = url, .MessageBody = str_of(body)};
    struct sqs_send_message_result out = {0};
    in.MessageGroupId = in.MessageDeduplicationId = str_of(group);
    if (group)
        in.MessageDeduplicationId = str_of(body);
    CHECK(sqs_send_message(call_of(f), &in, &out) == OK);
}

size_t
message_receive(struct fixture *f, struct str url, int32_t hidden_s)
{
    struct sqs_receive_message_request in = {
        .QueueUrl = url,
        .MaxNumberOfMessages = OPT_INT(10),
        .VisibilityTimeout = OPT_INT(hidden_s),
    };
    struct sqs_receive_message_result out = {0};
    CHECK(sqs_receive_message(call_of(f), &in, &out) == OK);
    return out.Messages.count;
}

int64_t
message_count(struct fixture *f, struct str url)
{
    struct str names[] = {STR("ApproximateNumberOfMessages"),
                          STR("ApproximateNumberOfMessagesNotVisible"),
                          STR("ApproximateNumberOfMessagesDelayed")};
    struct sqs_get_queue_attributes_request in = {
        .QueueUrl = url, .AttributeNames = {.items = names, .count = COUNT_OF(names)}};
    struct sqs_get_queue_attributes_result out = {0};
    int64_t total = 0, number;
    CHECK(sqs_get_queue_attributes(call_of(f), &in, &out) == OK);
    for (size_t i = 0; i < out.Attributes.count; i++) {
        CHECK(str_to_int64(out.Attributes.items[i].value, &number) == OK);
        total += number;
    }
    return total;
}

struct key_counting {
    struct str kind;
    size_t count;
};

// The element behind the generation, or the fourth; of the whole c10m's, the second.
static bool
is_of_kind(struct arena *a, struct str key, struct str kind)
{
    struct tuple_reader r;
    struct str element;
    tuple_reader_init(&r, a, key);
    CHECK(tuple_read_str(&r, &element) == OK);
    if (str_eq(element, STR("c10m")))
        return tuple_read_str(&r, &element) == OK && str_eq(element, kind);
    if (tuple_read_fixed(&r, GENERATION_BYTES, &element) == OK)
        return tuple_read_str(&r, &element) == OK && str_eq(element, kind);
    for (int i = 0; i < 3; i++)
        CHECK(tuple_read_str(&r, &element) == OK);
    return str_eq(element, kind);
}

static int
key_count_body(struct kv_txn *txn, void *arg)
{
    struct key_counting *s = arg;
    struct kv_range range = {.from = STR(""), .to = STR("\xff"), .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    int code;
    s->count = 0;
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK)
        s->count += is_of_kind(kv_txn_arena(txn), key, s->kind);
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

size_t
key_count_of(struct fixture *f, const char *kind)
{
    struct key_counting s = {.kind = str_of(kind)};
    CHECK(kv_run(f->cloud.kv, &f->arena, key_count_body, &s) == OK);
    return s.count;
}

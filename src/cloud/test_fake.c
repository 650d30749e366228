// The fake service: its tables, its handlers, and the registry.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/test_fake.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "src/auth/authorise.h"

#define NAMES(X)                                                                                   \
    X(Echo)                                                                                        \
    X(Fail)                                                                                        \
    X(Nothing)                                                                                     \
    X(Unbuilt)                                                                                     \
    X(Text)                                                                                        \
    X(Count)                                                                                       \
    X(QueueUrl)                                                                                    \
    X(Code)                                                                                        \
    X(String)                                                                                      \
    X(Integer)                                                                                     \
    X(EchoResult)                                                                                  \
    X(NothingResult)                                                                               \
    X(Open)                                                                                        \
    X(thing)                                                                                       \
    X(FakeBroken)                                                                                  \
    X(FakeLocked)                                                                                  \
    X(Message)                                                                                     \
    X(Owner)                                                                                       \
    X(AWS_Fake_Broken)

#define ACTIONS(X)                                                                                 \
    X(Echo)                                                                                        \
    X(Fail)                                                                                        \
    X(Nothing)                                                                                     \
    X(Unbuilt)

struct names {
    char none[1];
#define X(name) char action_##name[sizeof("fake:" #name)];
    ACTIONS(X)
#undef X
#define X(name) char name[sizeof(#name)];
    NAMES(X)
#undef X
    char pattern[sizeof("[^#]*(?<!#)")];
};

static const struct names names = {"",
#define X(name) "fake:" #name,
                                   ACTIONS(X)
#undef X
#define X(name) #name,
                                       NAMES(X)
#undef X
                                           "[^#]*(?<!#)"};

#define AT(name) offsetof(struct names, name)
#define MEMBER(n, type, shape_, flags_)                                                            \
    {                                                                                              \
        .name = AT(n),                                                                             \
        .json_name = AT(n),                                                                        \
        .query_name = AT(n),                                                                       \
        .xml_name = AT(n),                                                                         \
        .offset = offsetof(struct type, n),                                                        \
        .shape = (shape_),                                                                         \
        .flags = (flags_),                                                                         \
    }

enum { SHAPE_ECHO, SHAPE_FAIL, SHAPE_STRING, SHAPE_URL, SHAPE_INTEGER, SHAPE_LOCKED };

static const struct wire_member members[] = {
    MEMBER(Text, fake_echo, SHAPE_STRING, WIRE_REQUIRED),
    MEMBER(Count, fake_echo, SHAPE_INTEGER, 0),
    MEMBER(QueueUrl, fake_echo, SHAPE_URL, 0),
    MEMBER(Code, fake_fail, SHAPE_INTEGER, 0),
    MEMBER(Owner, fake_locked, SHAPE_URL, 0),
    MEMBER(Count, fake_locked, SHAPE_INTEGER, 0),
};

static const struct wire_shape shapes[] = {
    [SHAPE_ECHO] = {.name = AT(Echo),
                    .type = WIRE_STRUCTURE,
                    .c_size = sizeof(struct fake_echo),
                    .member_count = 3},
    [SHAPE_FAIL] = {.name = AT(Fail),
                    .type = WIRE_STRUCTURE,
                    .c_size = sizeof(struct fake_fail),
                    .member_first = 3,
                    .member_count = 1},
    [SHAPE_STRING] = {.name = AT(String),
                      .type = WIRE_STRING,
                      .c_size = sizeof(struct str),
                      .constraint = 1},
    [SHAPE_URL] = {.name = AT(String), .type = WIRE_STRING, .c_size = sizeof(struct str)},
    [SHAPE_INTEGER] = {.name = AT(Integer), .type = WIRE_INTEGER, .c_size = sizeof(struct opt_int)},
    [SHAPE_LOCKED] = {.name = AT(FakeLocked),
                      .type = WIRE_STRUCTURE,
                      .c_size = sizeof(struct fake_locked),
                      .member_first = 4,
                      .member_count = 2},
};

static const struct wire_constraint constraints[] = {
    {.min = INT64_MIN, .max = INT64_MAX},
    {.min = INT64_MIN, .max = 8, .pattern = AT(pattern)}, // one that needs PCRE2
};

static const struct wire_model model = {
    .text = (const char *)&names,
    .shapes = shapes,
    .members = members,
    .constraints = constraints,
};

static const struct wire_operation operations[] = {
    {AT(Echo), SHAPE_ECHO, SHAPE_ECHO, AT(EchoResult)},
    {AT(Fail), SHAPE_FAIL, WIRE_NO_SHAPE, 0},
    {AT(Nothing), WIRE_NO_SHAPE, WIRE_NO_SHAPE, 0},
    {AT(Open), WIRE_NO_SHAPE, WIRE_NO_SHAPE, 0, .is_unsigned = true},
    {AT(Unbuilt), WIRE_NO_SHAPE, WIRE_NO_SHAPE, 0},
};

// Fail asks for two actions, the second of which needs a resource; Nothing asks for none.
static const struct action_resource action_resources[] = {{.name = AT(thing), .is_required = true}};
static const struct action actions[] = {
    {.name = AT(action_Echo), .level = ACCESS_READ},
    {.name = AT(action_Echo), .level = ACCESS_READ},
    {.name = AT(action_Fail), .resource_count = 1, .level = ACCESS_WRITE},
    {.name = AT(action_Unbuilt)},
};
static const struct action_span operation_actions[] = {{0, 1}, {1, 2}, {0, 0}, {0, 0}, {3, 1}};

static const struct wire_error errors[] = {
    [FAKE_BROKEN] = {AT(FakeBroken), AT(AWS_Fake_Broken), 409, true, WIRE_NO_SHAPE, 0},
    [FAKE_LOCKED] = {AT(FakeLocked), AT(FakeLocked), 423, true, SHAPE_LOCKED, AT(Message)},
};

static const struct wire_service wire = {
    .name = "fake",
    .signing_name = "fake",
    .target_prefix = "AmazonFake",
    .json_namespace = "com.amazonaws.fake",
    .api_version = "2020-01-01",
    .xml_namespace = "https://fake.example/doc/2020-01-01/",
    .protocols = 1u << WIRE_JSON_1_0 | 1u << WIRE_QUERY,
    .is_query_compatible = true,
    .wording = WIRE_WORDING_SQS,
    .model = &model,
    .operations = operations,
    .operation_count = COUNT_OF(operations),
    .errors = errors,
    .error_count = COUNT_OF(errors),
};

static _Atomic int running;
static struct event_subscriber *_Atomic subscriber_next;

static int
echo(struct call *c, const void *in, void *out)
{
    *(struct fake_echo *)out = *(const struct fake_echo *)in;
    CHECK(c->state != NULL);
    return OK;
}

static int
fail_body(struct kv_txn *txn, void *arg)
{
    struct call *c = arg;
    return fault(c, 0, "It is <broken> in %s.", arena_copy_z(c->arena, c->region));
}

static int
fail(struct call *c, const void *in, void *out)
{
    const struct fake_fail *input = in;
    if (input->Code.value == 0)
        return kv_run(c->kv, c->arena, fail_body, c);
    return input->Code.value;
}

struct nothing {
    struct call *c;
    int runs;
};

static int
nothing_body(struct kv_txn *txn, void *arg)
{
    struct nothing *n = arg;
    return n->runs++ == 0 ? fault(n->c, 0, "The first run counts for nothing.") : OK;
}

static int
nothing(struct call *c, const void *in, void *out)
{
    CHECK(in != NULL && out != NULL);
    return kv_run(c->kv, c->arena, nothing_body, &(struct nothing){.c = c});
}

static int
init(struct cloud *cloud, void **state)
{
    struct event_subscriber *subscriber = atomic_exchange(&subscriber_next, NULL);
    if (subscriber != NULL)
        cloud_subscribe(cloud, subscriber);
    *state = malloc(1);
    atomic_fetch_add(&running, 1);
    return OK;
}

static void
fini(void *state)
{
    free(state);
    atomic_fetch_sub(&running, 1);
}

int
fake_running(void)
{
    return atomic_load(&running);
}

void
fake_subscribe(struct event_subscriber *subscriber)
{
    atomic_store(&subscriber_next, subscriber);
}

// What Fail is about belongs to nobody that a test calls as, if it is asked for code 1; to nobody
// at all for code 2; and callers without a signature are admitted for code 3.
static int
say_access(struct call *c, struct access *access)
{
    const struct fake_fail *in = c->in;
    if (!str_eq(c->operation_name, STR("Fail")))
        return OK;
    access->is_open = in->Code.value == 3;
    if (!str_eq(access->action, STR("fake:Fail")))
        return OK;
    access->denied_action = STR("fake:FailHard");
    if (in->Code.value == 1)
        access_add_resource(access, c->arena, STR("arn:aws:fake:eu-west-1:999999999999:thing"),
                            STR("999999999999"));
    else if (in->Code.value != 2)
        access_add_resource(access, c->arena, STR("arn:aws:fake:eu-west-1:123:thing"),
                            c->principal.account);
    return OK;
}

static int
say_owner(struct call *c, struct str *owner)
{
    const struct fake_echo *in = c->in;
    if (!str_eq(c->operation_name, STR("Echo")))
        return OK;
    if (str_starts(in->Text, STR("guest")))
        *owner = STR("guest");
    else if (str_starts(in->Text, STR("nobody")))
        *owner = STR("absent");
    return OK;
}

static service_handler_fn *const handlers[] = {echo, fail, nothing, nothing, NULL};

static const struct service fake_service = {
    .wire = &wire,
    .handlers = handlers,
    .operation_actions = operation_actions,
    .actions = actions,
    .action_resources = action_resources,
    .split = say_owner,
    .authorise = say_access,
    .payloads = 1u << SIGV4_PAYLOAD_UNSIGNED_TRAILER,
    .init = init,
    .fini = fini,
};

// A guest of fake: the calls whose Text begins with "guest". Its Echo needs a Count.
static const struct wire_member guest_members[] = {
    MEMBER(Text, fake_echo, SHAPE_STRING, WIRE_REQUIRED),
    MEMBER(Count, fake_echo, SHAPE_INTEGER, WIRE_REQUIRED),
    MEMBER(QueueUrl, fake_echo, SHAPE_URL, 0),
};

static const struct wire_model guest_model = {
    .text = (const char *)&names,
    .shapes = shapes,
    .members = guest_members,
    .constraints = constraints,
};

static const struct wire_operation guest_operations[] = {
    {AT(Echo), SHAPE_ECHO, SHAPE_ECHO, AT(EchoResult)},
};

static const struct wire_service guest_wire = {
    .name = "guest",
    .signing_name = "fake",
    .target_prefix = "",
    .json_namespace = "com.amazonaws.fake",
    .api_version = "2020-01-01",
    .xml_namespace = "https://fake.example/doc/2020-01-01/",
    .protocols = 1u << WIRE_QUERY,
    .model = &guest_model,
    .operations = guest_operations,
    .operation_count = COUNT_OF(guest_operations),
};

static int
guest_echo(struct call *c, const void *in, void *out)
{
    struct fake_echo *echo = out;
    *echo = *(const struct fake_echo *)in;
    echo->QueueUrl = STR("the guest's");
    return OK;
}

static service_handler_fn *const guest_handlers[] = {guest_echo};

static const struct service guest_service = {
    .wire = &guest_wire,
    .handlers = guest_handlers,
    .host = "fake",
};

const struct service *const service_registry[] = {&fake_service, &guest_service, NULL};

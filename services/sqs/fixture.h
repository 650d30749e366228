// What the tests of whole operations share: SQS on a store in memory, called without HTTP.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "services/sqs/keys.h"
#include "services/sqs/sqs.h"
#include "services/sqs/sqs_api.h"

// One at a time; handlers are called in its fiber, on one account and region.
struct fixture {
    struct cloud cloud;
    void *state;
    struct arena arena;
    struct http_request http;
    struct call call;
};

// For cmocka: *state is the fixture.
int fixture_setup(void **state);
int fixture_teardown(void **state);

// Runs fn in a fiber. There, CHECK takes the place of cmocka's assertions, which would jump off the
// fiber's stack.
void in_fiber(struct fixture *f, void (*fn)(struct fixture *f));

// A fresh call.
struct call *call_of(struct fixture *f);
void clock_move(struct fixture *f, int64_t s);
// Runs the keeper until the condition holds; dies when it does not within seconds.
void keep_until(struct fixture *f, bool (*holds)(struct fixture *f, void *arg), void *arg);

// Urls.
struct str queue_make(struct fixture *f, const char *name, const char *const (*attributes)[2],
                      size_t count);
void message_send(struct fixture *f, struct str url, const char *body, const char *group);
// How many came, at most ten; hidden for so long.
size_t message_receive(struct fixture *f, struct str url, int32_t hidden_s);
// Visible, hidden and delayed ones together.
int64_t message_count(struct fixture *f, struct str url);
// All keys of SQS of that kind in data of any generation: "b"; or in all of SQS: "garbage".
size_t key_count_of(struct fixture *f, const char *kind);

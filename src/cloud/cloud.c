// Builds a whole c10m, bottom up, and takes it down again.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/cloud.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/auth/credentials.h"
#include "src/auth/key_cache.h"
#include "src/cloud/answer.h"
#include "src/cloud/event_log.h"
#include "src/cloud/guests.h"
#include "src/cloud/keys.h"
#include "src/cloud/state.h"

// Requests that were accepted may finish: a transaction's longest life and a little.
enum { DRAIN_MS = KV_TXN_MS_MAX + 1000, PROBLEM_BYTES_MAX = 512 };

static int64_t
log_now_ms(void *arg)
{
    return clock_wall_ms(arg);
}

struct first_start {
    struct cloud *cloud;
    const struct cloud_options *options;
};

// What has to be synced beside the store. Both are opened later, where it is told what went wrong.
static void
make_first_files(void *arg)
{
    struct first_start *f = arg;
    char problem[PROBLEM_BYTES_MAX];
    int code = admin_token_open(f->cloud, f->options, problem, sizeof(problem));
    if (code == OK && f->options->seal_file != NULL)
        code = seal_prepare(f->cloud->runtime, f->options->seal_file);
    if (code != OK)
        log_event(&f->cloud->log, LOG_DEBUG, "first_files_failed", "code=%s", code_name(code));
}

static int
open_store(struct cloud *cloud, const struct cloud_options *o, char *problem, size_t problem_size)
{
    struct first_start first = {cloud, o};
    struct kv_options options = {
        .runtime = cloud->runtime,
        .log = &cloud->log,
        .on_new = make_first_files,
        .on_new_arg = &first,
        .run_twice = o->run_twice,
    };
    return kv_open(o->store_url, &options, &cloud->kv, problem, problem_size);
}

static int
start_services(struct cloud *cloud, char *problem, size_t problem_size)
{
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        CHECK(i < SERVICES_MAX);
        const struct service *s = service_registry[i];
        int code = s->init ? s->init(cloud, &cloud->service_states[i]) : OK;
        if (code == OK)
            continue;
        snprintf(problem, problem_size, "the service %s does not start (%s)", s->wire->name,
                 code_name(code));
        return code;
    }
    return OK;
}

static void
stop_services(struct cloud *cloud)
{
    for (size_t i = 0; service_registry[i] != NULL; i++)
        if (service_registry[i]->fini != NULL && cloud->service_states[i] != NULL)
            service_registry[i]->fini(cloud->service_states[i]);
}

static void
explain_listen(const struct socket_address *address, int code, int error, char *problem,
               size_t problem_size)
{
    if (code == E_EXISTS)
        snprintf(problem, problem_size,
                 "cannot listen on %s: the address is in use; stop the other program or choose "
                 "--listen ADDR:PORT",
                 address->text);
    else if (code == E_INVALID)
        snprintf(problem, problem_size,
                 "--tls-certificate and --tls-key are not a certificate with its key, both PEM");
    else
        snprintf(problem, problem_size, "cannot listen on %s: %s", address->text, strerror(error));
}

static bool
take_memory(void *arg, size_t bytes)
{
    struct cloud *cloud = arg;
    return budget_take_bytes(&cloud->budget, bytes);
}

static void
give_memory(void *arg, size_t bytes)
{
    struct cloud *cloud = arg;
    budget_give_bytes(&cloud->budget, bytes);
}

static int
start_listening(struct cloud *cloud, struct cloud_options *o, char *problem, size_t problem_size)
{
    struct http_server_options options = {
        .address = o->address,
        .handler = cloud_answer,
        .handler_arg = cloud,
        .wants_stream = cloud_wants_stream,
        .memory = {take_memory, give_memory, cloud},
        .log = &cloud->log,
        .tls = &cloud->tls,
        .head_timeout_ms = o->request_timeout_ms,
    };
    int code = http_server_new(cloud->runtime, &options, &cloud->http);
    if (code != OK)
        explain_listen(&o->address, code, errno, problem, problem_size);
    o->address = cloud->address = options.address;
    if (code == OK)
        guests_start(cloud->guests);
    return code;
}

static int
start_runtime(struct cloud *cloud, const struct cloud_options *o, char *problem,
              size_t problem_size)
{
    struct runtime_options options = {.loops = o->loops};
    int code = runtime_new(&options, &cloud->runtime);
    if (code != OK) {
        snprintf(problem, problem_size, "cannot start threads: %s", strerror(errno));
        return code;
    }
    cloud->log = (struct log){.fd = o->log_fd,
                              .level_min = o->log_level,
                              .now_ms = log_now_ms,
                              .now_arg = cloud->runtime};
    cloud->started_ns = clock_mono_ns(cloud->runtime);
    cloud->client = http_client_new(cloud->runtime, &(struct http_client_options){0});
    cloud->metrics = metrics_new(cloud);
    cloud->allow_hosts = o->allow_hosts;
    cloud->passed = o->passed;
    cloud->allow_origins = o->allow_origins;
    cloud->tls = o->tls;
    cloud->slow_ns =
        (o->slow_request_ms > 0 ? o->slow_request_ms : SLOW_REQUEST_MS_DEFAULT) * INT64_C(1000000);
    cloud->budget.requests_max =
        o->requests_max > 0 ? (size_t)o->requests_max : BUDGET_REQUESTS_DEFAULT;
    cloud->budget.bytes_max =
        (size_t)(o->memory_mib_max > 0 ? o->memory_mib_max : BUDGET_MIB_DEFAULT) << 20;
    for (int i = 0; i < runtime_loop_count(cloud->runtime); i++) {
        cloud->key_caches[i] = key_cache_new();
        TAILQ_INIT(&cloud->gates[i].waiting);
    }
    return OK;
}

static int
set_rates(struct cloud *cloud, const struct cloud_options *o, char *problem, size_t problem_size)
{
    cloud->rates.per_second = o->account_rate;
    for (size_t i = 0; i < o->operation_rates.count; i++)
        TRY(rates_add_operation(&cloud->rates, o->operation_rates.items[i], problem, problem_size));
    return OK;
}

static int
start(struct cloud *cloud, struct cloud_options *o, char *problem, size_t problem_size)
{
    TRY(keys_check(o, problem, problem_size));
    TRY(set_rates(cloud, o, problem, problem_size));
    TRY(start_runtime(cloud, o, problem, problem_size));
    TRY(open_store(cloud, o, problem, problem_size));
    TRY(state_open(cloud, o, problem, problem_size));
    TRY(keys_open(cloud, o, problem, problem_size));
    TRY(state_open_blobs(cloud, problem, problem_size));
    cloud->aes = aes_new();
    cloud->data_keys = data_keys_new(cloud->seal, cloud->aes);
    TRY(admin_token_open(cloud, o, problem, problem_size));
    cloud->statistics = statistics_new(cloud->runtime, cloud->kv, &cloud->log);
    if (o->subscriber != NULL)
        cloud_subscribe(cloud, o->subscriber);
    TRY(start_services(cloud, problem, problem_size));
    state_start(cloud);
    event_log_start(cloud);
    statistics_start(cloud->statistics, cloud->background);
    return start_listening(cloud, o, problem, problem_size);
}

int
cloud_new(struct cloud_options *options, struct cloud **out, char *problem, size_t problem_size)
{
    struct cloud *cloud = calloc(1, sizeof(*cloud));
    CHECK(cloud != NULL);
    int code = start(cloud, options, problem, problem_size);
    if (code != OK) {
        cloud_free(cloud);
        return code;
    }
    *out = cloud;
    return OK;
}

void
cloud_free(struct cloud *cloud)
{
    if (cloud == NULL)
        return;
    if (cloud->http != NULL) {
        guests_stop(cloud->guests);
        http_server_free(cloud->http, deadline_in_ms(cloud->runtime, DRAIN_MS));
    }
    raw_listeners_close(cloud);
    state_power_off(cloud);
    state_stop(cloud);
    if (cloud->statistics != NULL)
        statistics_end(cloud->statistics);
    stop_services(cloud);
    state_close(cloud);
    kv_close(cloud->kv);
    http_client_free(cloud->client);
    runtime_free(cloud->runtime);
    metrics_free(cloud->metrics);
    statistics_free(cloud->statistics);
    for (int i = 0; i < RUNTIME_LOOPS_MAX; i++) {
        key_cache_free(cloud->key_caches[i]);
        wire_patterns_fini(&cloud->patterns[i]);
    }
    key_ring_free(cloud->keys);
    data_keys_free(cloud->data_keys);
    aes_free(cloud->aes);
    seal_free(cloud->seal);
    explicit_bzero(cloud->admin_token, sizeof(cloud->admin_token));
    free(cloud);
}

void
cloud_subscribe(struct cloud *cloud, struct event_subscriber *subscriber)
{
    size_t count = 0;
    struct event_subscriber *s;
    CHECK(cloud->http == NULL && strlen(subscriber->name) <= EVENT_SUBSCRIBER_NAME_MAX);
    SLIST_FOREACH(s, &cloud->subscribers, link)
    count++;
    CHECK(count < EVENT_SUBSCRIBERS_MAX);
    SLIST_INSERT_HEAD(&cloud->subscribers, subscriber, link);
}

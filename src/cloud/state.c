// What services share for their state: background, jobs, the reaper, timers, the service clock,
// blobs.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/state.h"

#include <limits.h>
#include <stdio.h>

#include "src/cloud/guests.h"
#include "src/host/machine.h"
#include "src/store/blob.h"
#include "src/store/client_token.h"
#include "src/store/service_clock.h"

enum { COLLECT_MS = 10 * 1000, COLLECT_BATCH = 64 };

static int
open_clock(void *arg)
{
    struct cloud *cloud = arg;
    return clock_keeper_open(&cloud->jobs, &cloud->clock);
}

// Units run where their store is, which therefore nobody else uses, and below a data directory.
static void
open_machine(struct cloud *cloud, const struct cloud_options *options)
{
    char dir[PATH_MAX];
    if (cloud->data == NULL ||
        (size_t)snprintf(dir, sizeof(dir), "%s/host", cloud->data) >= PATH_MAX)
        return;
    cloud->machine = machine_new(&(struct machine_options){
        .runtime = cloud->runtime,
        .log = &cloud->log,
        .kv = cloud->kv,
        .background = cloud->background,
        .dir = dir,
        .boot_path = options->boot_id_file,
        .door = guests_door(cloud->guests),
    });
}

int
state_open(struct cloud *cloud, const struct cloud_options *options, char *problem,
           size_t problem_size)
{
    cloud->background = background_new(cloud->runtime);
    cloud->jobs = (struct jobs_options){
        .runtime = cloud->runtime,
        .log = &cloud->log,
        .kv = cloud->kv,
        .background = cloud->background,
        .is_shared = str_starts(str_of(options->store_url), STR("postgresql:")),
    };
    if (str_starts(str_of(options->store_url), STR("rocks:")))
        cloud->data = options->store_url + STR("rocks:").len;
    cloud->keys_dir = cloud->data != NULL ? cloud->data : options->keys_dir;
    cloud->guests = guests_new(cloud);
    open_machine(cloud, options);
    cloud->reaper = reaper_new(&cloud->jobs);
    cloud->alarms = alarms_new(&cloud->jobs);
    cloud->outbox = outbox_new(&cloud->jobs);
    int code = runtime_call(cloud->runtime, open_clock, cloud);
    if (code != OK)
        snprintf(problem, problem_size, "cannot read the service clock from the store (%s)",
                 code_name(code));
    return code;
}

struct blobs_opening {
    struct cloud *cloud;
    char *problem;
    size_t problem_size;
};

static int
open_blobs(void *arg)
{
    struct blobs_opening *o = arg;
    struct cloud *cloud = o->cloud;
    char dir[PATH_MAX];
    struct blobs_options options = {
        .runtime = cloud->runtime, .log = &cloud->log, .kv = cloud->kv, .seal = cloud->seal};
    if (cloud->data != NULL &&
        (size_t)snprintf(dir, sizeof(dir), "%s/blobs", cloud->data) < sizeof(dir))
        options.dir = dir;
    return blobs_open(&options, &cloud->blobs, o->problem, o->problem_size);
}

int
state_open_blobs(struct cloud *cloud, char *problem, size_t problem_size)
{
    if (cloud->jobs.is_shared)
        return OK;
    return runtime_call(cloud->runtime, open_blobs,
                        &(struct blobs_opening){cloud, problem, problem_size});
}

// What no link leads to any more.
static int
collect_step(struct job *job, void *arg, int64_t *again_ns)
{
    struct cloud *cloud = arg;
    size_t count;
    *again_ns = deadline_in_ms(cloud->runtime, COLLECT_MS);
    TRY(blob_collect(cloud->blobs, clock_wall_ms(cloud->runtime), COLLECT_BATCH, &count));
    return count == COLLECT_BATCH ? OK : E_NOT_FOUND;
}

void
state_start(struct cloud *cloud)
{
    client_tokens_handle(cloud->alarms);
    if (cloud->blobs != NULL)
        job_start(&cloud->jobs, "c10m-blobs", collect_step, cloud);
    reaper_start(cloud->reaper);
    alarms_start(cloud->alarms);
    outbox_start(cloud->outbox);
    if (cloud->machine != NULL)
        machine_start(cloud->machine, cloud->seal);
}

void
state_power_off(struct cloud *cloud)
{
    if (cloud->machine != NULL)
        machine_stop(cloud->machine, cloud->powers_off ? RECONCILER_POWERS_OFF : RECONCILER_LEAVES,
                     deadline_in_ms(cloud->runtime, POWER_OFF_SECONDS_MAX * INT64_C(1000)));
}

void
state_stop(struct cloud *cloud)
{
    if (cloud->background != NULL)
        background_stop(cloud->background);
}

void
state_close(struct cloud *cloud)
{
    machine_free(cloud->machine);
    guests_free(cloud->guests);
    blobs_close(cloud->blobs);
    clock_keeper_free(cloud->clock);
    outbox_free(cloud->outbox);
    alarms_free(cloud->alarms);
    reaper_free(cloud->reaper);
    background_free(cloud->background);
}

// What services share for their state: background, jobs, the reaper, timers, the service clock.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/state.h"

#include <stdio.h>

#include "src/store/service_clock.h"

static int
open_clock(void *arg)
{
    struct cloud *cloud = arg;
    return clock_keeper_open(&cloud->jobs, &cloud->clock);
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
    cloud->reaper = reaper_new(&cloud->jobs);
    cloud->alarms = alarms_new(&cloud->jobs);
    int code = runtime_call(cloud->runtime, open_clock, cloud);
    if (code != OK)
        snprintf(problem, problem_size, "cannot read the service clock from the store (%s)",
                 code_name(code));
    return code;
}

void
state_start(struct cloud *cloud)
{
    reaper_start(cloud->reaper);
    alarms_start(cloud->alarms);
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
    clock_keeper_free(cloud->clock);
    alarms_free(cloud->alarms);
    reaper_free(cloud->reaper);
    background_free(cloud->background);
}

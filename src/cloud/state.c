// What services share for their state: background, jobs, the reaper, timers.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/state.h"

void
state_open(struct cloud *cloud, bool is_shared)
{
    cloud->background = background_new(cloud->runtime);
    cloud->jobs = (struct jobs_options){.runtime = cloud->runtime,
                                        .log = &cloud->log,
                                        .kv = cloud->kv,
                                        .background = cloud->background,
                                        .is_shared = is_shared};
    cloud->reaper = reaper_new(&cloud->jobs);
    cloud->alarms = alarms_new(&cloud->jobs);
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
    alarms_free(cloud->alarms);
    reaper_free(cloud->reaper);
    background_free(cloud->background);
}

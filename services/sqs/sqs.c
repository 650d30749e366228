// The lifetime of what SQS keeps in memory.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/sqs.h"

#include <stdlib.h>

#include "services/sqs/flights.h"
#include "services/sqs/gauges.h"
#include "services/sqs/keeper.h"
#include "services/sqs/movers.h"
#include "services/sqs/upgrade.h"
#include "src/store/service_clock.h"

#include "services/sqs/sqs_api.h"

// Long polls sleep until the next message is visible.
static void
clock_moved(void *arg)
{
    struct sqs *s = arg;
    lot_wake_all(s->receivers);
}

int
sqs_init(struct cloud *cloud, void **state)
{
    struct sqs *s = calloc(1, sizeof(*s));
    CHECK(s);
    s->cloud = cloud;
    s->heads = due_heads_new();
    s->receivers = lot_new();
    s->flights_max = FLIGHTS_MAX;
    clock_listen(cloud->clock, clock_moved, s);
    *state = s;
    s->gauges = gauges_new(s);
    s->movers = movers_new(s);
    keeper_start(s);
    gauges_start(s->gauges);
    upgrade_start(s);
    movers_start(s->movers);
    return OK;
}

void
sqs_fini(void *state)
{
    struct sqs *s = state;
    movers_free(s->movers);
    gauges_free(s->gauges);
    lot_free(s->receivers);
    heads_free(s->heads);
    free(s);
}

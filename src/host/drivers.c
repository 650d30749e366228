// The kinds of units that c10m can run.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/driver.h"
#include "src/host/engine/engine.h"
#include "src/host/functions.h"
#include "src/host/host_records.h"

static const struct {
    const char *kind;
    const struct record_type *spec;
    void (*open)(struct host *h, struct unit_driver *out);
} kinds[] = {
    {"functions", &host_functions_record_type, functions_driver_new},
    {"haproxy", &host_engine_record_type, haproxy_driver_new},
    {"mariadb", &host_engine_record_type, mariadb_driver_new},
    {"memcached", &host_engine_record_type, memcached_driver_new},
    {"network", &host_network_record_type, network_driver_new},
    {"postgres", &host_engine_record_type, postgres_driver_new},
    {"redis", &host_engine_record_type, redis_driver_new},
    {"sandbox", &host_sandbox_record_type, sandbox_driver_new},
};

size_t
drivers_new(struct host *h, struct unit_driver out[DRIVERS_MAX])
{
    CHECK(COUNT_OF(kinds) <= DRIVERS_MAX);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        kinds[i].open(h, &out[i]);
        out[i].kind = kinds[i].kind;
    }
    return COUNT_OF(kinds);
}

void
drivers_close(struct unit_driver *drivers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (drivers[i].close != NULL)
            drivers[i].close(drivers[i].arg);
}

const struct record_type *
driver_spec(struct str kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_eq(str_of(kinds[i].kind), kind))
            return kinds[i].spec;
    return NULL;
}

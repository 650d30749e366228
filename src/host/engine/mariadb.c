// MariaDB 10.11 as an engine.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "src/host/engine/kind.h"

static int
configure(struct engine_run *r)
{
    return engine_fail(r, E_INVALID, "MariaDB is not built yet");
}
const struct engine_kind engine_mariadb = {
    .kind = "mariadb",
    .program = "/usr/sbin/mariadbd",
    .package = "mariadb-server-core",
    .configure = configure,
    .stop_signal = SIGTERM,
    .stop_ms = 1000,
};

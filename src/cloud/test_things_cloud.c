// A cloud that serves the things of test_things.c, for a whole group of tests.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/test_things.h"

struct fixture things_cloud;

int
things_cloud_setup(void **state)
{
    things_setup(state);
    fixture_init(&things_cloud);
    return 0;
}

int
things_cloud_teardown(void **state)
{
    fixture_fini(&things_cloud);
    return 0;
}

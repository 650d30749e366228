// What a measured sandbox runs: says when it began, by a clock that no namespace moves.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <time.h>

int
main(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return printf("%lld\n", (long long)t.tv_sec * 1000000000 + t.tv_nsec) < 0;
}

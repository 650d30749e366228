// A signal that no thread can put off.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/drain.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static void
cut(int number)
{
    static const char line[] = "level=error event=drain_cut reason=\"a request did not end\"\n";
    if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0) {
        // Nobody reads it.
    }
    _exit(EXIT_CUT_DRAIN);
}

void
drain_limit(unsigned seconds)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = cut;
    sigaction(SIGALRM, &action, NULL);
    alarm(seconds);
}

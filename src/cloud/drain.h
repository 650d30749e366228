// An end to draining that does not end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

// Longer than any transaction, and than the drain waits for requests.
enum { DRAIN_SECONDS_MAX = 30, EXIT_CUT_DRAIN = 3 };

// From now on the process ends with EXIT_CUT_DRAIN after so many seconds, whatever its threads wait
// for (a handler in a wait that cannot be cancelled), unless it has ended by itself. What was
// acknowledged is on disk already, as after a kill.
void drain_limit(unsigned seconds);

// A service for the tests of this folder; the service registry of these programs holds only it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/call.h"

// Operations: Echo (answers its input), Fail (returns Code, or fault 0 of the service for code 0),
// Nothing (no input and no output; its transaction faults when it is run in vain), Unbuilt (no
// handler).
struct fake_echo {
    struct str Text; // required, at most 8 characters without #
    struct opt_int Count;
    struct str QueueUrl;
};

struct fake_fail {
    struct opt_int Code;
};

// A second service, guest, shares its endpoint: the calls of Echo whose Text begins with "guest"
// are its, it needs their Count, and answers its own QueueUrl. "nobody": a guest that is not there.

enum fake_error { FAKE_BROKEN, FAKE_LOCKED };

// The members of FAKE_LOCKED, whose message is spelled "Message".
struct fake_locked {
    struct str Owner;
    struct opt_int Count;
};

// How many clouds have the service running; counted by init and fini.
int fake_running(void);
// The next one that starts subscribes this.
void fake_subscribe(struct event_subscriber *subscriber);

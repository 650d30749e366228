// Bugs on purpose, which the simulation has to find; in no program but its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

// `if (PLANT(LOST_WAKEUP))` is never true, and costs nothing, unless the file is compiled with
// -DC10M_PLANTS: tests/sim compiles the few files that hold one a second time, for a program that
// is told which bug it has.
enum plant {
    PLANT_NONE,
    PLANT_LOST_WAKEUP,     // a loop goes to sleep although a fiber was woken
    PLANT_EXPIRED_LEASE,   // a lease counts as held after its time
    PLANT_FORGOTTEN_TIMER, // an alarm that is set is not noted as the earliest
    PLANT_EARLY_OUTBOX,    // an event is delivered before the commit that causes it
    PLANT_STALE_CLAIM,     // a claim on a message is not checked when it is used
    PLANT_LEFT_FLIGHT,     // a message's flight stays behind, which no client sees
};

#ifdef C10M_PLANTS
extern enum plant plant_now;
#define PLANT(name) (plant_now == PLANT_##name)
#else
#define PLANT(name) 0
#endif

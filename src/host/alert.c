// A fiber parks until its watch or its alert says so.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/alert.h"

#include "src/task/fiber.h"

void
alert_raise(struct alert *a)
{
    atomic_store(&a->is_raised, true);
    fiber_wake(a->fiber);
}

// A look, not a wait. Each that has fired is asked, so that all begin anew.
static int
watches_look(struct kv_watch *watches, size_t count)
{
    int result = E_TIMEOUT;
    for (size_t i = 0; i < count; i++) {
        int code = watches[i].watches != NULL ? kv_watch_wait(&watches[i], 0) : E_TIMEOUT;
        if (code != E_TIMEOUT)
            result = code;
    }
    return result;
}

int
alert_wait(struct alert *a, struct runtime *rt, struct kv_watch *watches, size_t count,
           int64_t deadline_ns)
{
    for (;;) {
        // It may swallow a wake that was meant for the alert, which therefore is asked after it.
        int code = watches_look(watches, count);
        if (code != E_TIMEOUT)
            return code;
        if (atomic_exchange(&a->is_raised, false))
            return OK;
        if (clock_mono_ns(rt) >= deadline_ns)
            return E_TIMEOUT;
        code = fiber_park(deadline_ns, FIBER_CANCELLABLE);
        if (code == E_CANCELLED)
            return code;
    }
}

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

int
alert_wait(struct alert *a, struct runtime *rt, struct kv_watch *watch, int64_t deadline_ns)
{
    for (;;) {
        // A look, not a wait: it may swallow a wake that was meant for the alert, which therefore
        // is asked after it.
        int code = watch->watches != NULL ? kv_watch_wait(watch, 0) : E_TIMEOUT;
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

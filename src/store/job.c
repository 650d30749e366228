// Jobs: steady work on the store, each done by exactly one process.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/job.h"

#include <stdlib.h>

struct job {
    struct jobs_options options;
    const char *name;
    job_fn *fn;
    void *arg;
    struct lease lease;
};

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// OK: this process may work.
static int
right_get(struct job *j)
{
    if (!j->options.is_shared)
        return OK;
    if (lease_is_held(&j->lease) && clock_mono_ns(j->options.runtime) < lease_next_ns(&j->lease))
        return OK;
    int code = lease_try(&j->lease);
    return code != OK && lease_is_held(&j->lease) ? OK : code;
}

// Works until there is nothing left; requests come first, so it rests in between. Returns when to
// look again.
static int64_t
work(struct job *j, struct background_job *b)
{
    int64_t again_ns = DEADLINE_NEVER;
    int code = OK;
    while (code == OK && !background_is_stopping(b)) {
        int64_t began_ns = clock_mono_ns(j->options.runtime);
        code = right_get(j);
        if (code == E_EXISTS)
            return lease_next_ns(&j->lease);
        if (code == OK)
            code = j->fn(j, j->arg, &again_ns);
        if (code != OK)
            break;
        background_worked(b);
        code = fiber_sleep_until(background_rested_ns(b, began_ns));
    }
    if (code == OK || code == E_NOT_FOUND || code == E_CANCELLED)
        return again_ns;
    log_event(j->options.log, LOG_WARN, "job_put_off", "job=%s code=%s", j->name, code_name(code));
    return deadline_in_ms(j->options.runtime, JOB_AGAIN_MS);
}

static void
job_main(struct background_job *b, void *arg)
{
    struct job *j = arg;
    struct lot_ticket ticket;
    int code;
    do {
        background_enter(b, &ticket);
        int64_t again_ns = earlier(work(j, b), deadline_in_ms(j->options.runtime, JOB_LOOK_MS));
        if (j->options.is_shared)
            again_ns = earlier(again_ns, lease_next_ns(&j->lease));
        code = background_wait(b, &ticket, again_ns);
    } while (code != E_CANCELLED);
    lease_release(&j->lease);
    free(j);
}

void
job_start(const struct jobs_options *options, const char *name, job_fn *fn, void *arg)
{
    struct job *j = calloc(1, sizeof(*j));
    CHECK(j);
    *j = (struct job){.options = *options, .name = name, .fn = fn, .arg = arg};
    lease_init(&j->lease, options->runtime, options->kv, name);
    background_start(options->background, name, job_main, j);
}

void
job_wake(struct background *b, const char *name)
{
    background_wake(b, name);
}

int
job_check(const struct job *job, struct kv_txn *txn)
{
    return job->options.is_shared ? lease_check(&job->lease, txn) : OK;
}

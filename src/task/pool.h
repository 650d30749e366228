// The blocking pool: a few threads that may wait for the system.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

// Private to src/task; fiber.h has pool_run. Threads start when jobs wait and none is idle, up to
// the limit, and stay.
struct pool_job;
STAILQ_HEAD(pool_queue, pool_job);

struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t has_job;
    struct pool_queue jobs;
    pthread_t *threads;
    size_t thread_count;
    size_t thread_max;
    size_t idle_count; // threads that wait for a job
    size_t job_count;
    bool is_ending;
};

void pool_init(struct pool *p, size_t thread_max);
// Joins the threads; no job is left.
void pool_fini(struct pool *p);

// What moves messages out of a dead-letter queue: one transaction at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/queue.h>

#include "services/sqs/queue.h"
#include "src/store/head.h"
#include "src/store/job.h"

struct sqs;

// Messages moved by one transaction.
enum { MOVER_BATCH_MAX = 32, MOVER_NAME_MAX = 256 };

#define MOVE_RUNNING "RUNNING"
#define MOVE_COMPLETED "COMPLETED"
#define MOVE_CANCELLING "CANCELLING"
#define MOVE_CANCELLED "CANCELLED"
#define MOVE_FAILED "FAILED"

// One active task. Hints are in here, and what the task has done is in the store, changed by the
// same transactions that move the messages.
struct mover {
    LIST_ENTRY(mover) link; // the owner's
    struct sqs *sqs;
    char names[MOVER_NAME_MAX]; // what source borrows
    struct queue_name source;
    char task_id[MESSAGE_ID_BYTES];
    // Where a standard queue is read on: the index is full of tombstones before it.
    char generation[GENERATION_BYTES];
    struct head_entry after;
    size_t batch_max;
    int32_t per_second_max; // 0: as fast as it goes
    int64_t next_ns;        // when the next batch may go, monotonic
    bool is_to_look;        // at the task's record, also before that: it may have been cancelled
    bool is_ended;
};

void mover_init(struct mover *m, struct sqs *s, const struct queue_name *source,
                struct str task_id);
// Moves a batch when its time has come, else only looks at the task, in a transaction that the
// job's loss would undo. Sets is_ended. A task that cannot go on now is logged and put off. Else
// E_CANCELLED: the job went to another process.
MUST_USE int mover_step(struct mover *m, const struct job *job, struct arena *a);

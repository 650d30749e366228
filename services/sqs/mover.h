// The fibers that move messages out of dead-letter queues.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/queue.h"

struct sqs;

// Messages moved by one transaction.
enum { MOVER_BATCH_MAX = 32 };

#define MOVE_RUNNING "RUNNING"
#define MOVE_COMPLETED "COMPLETED"
#define MOVE_CANCELLING "CANCELLING"
#define MOVE_CANCELLED "CANCELLED"
#define MOVE_FAILED "FAILED"

// Moves what the task of this source asks for, from wherever it was left, until it has ended. One
// fiber per task: after the commit that made it, or at the start of c10m.
void mover_start(struct sqs *s, const struct queue_name *source, struct str task_id);
// Those of all tasks that were active when c10m last ended. From outside the loops.
MUST_USE int mover_start_all(struct sqs *s);

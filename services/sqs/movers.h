// The job that works on all move tasks of the store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct movers;
struct sqs;

struct movers *movers_new(struct sqs *s);
void movers_free(struct movers *ms); // after the background has stopped
// Begins with the tasks that were left by whoever had the job before.
void movers_start(struct movers *ms);
// A task was made or cancelled here. Another process's job sees it within a second.
void movers_wake(struct movers *ms);

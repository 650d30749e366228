// Queues of an older build, brought to today's records at the start.
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct sqs;

// Goes through all queues once, in the background.
void upgrade_start(struct sqs *s);

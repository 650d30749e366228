// What c10m does for queues without being asked: a fiber that cleans up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct sqs;

// Every so often, and when background_wake calls "sqs-keeper": deletes messages past their
// retention, and names that may be used again. In small transactions.
void keeper_start(struct sqs *s);

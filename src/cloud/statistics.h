// Metrics by CloudWatch's names: what services measure, as statistic sets a minute.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"
#include "src/task/background.h"

enum {
    METRIC_DIMENSIONS_MAX = 30,
    METRIC_KEY_BYTES_MAX = 4096,      // of all texts of a series; longer ones are not kept
    METRIC_SERIES_MAX = 100 * 1000,   // with something new at once; further ones are not kept
    STATISTICS_MINUTE_MS = 60 * 1000, // one set
    STATISTICS_KEPT_MS = 1296000000,  // 15 days, as CloudWatch keeps sets of a minute
};

struct metric_dimension {
    struct str name, value;
};

// Texts need not outlive the call that they are given to.
struct metric_series {
    struct str account, region;
    struct str name_space;                     // "AWS/SQS"
    struct str name;                           // "NumberOfMessagesSent"
    const struct metric_dimension *dimensions; // in the order of their names
    size_t dimension_count;
};

struct statistic_set {
    int64_t minute_ms; // its beginning, service clock
    double sample_count, sum, minimum, maximum;
};

// All series of a process, in memory until their minute is over, then in the store. A crash loses
// the minute that is under way. Any thread.
struct statistics;

struct statistics *statistics_new(struct runtime *rt, struct kv *kv, const struct log *log);
void statistics_free(struct statistics *s); // NULL is accepted
// Starts the fiber that writes what is over. One write a minute for each series that has something
// new, and none otherwise.
void statistics_start(struct statistics *s, struct background *b);
// Writes everything, the minute under way too. From outside the loops, while the store is open.
void statistics_end(struct statistics *s);

// Counts a value in the present minute of the service clock. The key is made
// in the arena. Does not wait.
void statistics_add(struct statistics *s, struct arena *arena, const struct metric_series *series,
                    double value);

// The sets of a series that begin in [from_ms, to_ms), in order, from the store: the first `max` of
// them. *out lives in the transaction's arena.
MUST_USE int statistics_read(struct kv_txn *txn, const struct metric_series *series,
                             int64_t from_ms, int64_t to_ms, size_t max, struct statistic_set **out,
                             size_t *count);
// The series of an account in a region whose namespace is name_space (absent: any), in order: the
// first `max` behind `after`, a key that an earlier call gave (absent: from the beginning).
struct metric_listing {
    struct metric_series *series;
    size_t count;
    struct str next; // absent: there are no more
};
MUST_USE int statistics_list(struct kv_txn *txn, struct str account, struct str region,
                             struct str name_space, struct str after, size_t max,
                             struct metric_listing *out);

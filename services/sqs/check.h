// What fsck remembers while it reads the keys of SQS. README.md lists the invariants.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/sqs/message.h"
#include "services/sqs/queue.h"
#include "src/base/omap.h"
#include "src/store/check.h"

// A queue whose record can be read; all of it lives as long as the check.
struct checked_queue {
    struct queue_name name;
    const char *text; // its name
    struct str generation;
    struct str data_key;
};

struct checking {
    struct arena arena;         // of one key at a time
    struct arena lasting;       // of the queues
    struct omap *by_generation; // struct checked_queue; of data and of what outlives a purge
    // The generation that is being read.
    char generation[GENERATION_BYTES];
    const struct checked_queue *queue; // NULL: it belongs to none
    int64_t count;
    int64_t bodies, places, groups, readies;
    struct omap *flights;   // ids of the messages whose entries say that they have one
    struct str slots_group; // whose slots are being read; in slots_group_bytes
    char slots_group_bytes[GROUP_ID_MAX];
    bool has_mended_groups; // whose new keys may or may not be seen by this reading
};

// Deletes or adds a key without a value that an index should not or should have.
MUST_USE int check_mend(struct check *c, struct str key, bool is_wanted);
MUST_USE int check_exists(struct check *c, struct checking *k, struct str key, bool *out);
// A record of the key. E_NOT_FOUND; E_INVALID: it cannot be read.
MUST_USE int check_record(struct check *c, struct checking *k, const struct record_type *type,
                          struct str key, void *out);

// Keys that have a generation second, in the order of the store (check_data.c). At the end, what is
// known of the last generation is looked at.
check_key_fn check_data_key;
MUST_USE int check_data_end(struct check *c, struct checking *k);

// Resources by ARN and by tag: one index of an account's region over all services.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/arn.h"
#include "src/store/index.h"
#include "src/store/tag.h"

// A service tells of its resource in the transaction that makes, tags or deletes it, and the tags
// stand nowhere else. So whoever lists what an account has, or what bears a tag, only reads.
//
// ("c10m", "resource", account, region, service, resource)             Resource: its tags
// ("c10m", "tagged", account, region, key, value, service, resource)   by tag
MUST_USE int resource_set(struct kv_txn *txn, const struct arn *arn,
                          const struct store_tag_list_record *tags);
MUST_USE int resource_del(struct kv_txn *txn, const struct arn *arn);
// E_NOT_FOUND.
MUST_USE int resource_get(struct kv_txn *txn, const struct arn *arn,
                          struct store_resource_record *out);

// Ranges for index_page_read, whose targets resource_parse reads. service absent: all of them;
// value absent: any.
extern const struct index *const resource_by_arn;
extern const struct index *const resource_by_tag;
void resource_range(struct arena *a, struct str account, struct str region, struct str service,
                    struct str *from, struct str *to);
void resource_tagged_range(struct arena *a, struct str account, struct str region, struct str key,
                           struct str value, struct str *from, struct str *to);
// The partition is "aws". E_INVALID: not the key of a resource.
MUST_USE int resource_parse(struct arena *a, struct str key, struct arn *out);

// For fsck: tags and resources agree. Whether a resource exists is its service's to say.
MUST_USE int resource_check(struct check *c);
// All keys of resources, of all accounts.
void resource_range_all(struct arena *a, struct str *from, struct str *to);

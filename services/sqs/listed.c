// Queues as resources of their account: by ARN, with their tags (src/store/resource.h).
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/listed.h"

// Since version 2 every queue is a resource, made in the same transaction.
int
sqs_queue_upgrade(uint8_t version, void *record, struct arena *arena)
{
    struct sqs_queue_record *r = record;
    if (version < 2)
        r->is_unlisted = OPT_BOOL(true);
    return OK;
}

struct arn
listed_arn(const struct queue_name *name)
{
    return (struct arn){STR("aws"), STR("sqs"), name->region, name->account, name->name};
}

int
listed_set(struct kv_txn *txn, const struct queue_name *name,
           const struct store_tag_list_record *tags)
{
    struct arn arn = listed_arn(name);
    return resource_set(txn, &arn, tags);
}

int
listed_del(struct kv_txn *txn, const struct queue_name *name)
{
    struct arn arn = listed_arn(name);
    return resource_del(txn, &arn);
}

static struct str
old_key(struct arena *a, const struct queue_name *name, const struct sqs_queue_record *record)
{
    struct place p = {name->account, name->region, record->generation};
    return key_tags(a, &p);
}

static int
old_tags(struct kv_txn *txn, const struct queue_name *name, const struct sqs_queue_record *record,
         struct store_tag_list_record *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct sqs_tags_record old = {0};
    int code =
        record_get(txn, &sqs_tags_record_type, old_key(a, name, record), KV_SERIALIZABLE, &old);
    if (code != OK)
        return code == E_NOT_FOUND ? OK : code;
    for (size_t i = 0; i < old.tags.count; i++)
        TRY(tag_list_put(a, out, old.tags.items[i].key, old.tags.items[i].value));
    return OK;
}

int
listed_tags(struct kv_txn *txn, const struct queue_name *name,
            const struct sqs_queue_record *record, struct store_tag_list_record *out)
{
    struct store_resource_record resource = {0};
    struct arn arn = listed_arn(name);
    *out = (struct store_tag_list_record){0};
    if (record->is_unlisted.value)
        return old_tags(txn, name, record, out);
    int code = resource_get(txn, &arn, &resource);
    *out = resource.tags;
    return code == E_NOT_FOUND ? OK : code;
}

int
listed_adopt(struct kv_txn *txn, const struct queue_name *name,
             const struct sqs_queue_record *record)
{
    struct store_tag_list_record tags = {0};
    TRY(old_tags(txn, name, record, &tags));
    TRY(listed_set(txn, name, &tags));
    return kv_del(txn, old_key(kv_txn_arena(txn), name, record));
}

// TagQueue, UntagQueue and ListQueueTags.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/tags.h"

#include "services/sqs/listed.h"

static int
tag_text_check(struct call *c, enum tag_problem problem, const char *what, int min, int max)
{
    switch (problem) {
    case TAG_FINE:
        return OK;
    case TAG_LENGTH:
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Tag %ss must be between %d and %d characters in length.", what, min, max);
    case TAG_CHARACTERS:
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Tag %ss can only contain Unicode letters, digits, white space and "
                     "_ . : / = + - @",
                     what);
    case TAG_RESERVED:
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Tag %ss must not begin with the reserved prefix aws:.", what);
    }
    CHECK(false);
}

int
tags_check(struct call *c, const struct sqs_tag_map *tags)
{
    for (size_t i = 0; i < tags->count; i++) {
        TRY(tag_text_check(c, tag_key_problem(tags->items[i].key), "key", 1, TAG_KEY_MAX));
        TRY(tag_text_check(c, tag_value_problem(tags->items[i].value), "value", 0, TAG_VALUE_MAX));
    }
    return OK;
}

int
tags_get(struct kv_txn *txn, const struct queue *q, struct store_tag_list_record *out)
{
    struct queue_name name = {q->place.account, q->place.region, q->name};
    return listed_tags(txn, &name, &q->record, out);
}

static int
tags_set(struct kv_txn *txn, const struct queue *q, const struct store_tag_list_record *tags)
{
    struct queue_name name = {q->place.account, q->place.region, q->name};
    if (q->record.is_unlisted.value)
        TRY(queue_set(txn, q)); // adopts it
    return listed_set(txn, &name, tags);
}

int
tags_add(struct call *c, struct kv_txn *txn, const struct queue *q, const struct sqs_tag_map *tags)
{
    struct store_tag_list_record all;
    TRY(tags_get(txn, q, &all));
    for (size_t i = 0; i < tags->count; i++)
        if (tag_list_put(kv_txn_arena(txn), &all, tags->items[i].key, tags->items[i].value) != OK)
            return fault(c, FAULT_INVALID_PARAMETER, "Too many tags added for queue " STR_FMT ".",
                         STR_ARG(q->name));
    return tags_set(txn, q, &all);
}

struct tag {
    struct call *c;
    const struct sqs_tag_queue_request *in;
};

static int
tag_body(struct kv_txn *txn, void *arg)
{
    struct tag *s = arg;
    struct queue queue;
    TRY(queue_get(s->c, txn, s->in->QueueUrl, &queue));
    return tags_add(s->c, txn, &queue, &s->in->Tags);
}

int
sqs_tag_queue(struct call *c, const struct sqs_tag_queue_request *in)
{
    if (in->Tags.count == 0)
        return fault(c, FAULT_MISSING_PARAMETER, "The request must contain the parameter Tags.");
    TRY(tags_check(c, &in->Tags));
    return kv_run(c->kv, c->arena, tag_body, &(struct tag){c, in});
}

struct untag {
    struct call *c;
    const struct sqs_untag_queue_request *in;
};

static int
untag_body(struct kv_txn *txn, void *arg)
{
    struct untag *s = arg;
    struct queue queue;
    struct store_tag_list_record tags;
    TRY(queue_get(s->c, txn, s->in->QueueUrl, &queue));
    TRY(tags_get(txn, &queue, &tags));
    for (size_t i = 0; i < s->in->TagKeys.count; i++)
        tag_list_del(&tags, s->in->TagKeys.items[i]);
    return tags_set(txn, &queue, &tags);
}

int
sqs_untag_queue(struct call *c, const struct sqs_untag_queue_request *in)
{
    if (in->TagKeys.count == 0)
        return fault(c, FAULT_MISSING_PARAMETER, "The request must contain the parameter TagKeys.");
    return kv_run(c->kv, c->arena, untag_body, &(struct untag){c, in});
}

struct list_tags {
    struct call *c;
    struct str url;
    struct store_tag_list_record tags;
};

static int
list_tags_body(struct kv_txn *txn, void *arg)
{
    struct list_tags *s = arg;
    struct queue queue;
    TRY(queue_get(s->c, txn, s->url, &queue));
    return tags_get(txn, &queue, &s->tags);
}

int
sqs_list_queue_tags(struct call *c, const struct sqs_list_queue_tags_request *in,
                    struct sqs_list_queue_tags_result *out)
{
    struct list_tags s = {.c = c, .url = in->QueueUrl};
    TRY(kv_run(c->kv, c->arena, list_tags_body, &s));
    size_t count = s.tags.count;
    // AWS leaves the member out when there are no tags.
    if (count == 0)
        return OK;
    out->Tags.items = arena_alloc_array(c->arena, count, sizeof(out->Tags.items[0]));
    for (size_t i = 0; i < count; i++) {
        out->Tags.items[i].key = s.tags.items[i].key;
        out->Tags.items[i].value = s.tags.items[i].value;
    }
    out->Tags.count = count;
    return OK;
}

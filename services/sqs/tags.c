// TagQueue, UntagQueue and ListQueueTags.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/tags.h"

#include "src/base/utf8.h"

// Letters and digits of any script, white space and _.:/=+-@
static bool
is_tag_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char ch = (unsigned char)text.ptr[i];
        bool is_letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch >= 0x80;
        bool is_digit = ch >= '0' && ch <= '9';
        if (!is_letter && !is_digit && ch != ' ' && ch != '\t' && ch != '\n' && ch != '\r' &&
            !(ch > ' ' && strchr("_.:/=+-@", ch)))
            return false;
    }
    return true;
}

static int
tag_text_check(struct call *c, struct str text, const char *what, size_t min, size_t max)
{
    size_t length = utf8_length(text);
    if (length < min || length > max)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Tag %ss must be between %zu and %zu characters in length.", what, min, max);
    if (!is_tag_text(text))
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Tag %ss can only contain Unicode letters, digits, white space and "
                     "_ . : / = + - @",
                     what);
    if (str_eq_nocase(str_slice(text, 0, 4), STR("aws:")))
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Tag %ss must not begin with the reserved prefix aws:.", what);
    return OK;
}

int
tags_check(struct call *c, const struct sqs_tag_map *tags)
{
    for (size_t i = 0; i < tags->count; i++) {
        TRY(tag_text_check(c, tags->items[i].key, "key", 1, TAG_KEY_MAX));
        TRY(tag_text_check(c, tags->items[i].value, "value", 0, TAG_VALUE_MAX));
    }
    return OK;
}

int
tags_get(struct kv_txn *txn, const struct queue *q, struct sqs_tags_record *out)
{
    *out = (struct sqs_tags_record){0};
    int code = record_get(txn, &sqs_tags_record_type, key_tags(kv_txn_arena(txn), &q->place),
                          KV_SERIALIZABLE, out);
    return code == E_NOT_FOUND ? OK : code;
}

static int
tags_set(struct kv_txn *txn, const struct queue *q, const struct sqs_tags_record *record)
{
    struct str key = key_tags(kv_txn_arena(txn), &q->place);
    if (record->tags.count == 0)
        return kv_del(txn, key);
    return record_set(txn, &sqs_tags_record_type, key, record);
}

static struct sqs_tag_record *
tag_find(const struct sqs_tag_list_record *list, struct str key)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->items[i].key, key))
            return &list->items[i];
    return NULL;
}

int
tags_add(struct call *c, struct kv_txn *txn, const struct queue *q, const struct sqs_tag_map *tags)
{
    struct sqs_tags_record record;
    struct sqs_tag_list_record all = {0};
    TRY(tags_get(txn, q, &record));
    size_t room = record.tags.count + tags->count;
    all.items = arena_alloc_array(kv_txn_arena(txn), room, sizeof(all.items[0]));
    for (; all.count < record.tags.count; all.count++)
        all.items[all.count] = record.tags.items[all.count];
    for (size_t i = 0; i < tags->count; i++) {
        struct sqs_tag_record *tag = tag_find(&all, tags->items[i].key);
        if (!tag)
            tag = &all.items[all.count++];
        *tag = (struct sqs_tag_record){tags->items[i].key, tags->items[i].value};
    }
    if (all.count > TAGS_MAX)
        return fault(c, FAULT_INVALID_PARAMETER, "Too many tags added for queue " STR_FMT ".",
                     STR_ARG(q->name));
    record.tags = all;
    return tags_set(txn, q, &record);
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
    struct sqs_tags_record record;
    TRY(queue_get(s->c, txn, s->in->QueueUrl, &queue));
    TRY(tags_get(txn, &queue, &record));
    // Keys that the queue does not have are no error.
    for (size_t i = 0; i < s->in->TagKeys.count; i++) {
        struct sqs_tag_record *tag = tag_find(&record.tags, s->in->TagKeys.items[i]);
        if (tag)
            *tag = record.tags.items[--record.tags.count];
    }
    return tags_set(txn, &queue, &record);
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
    struct sqs_tags_record record;
};

static int
list_tags_body(struct kv_txn *txn, void *arg)
{
    struct list_tags *s = arg;
    struct queue queue;
    TRY(queue_get(s->c, txn, s->url, &queue));
    return tags_get(txn, &queue, &s->record);
}

int
sqs_list_queue_tags(struct call *c, const struct sqs_list_queue_tags_request *in,
                    struct sqs_list_queue_tags_result *out)
{
    struct list_tags s = {.c = c, .url = in->QueueUrl};
    TRY(kv_run(c->kv, c->arena, list_tags_body, &s));
    size_t count = s.record.tags.count;
    // AWS leaves the member out when there are no tags.
    if (count == 0)
        return OK;
    out->Tags.items = arena_alloc_array(c->arena, count, sizeof(out->Tags.items[0]));
    for (size_t i = 0; i < count; i++) {
        out->Tags.items[i].key = s.record.tags.items[i].key;
        out->Tags.items[i].value = s.record.tags.items[i].value;
    }
    out->Tags.count = count;
    return OK;
}

// The heads of queues, as src/store/head.h keeps them: their index, and what SQS remembers beside.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/due.h"

#include <stdlib.h>

#include "services/sqs/sqs_records.h"

_Static_assert(sizeof(struct message_id) == HEAD_ID_BYTES, "an entry holds the id of a message");

static void
state_fini(void *arg)
{
    struct due_state *s = arg;
    free(s->shares);
}

static bool
is_noisy(const void *arg, int32_t share)
{
    const struct due_state *s = arg;
    return s->shares && shares_is_noisy(s->shares, share);
}

static void
pass_time(void *arg, int64_t now_ms)
{
    struct due_state *s = arg;
    if (s->shares)
        shares_now(s->shares, now_ms);
}

static uint32_t
rank_of(const void *arg, int32_t share)
{
    const struct due_state *s = arg;
    return s->shares ? shares_in_flight(s->shares, share) : 0;
}

struct heads *
due_heads_new(void)
{
    return heads_new(&(struct heads_options){.state_bytes = sizeof(struct due_state),
                                             .state_fini = state_fini,
                                             .is_aside = is_noisy,
                                             .pass_time = pass_time,
                                             .aside_rank = rank_of});
}

struct head_entry
due_entry(int64_t due_ms, const struct message_id *id, int32_t share)
{
    struct head_entry e = {.due_ms = due_ms, .share = share};
    memcpy(e.id, id->bytes, MESSAGE_ID_BYTES);
    return e;
}

const struct message_id *
due_id(const struct head_entry *e)
{
    return (const struct message_id *)e->id;
}

static void
index_range(const void *arg, struct arena *a, const struct head_entry *after, int64_t until_ms,
            struct str *from, struct str *to)
{
    const struct place *p = arg;
    struct str rest;
    bool is_start = after->due_ms == 0;
    key_due_range(a, p, after->due_ms, is_start ? NULL : due_id(after), from, to);
    if (until_ms < INT64_MAX)
        key_due_range(a, p, until_ms + 1, NULL, to, &rest);
}

static int
index_parse(const void *arg, struct arena *a, struct str key, struct str value,
            struct head_entry *out)
{
    struct sqs_delivery_record delivery;
    struct message_id id;
    int64_t due_ms;
    (void)arg;
    TRY(key_due_parse(a, key, &due_ms, &id));
    TRY(record_decode(&sqs_delivery_record_type, value, a, &delivery));
    *out = due_entry(due_ms, &id, delivery.share.value);
    return OK;
}

struct head_index
due_index(const struct place *p)
{
    return (struct head_index){index_range, index_parse, p};
}

void
due_share_add(struct head *h, int32_t share, int64_t now_ms)
{
    if (share == 0)
        return;
    struct due_state *s = head_lock(h);
    if (!s->shares) {
        s->shares = calloc(1, sizeof(*s->shares));
        CHECK(s->shares);
        s->shares->halved_ms = now_ms;
    }
    shares_add(s->shares, share, now_ms);
    head_unlock(h);
}

void
due_share_remove(struct head *h, int32_t share, int64_t now_ms)
{
    if (share == 0)
        return;
    struct due_state *s = head_lock(h);
    if (s->shares)
        shares_remove(s->shares, share, now_ms);
    head_unlock(h);
}

bool
due_shares_get(struct head *h, int64_t now_ms, struct shares *out)
{
    const struct due_state *s = head_lock(h);
    bool has_shares = s->shares != NULL;
    if (has_shares)
        *out = *s->shares;
    head_unlock(h);
    if (has_shares)
        shares_now(out, now_ms);
    return has_shares;
}

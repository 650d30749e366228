// What the clients of SQS have seen, and what must therefore hold.
// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/task/sim/sim.h"
#include "tests/sim/failure.h"

enum { CLOCK_NS = 1000000 }; // times in the store are whole milliseconds

size_t
model_add(struct model *m, unsigned queue, unsigned group)
{
    CHECK(m->count < MODEL_MESSAGES_MAX);
    m->messages[m->count] =
        (struct model_message){.queue = (uint8_t)queue, .group = (uint8_t)group};
    return m->count++;
}

void
model_body(size_t number, char out[MODEL_BODY_BYTES])
{
    snprintf(out, MODEL_BODY_BYTES, "message-%zu", number);
}

static void
note_id(struct model_message *msg, size_t number, struct str id)
{
    if (!str_is_present(id))
        return;
    if (*msg->id == 0)
        snprintf(msg->id, sizeof(msg->id), STR_FMT, STR_ARG(id));
    if (!str_eq(str_of(msg->id), id))
        failure("duplicate: message-%zu is %s and also " STR_FMT, number, msg->id, STR_ARG(id));
}

void
model_sent(struct model *m, size_t number, enum sent how, struct str id)
{
    struct model_message *msg = &m->messages[number];
    if (how > msg->sent)
        msg->sent = how;
    m->sent += how == SENT_SURELY;
    // Without deduplication each try is a message of its own.
    if (m->is_fifo[msg->queue] || how == SENT_SURELY)
        note_id(msg, number, id);
}

static bool
is_among(const struct model_receive *r, size_t number)
{
    for (size_t i = 0; i < r->first_count; i++)
        if (r->first[i] == number)
            return true;
    return false;
}

// Earlier ones of the group are gone, may be gone, or stand before it in the same answer.
static void
check_order(const struct model *m, const struct model_receive *r, size_t number)
{
    const struct model_message *msg = &m->messages[number];
    for (size_t i = 0; i < number; i++) {
        const struct model_message *earlier = &m->messages[i];
        if (earlier->queue != msg->queue || earlier->group != msg->group ||
            earlier->sent != SENT_SURELY || earlier->is_delete_asked || is_among(r, i))
            continue;
        failure("order: message-%zu of group %u came before message-%zu", number, msg->group, i);
    }
}

static size_t
number_of(const struct model *m, struct str body)
{
    int64_t number = -1;
    struct str prefix = STR("message-");
    if (!str_starts(body, prefix) ||
        str_to_int64(str_slice(body, prefix.len, body.len), &number) != OK || number < 0 ||
        (size_t)number >= m->count)
        failure("foreign: \"" STR_FMT "\" was never sent", STR_ARG(body));
    return (size_t)number;
}

size_t
model_received(struct model *m, const struct model_receive *r, struct str body, struct str id)
{
    size_t number = number_of(m, body);
    struct model_message *msg = &m->messages[number];
    if (msg->sent == SENT_NEVER || msg->queue != r->queue)
        failure("foreign: message-%zu came from queue %u", number, r->queue);
    note_id(msg, number, id);
    if (msg->deleted_ns != 0 && msg->deleted_ns < r->asked_ns)
        failure("deleted: message-%zu came again after its delete", number);
    if (msg->taken_ns < r->asked_ns && r->answered_ns + CLOCK_NS < msg->hidden_until_ns)
        failure("visibility: message-%zu came while it was hidden for another %lld ms", number,
                (long long)(msg->hidden_until_ns - r->answered_ns) / 1000000);
    if (m->is_fifo[r->queue])
        check_order(m, r, number);
    msg->received++;
    m->received++;
    msg->taken_ns = r->answered_ns;
    msg->hidden_until_ns = r->asked_ns + r->hidden_ns;
    return number;
}

void
model_delete_asked(struct model *m, size_t number)
{
    m->messages[number].is_delete_asked = true;
}

void
model_deleted(struct model *m, size_t number, int64_t answered_ns, bool was_hidden)
{
    struct model_message *msg = &m->messages[number];
    if (!was_hidden || msg->deleted_ns != 0)
        return;
    msg->deleted_ns = answered_ns;
    m->deleted++;
}

void
model_shown_asked(struct model *m, size_t number)
{
    m->messages[number].hidden_until_ns = 0;
}

void
model_shown(struct model *m, size_t number, int64_t asked_ns, int64_t hidden_ns)
{
    m->messages[number].hidden_until_ns = asked_ns + hidden_ns;
}

static bool
is_due(const struct model_message *msg)
{
    return msg->sent == SENT_SURELY && !msg->is_delete_asked;
}

size_t
model_left(const struct model *m, unsigned queue)
{
    size_t left = 0;
    for (size_t i = 0; i < m->count; i++)
        left += m->messages[i].queue == queue && is_due(&m->messages[i]);
    return left;
}

void
model_check_end(const struct model *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (is_due(&m->messages[i]))
            failure("lost: message-%zu of queue %u was acknowledged, and received %u times, but "
                    "it does not come (any more)",
                    i, m->messages[i].queue, m->messages[i].received);
}

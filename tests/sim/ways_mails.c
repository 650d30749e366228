// Events of the outbox, under simulation: none early, none lost, and whoever waits is woken.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "tests/sim/failure.h"
#include "tests/sim/ways.h"

enum { SOURCES = 3, WAIT_MS = 5000, FULL_MS_MAX = 3000 };

static const struct str lot_key = {"mail", 4};

struct sending {
    struct ways_node *node;
    unsigned number;
};

// Maybe more than once, and in another process than the one that sent it.
int
ways_deliver(void *arg, const struct outbox_event *event)
{
    struct ways_node *n = arg;
    int64_t number;
    CHECK(str_to_int64(event->payload, &number) == OK);
    struct ways_mail *mail = &n->model->mails[number];
    mail->was_announced = true;
    if (mail->sent == OUTCOME_NO)
        failure("early: mail %u was announced, and never sent", (unsigned)number);
    if (n->inbox_count == WAYS_MAILS_MAX)
        return E_LIMIT; // readers are slow: again later
    if (n->inbox_count == 0)
        n->inbox_full_ns = sim_now_ns();
    n->inbox[n->inbox_count++] = (unsigned)number;
    lot_wake(n->lot, lot_key, 1);
    return sim_chance(20) ? E_TIMEOUT : OK;
}

bool
ways_mails_done(const struct ways_model *m)
{
    for (unsigned i = 0; i < m->mail_count; i++)
        if (m->mails[i].sent == OUTCOME_YES && !m->mails[i].was_announced)
            return false;
    return true;
}

static int
send_body(struct kv_txn *txn, void *arg)
{
    struct sending *s = arg;
    struct arena *a = kv_txn_arena(txn);
    struct str source = arena_print(a, "%u", s->number % SOURCES);
    TRY(outbox_add(s->node->outbox, txn, "mail", source, arena_print(a, "%u", s->number)));
    return kv_set(txn, ways_key(a, "mail", s->number), STR(""));
}

void
ways_send(struct ways_node *n, struct arena *a)
{
    struct ways_model *m = n->model;
    if (m->mail_count == WAYS_MAILS_MAX)
        return;
    struct sending *s = ARENA_NEW(a, struct sending);
    *s = (struct sending){n, m->mail_count++};
    struct ways_mail *mail = &m->mails[s->number];
    mail->sent = ways_run(n, a, send_body, s);
    bool may_be_there = mail->sent == OUTCOME_YES || mail->sent == OUTCOME_MAYBE;
    if (mail->was_announced && (!may_be_there || (mail->sent == OUTCOME_YES && mail->was_missing)))
        failure("early: mail %u was announced before its commit", s->number);
    ways_pause(n, 1500);
}

static int
look_body(struct kv_txn *txn, void *arg)
{
    struct sending *s = arg;
    struct str value;
    TRY(kv_get(txn, ways_key(kv_txn_arena(txn), "mail", s->number), KV_SERIALIZABLE, &value));
    return str_is_present(value) ? OK : E_NOT_FOUND;
}

static void
look_at(struct ways_node *n, struct arena *a, unsigned number)
{
    struct ways_mail *mail = &n->model->mails[number];
    int code = kv_run(n->kv, a, look_body, &(struct sending){n, number});
    if (code == E_NOT_FOUND)
        mail->was_missing = true;
    if (code == E_NOT_FOUND && mail->sent == OUTCOME_YES)
        failure("early: mail %u was announced before its commit", number);
}

static bool
take(struct ways_node *n, unsigned *out)
{
    if (n->inbox_count == 0)
        return false;
    *out = n->inbox[--n->inbox_count];
    n->inbox_full_ns = sim_now_ns();
    return true;
}

// Some readers give up early, so that wakes meant for them must go to others.
void
ways_read(struct ways_node *n, struct arena *a)
{
    struct lot_ticket ticket;
    unsigned number;
    int64_t began_ns = sim_now_ns();
    int64_t wait_ms = sim_chance(3) ? (int64_t)sim_random(50) : WAIT_MS;
    lot_enter(n->lot, lot_key, &ticket);
    bool is_there = take(n, &number);
    int code = is_there ? OK : lot_wait(&ticket, deadline_in_ms(n->runtime, wait_ms));
    bool is_woken = !is_there && code == OK;
    if (is_woken && !sim_chance(8))
        is_there = take(n, &number);
    lot_leave(&ticket, is_woken && (is_there || n->inbox_count == 0));
    int64_t since_ns = n->inbox_full_ns > began_ns ? n->inbox_full_ns : began_ns;
    if (code == E_TIMEOUT && n->inbox_count > 0 &&
        sim_now_ns() - since_ns > FULL_MS_MAX * INT64_C(1000000))
        failure("lost wake-up: a reader waited beside %zu mails", n->inbox_count);
    if (is_there)
        look_at(n, a, number);
}

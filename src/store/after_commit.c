// What a transaction wants to be done when it has committed.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/txn.h"

struct after_commit {
    struct after_commit *next;
    void (*fn)(void *arg);
    void *arg;
};

void
kv_after_commit(struct kv_txn *txn, void (*fn)(void *arg), void *arg)
{
    struct after_commit **end = &txn->after;
    for (; *end != NULL; end = &(*end)->next)
        if ((*end)->fn == fn && (*end)->arg == arg)
            return;
    *end = ARENA_NEW(txn->arena, struct after_commit);
    **end = (struct after_commit){.fn = fn, .arg = arg};
    txn_hold(txn);
}

void
after_commit_run(const struct kv_txn *txn)
{
    for (const struct after_commit *a = txn->after; a != NULL; a = a->next)
        a->fn(a->arg);
}

uint32_t
kv_txn_number(struct kv_txn *txn)
{
    return txn->numbers++;
}

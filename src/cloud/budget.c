// Counts requests and bytes.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/budget.h"

bool
budget_take(struct budget *b, size_t body_bytes)
{
    size_t bytes = body_bytes + BUDGET_REQUEST_BYTES;
    size_t requests_before = atomic_fetch_add(&b->requests, 1);
    size_t bytes_before = atomic_fetch_add(&b->bytes, bytes);
    if (requests_before == 0 ||
        (requests_before < b->requests_max && bytes_before + bytes <= b->bytes_max))
        return true;
    budget_give(b, body_bytes);
    atomic_fetch_add(&b->refused, 1);
    return false;
}

void
budget_give(struct budget *b, size_t body_bytes)
{
    atomic_fetch_sub(&b->requests, 1);
    atomic_fetch_sub(&b->bytes, body_bytes + BUDGET_REQUEST_BYTES);
}

void
budget_begin_wait(struct budget *b)
{
    atomic_fetch_add(&b->waiting, 1);
    atomic_fetch_sub(&b->requests, 1);
}

void
budget_end_wait(struct budget *b)
{
    atomic_fetch_add(&b->requests, 1);
    atomic_fetch_sub(&b->waiting, 1);
}

bool
budget_take_bytes(struct budget *b, size_t bytes)
{
    if (atomic_fetch_add(&b->bytes, bytes) + bytes <= b->bytes_max)
        return true;
    budget_give_bytes(b, bytes);
    atomic_fetch_add(&b->refused, 1);
    return false;
}

void
budget_give_bytes(struct budget *b, size_t bytes)
{
    atomic_fetch_sub(&b->bytes, bytes);
}

// The generic cell rate algorithm, without locks.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/rates.h"

#include <stdio.h>

#include "src/cloud/service.h"

enum { PROBES_MAX = 8 };

static const int64_t second_ns = INT64_C(1000000000);

// Knuth's multiplicative hash, which spreads the low bits that differ.
static uint64_t
mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
}

// The slot of a key, or -1.
static int
find_slot(struct rate_slots *table, uint64_t key)
{
    size_t first = mix(0, key) >> 32;
    for (size_t i = 0; i < PROBES_MAX; i++) {
        size_t at = (first + i) % RATES_SLOTS;
        uint_fast64_t held = 0;
        if (atomic_compare_exchange_strong(&table->slots[at].key, &held, key) || held == key)
            return (int)at;
    }
    return -1;
}

static bool
take(struct rate_slots *table, uint64_t key, int per_second, int64_t now_ns)
{
    int slot = find_slot(table, key);
    if (slot < 0)
        return true;
    int_fast64_t before = atomic_load(&table->slots[slot].earliest_ns), after;
    do {
        after = (before > now_ns ? before : now_ns) + second_ns / per_second;
        if (after - now_ns > RATES_BURST_S * second_ns)
            return false;
    } while (!atomic_compare_exchange_weak(&table->slots[slot].earliest_ns, &before, after));
    return true;
}

// 0: it is no account's number, as of an anonymous caller.
static uint64_t
account_key(struct str account)
{
    int64_t number;
    return str_to_int64(account, &number) == OK && number >= 0 ? (uint64_t)number + 1 : 0;
}

bool
rates_take(struct rates *r, struct str account, int64_t now_ns)
{
    uint64_t key = r->per_second > 0 ? account_key(account) : 0;
    return key == 0 || take(&r->accounts, key, r->per_second, now_ns);
}

static const struct operation_rate *
find_operation(const struct rates *r, const struct wire_operation *operation)
{
    for (size_t i = 0; i < r->operation_count; i++)
        if (r->operations[i].operation == operation)
            return &r->operations[i];
    return NULL;
}

bool
rates_take_operation(struct rates *r, struct str account, struct str region,
                     const struct wire_operation *operation, int64_t now_ns)
{
    const struct operation_rate *rate = find_operation(r, operation);
    uint64_t key = rate != NULL ? account_key(account) : 0;
    if (key == 0)
        return true;
    key = mix(key, (uint64_t)(rate - r->operations) + 1);
    for (size_t i = 0; i < region.len; i++)
        key = mix(key, (unsigned char)region.ptr[i]);
    return take(&r->account_operations, key | 1, rate->per_second, now_ns);
}

static const struct wire_operation *
operation_named(struct str service, struct str operation)
{
    for (size_t i = 0; service_registry[i] != NULL; i++)
        if (str_eq(service, str_of(service_registry[i]->wire->name)))
            return wire_operation_find(service_registry[i]->wire, operation);
    return NULL;
}

int
rates_add_operation(struct rates *r, const char *text, char *problem, size_t problem_size)
{
    struct str name, rate, service, operation = {0};
    int64_t number = 0;
    const struct wire_operation *found = NULL;
    bool is_text = str_cut(str_of(text), '=', &name, &rate) &&
                   str_cut(name, ':', &service, &operation) && str_to_int64(rate, &number) == OK;
    if (is_text)
        found = operation_named(service, operation);
    if (found == NULL || number < 1 || number > RATES_PER_SECOND_MAX) {
        snprintf(problem, problem_size,
                 "--operation-rate %s: SERVICE:OPERATION=N is wanted, such as "
                 "sqs:SendMessage=100, with a number from 1 to %d",
                 text, RATES_PER_SECOND_MAX);
        return E_INVALID;
    }
    r->operations[r->operation_count++] = (struct operation_rate){found, (int)number};
    return OK;
}

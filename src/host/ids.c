// Rows of user ids, a bit each.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/ids.h"

#include <string.h>

#include "src/base/str.h"

enum { WORD_BITS = 64 };

void
ids_init(struct ids *ids)
{
    memset(ids->used, 0, sizeof(ids->used));
    CHECK(pthread_mutex_init(&ids->mutex, NULL) == 0);
}

void
ids_fini(struct ids *ids)
{
    pthread_mutex_destroy(&ids->mutex);
}

int
ids_take(struct ids *ids, int32_t *out)
{
    int code = E_LIMIT;
    pthread_mutex_lock(&ids->mutex);
    for (size_t i = 0; code != OK && i < COUNT_OF(ids->used); i++) {
        if (ids->used[i] == UINT64_MAX)
            continue;
        int bit = __builtin_ctzll(~ids->used[i]);
        ids->used[i] |= UINT64_C(1) << bit;
        *out = (int32_t)(i * WORD_BITS) + bit;
        code = OK;
    }
    pthread_mutex_unlock(&ids->mutex);
    return code;
}

static void
set(struct ids *ids, int32_t row, bool is_used)
{
    if (row < 0)
        return;
    CHECK(row < HOST_GUESTS_MAX);
    uint64_t *word = &ids->used[row / WORD_BITS], bit = UINT64_C(1) << (row % WORD_BITS);
    pthread_mutex_lock(&ids->mutex);
    *word = is_used ? *word | bit : *word & ~bit;
    pthread_mutex_unlock(&ids->mutex);
}

void
ids_mark(struct ids *ids, int32_t row)
{
    set(ids, row, true);
}

void
ids_give(struct ids *ids, int32_t row)
{
    set(ids, row, false);
}

// The lifetime of what SQS keeps in memory.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/sqs.h"

#include <stdlib.h>

#include "services/sqs/sqs_api.h"

int
sqs_init(struct cloud *cloud, void **state)
{
    struct sqs *s = calloc(1, sizeof(*s));
    CHECK(s);
    s->heads = heads_new();
    s->receivers = lot_new();
    *state = s;
    return OK;
}

void
sqs_fini(void *state)
{
    struct sqs *s = state;
    lot_free(s->receivers);
    heads_free(s->heads);
    free(s);
}

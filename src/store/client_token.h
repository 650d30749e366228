// Client tokens: a request that is sent again has the same answer, and no second effect.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/alarm.h"

// In the transaction of the operation:
//     code = client_token_find(txn, &token, &answer);
//     OK: done before; answer it again. E_EXISTS: IdempotentParameterMismatch.
//     E_NOT_FOUND: do it, then client_token_set(alarms, txn, &token, answer, until_ms).
struct client_token {
    struct str account;
    struct str region;
    struct str operation;  // "ec2:RunInstances"
    struct str token;      // as the client chose it
    struct str parameters; // all that makes the request this one; only a digest is kept
};

#define CLIENT_TOKEN_SERVICE "client-token"
enum { CLIENT_TOKEN_BYTES_MAX = 1024 };

// *answer is in the arena. E_EXISTS: the token came with other parameters.
MUST_USE int client_token_find(struct kv_txn *txn, const struct client_token *t,
                               struct str *answer);
// Kept until the service clock says until_ms; AWS's services say how long. E_LIMIT: the token is
// longer than CLIENT_TOKEN_BYTES_MAX.
MUST_USE int client_token_set(struct alarms *as, struct kv_txn *txn, const struct client_token *t,
                              struct str answer, int64_t until_ms);
// Once, before alarms_start: forgets them when they are due.
void client_tokens_handle(struct alarms *as);

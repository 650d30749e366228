// Client tokens: a request that is sent again has the same answer, and no second effect.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/client_token.h"

#include "src/base/digest.h"
#include "src/store/tuple.h"

// ("c10m", "client-token", account, region, operation, token)    SHA-256 of the parameters, answer

static struct str
token_key(struct arena *a, const struct client_token *t)
{
    struct tuple key;
    tuple_init(&key, a);
    tuple_add_str(&key, STR("c10m"));
    tuple_add_str(&key, STR("client-token"));
    tuple_add_str(&key, t->account);
    tuple_add_str(&key, t->region);
    tuple_add_str(&key, t->operation);
    tuple_add_str(&key, t->token);
    return tuple_key(&key);
}

int
client_token_find(struct kv_txn *txn, const struct client_token *t, struct str *answer)
{
    struct str value;
    struct sha256 digest = sha256_of(t->parameters);
    TRY(kv_get(txn, token_key(kv_txn_arena(txn), t), KV_SERIALIZABLE, &value));
    if (!str_is_present(value))
        return E_NOT_FOUND;
    if (value.len < SHA256_BYTES)
        return E_IO;
    if (memcmp(value.ptr, digest.bytes, SHA256_BYTES) != 0)
        return E_EXISTS;
    *answer = str_slice(value, SHA256_BYTES, value.len);
    return OK;
}

int
client_token_set(struct alarms *as, struct kv_txn *txn, const struct client_token *t,
                 struct str answer, int64_t until_ms)
{
    struct arena *a = kv_txn_arena(txn);
    struct sha256 digest = sha256_of(t->parameters);
    struct str key = token_key(a, t);
    struct buf value;
    if (t->token.len > CLIENT_TOKEN_BYTES_MAX)
        return E_LIMIT;
    buf_init(&value, a, SHA256_BYTES + answer.len);
    buf_put(&value, (struct str){(const char *)digest.bytes, SHA256_BYTES});
    buf_put(&value, answer);
    TRY(kv_set(txn, key, buf_str(&value)));
    return alarm_set(as, txn, &(struct alarm){STR(CLIENT_TOKEN_SERVICE), key, until_ms});
}

static int
forget(void *arg, struct kv_txn *txn, const struct alarm *alarm)
{
    return kv_del(txn, alarm->id);
}

void
client_tokens_handle(struct alarms *as)
{
    alarms_handle(as, CLIENT_TOKEN_SERVICE, forget, NULL);
}

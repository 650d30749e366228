// Root keys in a list, and the development keys.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "src/base/buf.h"

enum { ROOT_ARN_SIZE_HINT = 40 };

struct root_key {
    char account[ACCOUNT_DIGITS];
    char access_key[ACCESS_KEY_BYTES_MAX];
    char secret[SECRET_BYTES_MAX];
    size_t access_key_bytes, secret_bytes;
    SLIST_ENTRY(root_key) link;
};

struct key_ring {
    bool has_development_keys;
    size_t count;
    SLIST_HEAD(, root_key) keys;
};

static const struct root_key *
find(const struct key_ring *ring, struct str access_key)
{
    const struct root_key *k;
    SLIST_FOREACH(k, &ring->keys, link)
    if (str_eq((struct str){k->access_key, k->access_key_bytes}, access_key))
        return k;
    return NULL;
}

// As IAM's accessKeyIdType: word characters. It stands between slashes in every signature.
static bool
is_access_key(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], lower = (char)(c | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return s.len > 0 && s.len <= ACCESS_KEY_BYTES_MAX;
}

static bool
is_secret(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    return s.len > 0 && s.len <= SECRET_BYTES_MAX;
}

static void
add(struct key_ring *ring, struct str account, struct str access_key, struct str secret)
{
    struct root_key *k = calloc(1, sizeof(*k));
    CHECK(k != NULL);
    memcpy(k->account, account.ptr, ACCOUNT_DIGITS);
    memcpy(k->access_key, access_key.ptr, access_key.len);
    memcpy(k->secret, secret.ptr, secret.len);
    k->access_key_bytes = access_key.len;
    k->secret_bytes = secret.len;
    SLIST_INSERT_HEAD(&ring->keys, k, link);
    ring->count++;
}

static struct credential
credential_of(struct arena *arena, struct str account, struct str access_key, struct str secret)
{
    struct credential c = {.secret = secret, .principal = principal_root(arena, account)};
    c.principal.access_key = access_key;
    return c;
}

bool
account_is_valid(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len == ACCOUNT_DIGITS;
}

static struct str
root_arn(struct arena *arena, struct str account)
{
    struct buf out;
    buf_init(&out, arena, ROOT_ARN_SIZE_HINT);
    buf_put(&out, STR("arn:aws:iam::"));
    buf_put(&out, account);
    buf_put(&out, STR(":root"));
    return buf_str(&out);
}

struct principal
principal_root(struct arena *arena, struct str account)
{
    return (struct principal){
        .kind = PRINCIPAL_ROOT,
        .account = account,
        .arn = root_arn(arena, account),
        .user_id = account,
    };
}

struct key_ring *
key_ring_new(bool has_development_keys)
{
    struct key_ring *ring = calloc(1, sizeof(*ring));
    CHECK(ring != NULL);
    ring->has_development_keys = has_development_keys;
    return ring;
}

void
key_ring_free(struct key_ring *ring)
{
    if (ring == NULL)
        return;
    while (!SLIST_EMPTY(&ring->keys)) {
        struct root_key *k = SLIST_FIRST(&ring->keys);
        SLIST_REMOVE_HEAD(&ring->keys, link);
        explicit_bzero(k, sizeof(*k));
        free(k);
    }
    free(ring);
}

int
key_ring_add(struct key_ring *ring, struct str text, char *problem, size_t problem_size)
{
    struct str account, key, secret;
    bool has_all = str_cut(text, ':', &account, &text) && str_cut(text, ':', &key, &secret);
    if (!has_all || !account_is_valid(account) || !is_access_key(key) || !is_secret(secret)) {
        snprintf(problem, problem_size,
                 "a root key is ACCOUNT:KEY:SECRET: twelve digits, letters and digits, and a text "
                 "without spaces");
        return E_INVALID;
    }
    if (find(ring, key) != NULL) {
        snprintf(problem, problem_size, "the root key " STR_FMT " is given twice", STR_ARG(key));
        return E_EXISTS;
    }
    if (ring->count == ROOT_KEYS_MAX) {
        snprintf(problem, problem_size, "there are more than %d root keys", ROOT_KEYS_MAX);
        return E_LIMIT;
    }
    add(ring, account, key, secret);
    return OK;
}

int
key_ring_add_lines(struct key_ring *ring, struct str text, char *problem, size_t problem_size)
{
    struct str line;
    while (str_is_present(text)) {
        str_cut(text, '\n', &line, &text);
        line = str_trim(line);
        if (line.len > 0 && line.ptr[0] != '#')
            TRY(key_ring_add(ring, line, problem, problem_size));
    }
    return OK;
}

bool
key_ring_is_empty(const struct key_ring *ring)
{
    return ring->count == 0 && !ring->has_development_keys;
}

int
credential_find(const struct key_ring *ring, struct arena *arena, struct str access_key,
                struct credential *out)
{
    struct str key = arena_copy(arena, access_key);
    const struct root_key *k = find(ring, key);
    if (k != NULL)
        *out = credential_of(arena, (struct str){k->account, ACCOUNT_DIGITS}, key,
                             (struct str){k->secret, k->secret_bytes});
    else if (ring->has_development_keys && str_eq(key, STR("test")))
        *out = credential_of(arena, STR("000000000000"), key, STR("test"));
    else if (ring->has_development_keys && account_is_valid(key))
        *out = credential_of(arena, key, key, STR("test"));
    else
        return E_NOT_FOUND;
    return OK;
}

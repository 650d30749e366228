// The development keys.
// SPDX-License-Identifier: Apache-2.0
#include "src/auth/credentials.h"

enum { ACCOUNT_DIGITS = 12 };

static bool
is_account(struct str s)
{
    if (s.len != ACCOUNT_DIGITS)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return true;
}

static struct principal
root_of(struct arena *arena, struct str account, struct str access_key)
{
    return (struct principal){
        .kind = PRINCIPAL_ROOT,
        .account = account,
        .arn = arena_print(arena, "arn:aws:iam::" STR_FMT ":root", STR_ARG(account)),
        .user_id = account,
        .access_key = access_key,
    };
}

int
credential_find(struct arena *arena, struct str access_key, struct credential *out)
{
    struct str key = arena_copy(arena, access_key);
    if (str_eq(key, STR("test")))
        out->principal = root_of(arena, STR("000000000000"), key);
    else if (is_account(key))
        out->principal = root_of(arena, key, key);
    else
        return E_NOT_FOUND;
    out->secret = STR("test");
    return OK;
}

// Units as records in the store.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/unit.h"

#include "src/store/tuple.h"

// Key: ("host", "unit", kind, name). Value: a tuple of the fields in this order, after its version.
enum { UNIT_VERSION = 1 };

static void
key_begin(struct tuple *t, struct arena *arena)
{
    tuple_init(t, arena);
    tuple_add_str(t, STR("host"));
    tuple_add_str(t, STR("unit"));
}

struct str
unit_key(struct arena *arena, struct str kind, struct str name)
{
    struct tuple t;
    key_begin(&t, arena);
    tuple_add_str(&t, kind);
    tuple_add_str(&t, name);
    return tuple_key(&t);
}

const char *
unit_state_name(enum unit_state state)
{
    static const char *const names[] = {
        [UNIT_PENDING] = "pending", [UNIT_UP] = "up",         [UNIT_DOWN] = "down",
        [UNIT_ENDED] = "ended",     [UNIT_FAILED] = "failed",
    };
    return names[state];
}

static int
unit_set(struct kv_txn *txn, const struct unit *u)
{
    struct arena *a = kv_txn_arena(txn);
    struct tuple t;
    tuple_init(&t, a);
    const int64_t numbers[] = {UNIT_VERSION, u->desired,  u->restarts,   u->state,
                               u->failures,  u->retry_ms, u->changed_ms, u->want_version};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        tuple_add_int(&t, numbers[i]);
    tuple_add_str(&t, u->problem);
    tuple_add_str(&t, u->boot);
    tuple_add_str(&t, u->spec);
    return kv_set(txn, unit_key(a, u->kind, u->name), tuple_key(&t));
}

static int
value_read(struct tuple_reader *r, struct unit *out)
{
    int64_t version, desired, restarts, state;
    TRY(tuple_read_int(r, &version));
    if (version != UNIT_VERSION)
        return version > UNIT_VERSION ? E_NEWER : E_IO;
    TRY(tuple_read_int(r, &desired));
    TRY(tuple_read_int(r, &restarts));
    TRY(tuple_read_int(r, &state));
    TRY(tuple_read_int(r, &out->failures));
    TRY(tuple_read_int(r, &out->retry_ms));
    TRY(tuple_read_int(r, &out->changed_ms));
    TRY(tuple_read_int(r, &out->want_version));
    TRY(tuple_read_str(r, &out->problem));
    TRY(tuple_read_str(r, &out->boot));
    TRY(tuple_read_str(r, &out->spec));
    out->desired = (enum unit_desired)desired;
    out->restarts = restarts != 0;
    out->state = (enum unit_state)state;
    return desired <= UNIT_GONE && state <= UNIT_FAILED ? OK : E_IO;
}

int
unit_get(struct kv_txn *txn, struct str kind, struct str name, struct unit *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct str value;
    struct tuple_reader r;
    *out = (struct unit){.kind = kind, .name = name};
    TRY(kv_get(txn, unit_key(a, kind, name), KV_SERIALIZABLE, &value));
    if (!str_is_present(value))
        return E_NOT_FOUND;
    tuple_reader_init(&r, a, value);
    int code = value_read(&r, out);
    return code == E_NOT_FOUND || code == E_INVALID ? E_IO : code;
}

int
unit_want(struct kv_txn *txn, const struct unit_wish *wish)
{
    struct unit u;
    CHECK(host_name_is_valid(wish->name));
    if (wish->spec.len > UNIT_SPEC_BYTES_MAX)
        return E_LIMIT;
    int code = unit_get(txn, wish->kind, wish->name, &u);
    if (code == E_NOT_FOUND && wish->desired == UNIT_GONE)
        return OK;
    if (code != OK && code != E_NOT_FOUND)
        return code;
    u.desired = wish->desired;
    u.restarts = wish->restarts;
    u.want_version++;
    // A new wish is tried at once.
    u.failures = u.retry_ms = 0;
    if (str_is_present(wish->spec))
        u.spec = wish->spec;
    return unit_set(txn, &u);
}

int
unit_found(struct kv_txn *txn, const struct unit *u)
{
    struct unit now;
    int code = unit_get(txn, u->kind, u->name, &now);
    if (code == E_NOT_FOUND || (code == OK && now.want_version != u->want_version))
        return E_CONFLICT;
    TRY(code);
    return unit_set(txn, u);
}

int
unit_forget(struct kv_txn *txn, const struct unit *u)
{
    struct unit now;
    int code = unit_get(txn, u->kind, u->name, &now);
    if (code == E_NOT_FOUND)
        return OK;
    TRY(code);
    if (now.want_version != u->want_version)
        return E_CONFLICT;
    return kv_del(txn, unit_key(kv_txn_arena(txn), u->kind, u->name));
}

static int
id_read(struct arena *arena, struct str key, struct unit_id *out)
{
    struct tuple_reader r;
    struct str host, unit;
    tuple_reader_init(&r, arena, key);
    TRY(tuple_read_str(&r, &host));
    TRY(tuple_read_str(&r, &unit));
    TRY(tuple_read_str(&r, &out->kind));
    return tuple_read_str(&r, &out->name);
}

// The first key that is greater.
static struct str
key_after(struct arena *arena, struct str key)
{
    struct buf out;
    buf_init(&out, arena, key.len + 1);
    buf_put(&out, key);
    buf_put_char(&out, '\0');
    return buf_str(&out);
}

int
unit_list(struct kv_txn *txn, const struct unit_id *after, struct unit_id *out, size_t limit,
          size_t *count)
{
    struct arena *a = kv_txn_arena(txn);
    struct tuple t;
    struct kv_range range = {.limit = limit, .read = KV_SNAPSHOT};
    struct kv_iter *it;
    struct str key, value;
    int code;
    key_begin(&t, a);
    tuple_range(&t, a, &range.from, &range.to);
    if (after != NULL)
        range.from = key_after(a, unit_key(a, after->kind, after->name));
    TRY(kv_range_open(txn, &range, &it));
    for (*count = 0; *count < limit; (*count)++) {
        code = kv_iter_next(it, &key, &value);
        if (code == OK)
            code = id_read(a, key, &out[*count]);
        if (code != OK)
            break;
    }
    kv_iter_close(it);
    if (*count == limit)
        return OK;
    return code == E_NOT_FOUND && *count > 0 ? OK : code;
}

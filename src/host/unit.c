// Units as records in the store.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/unit.h"

#include "src/host/host_records.h"
#include "src/store/tuple.h"

// Key: ("host", "unit", kind, name). Value: the record Unit.

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

struct str
unit_root(struct arena *arena)
{
    struct tuple t;
    key_begin(&t, arena);
    return tuple_key(&t);
}

const char *
unit_state_name(enum unit_state state)
{
    static const char *const names[] = {
        [UNIT_PENDING] = "pending", [UNIT_UP] = "up",         [UNIT_DOWN] = "down",
        [UNIT_ENDED] = "ended",     [UNIT_FAILED] = "failed", [UNIT_STOPPING] = "stopping",
    };
    return names[state];
}

// What a spec is sealed for: the unit that it is of.
static const struct str purpose = {"unit spec", 9};

int
unit_seal(const struct seal *seal, const struct unit_id *id, struct str spec, struct arena *arena,
          struct str *out)
{
    if (spec.len > UNIT_SPEC_BYTES_MAX)
        return E_LIMIT;
    *out = seal_encode(seal, purpose, unit_key(arena, id->kind, id->name), spec, arena);
    return OK;
}

int
unit_spec(const struct seal *seal, const struct unit_id *id, const struct record_type *type,
          const void *record, struct arena *arena, struct str *out)
{
    struct buf plain;
    buf_init(&plain, arena, 256);
    record_encode(type, record, &plain);
    return unit_seal(seal, id, buf_str(&plain), arena, out);
}

int
unit_open(const struct seal *seal, struct unit *u, struct arena *arena)
{
    const struct unit_id id = {u->kind, u->name};
    if (str_is_present(u->sealed))
        return seal_decode(seal, purpose, unit_key(arena, u->kind, u->name), u->sealed, arena,
                           &u->spec);
    return str_is_present(u->spec) ? unit_seal(seal, &id, u->spec, arena, &u->sealed) : OK;
}

static int
unit_set(struct kv_txn *txn, const struct unit *u)
{
    struct host_unit_id_record needs[UNIT_NEEDS_MAX];
    for (size_t i = 0; i < u->need_count; i++)
        needs[i] = (struct host_unit_id_record){u->needs[i].kind, u->needs[i].name};
    struct host_unit_record r = {
        .desired = {u->desired, true},
        .restarts = {u->restarts, true},
        .want_version = {u->want_version, true},
        .sealed = u->sealed,
        .spec = str_is_present(u->sealed) ? (struct str){0} : u->spec,
        .needs = {needs, u->need_count},
        .state = {u->state, true},
        .problem = u->problem,
        .changed_ms = {u->changed_ms, true},
        .boot = u->boot,
        .failures = {u->failures, true},
        .retry_ms = {u->retry_ms, true},
        .applied_version = {u->applied_version, true},
        .ids_row = {u->ids_row, true},
        .zone = u->zone,
        .applied_zones = {u->applied_zones, true},
    };
    return record_set(txn, &host_unit_record_type, unit_key(kv_txn_arena(txn), u->kind, u->name),
                      &r);
}

static int
unit_of_record(const struct host_unit_record *r, struct unit *out)
{
    if (r->desired.value < 0 || r->desired.value > UNIT_GONE || r->state.value < 0 ||
        r->state.value > UNIT_STOPPING || r->needs.count > UNIT_NEEDS_MAX)
        return E_IO;
    out->desired = (enum unit_desired)r->desired.value;
    out->restarts = r->restarts.value;
    out->want_version = r->want_version.value;
    out->sealed = r->sealed;
    out->spec = r->spec; // of an older c10m
    for (size_t i = 0; i < r->needs.count; i++)
        out->needs[i] = (struct unit_id){r->needs.items[i].kind, r->needs.items[i].name};
    out->need_count = r->needs.count;
    out->state = (enum unit_state)r->state.value;
    out->problem = r->problem;
    out->changed_ms = r->changed_ms.value;
    out->boot = r->boot;
    out->failures = r->failures.value;
    out->retry_ms = r->retry_ms.value;
    out->applied_version = r->applied_version.value;
    out->ids_row = r->ids_row.value;
    out->zone = r->zone;
    out->applied_zones = r->applied_zones.value;
    return OK;
}

int
unit_get(struct kv_txn *txn, struct str kind, struct str name, struct unit *out)
{
    struct host_unit_record r = {0};
    *out = (struct unit){.kind = kind, .name = name, .ids_row = -1};
    TRY(record_get(txn, &host_unit_record_type, unit_key(kv_txn_arena(txn), kind, name),
                   KV_SERIALIZABLE, &r));
    return unit_of_record(&r, out);
}

int
unit_want(struct kv_txn *txn, const struct unit_wish *wish)
{
    struct unit u;
    CHECK(host_name_is_valid(wish->name) && wish->kind.len <= UNIT_KIND_MAX);
    CHECK(!str_is_present(wish->zone) || zone_name_is_valid(wish->zone));
    if (wish->spec.len > UNIT_SPEC_BYTES_MAX + SEAL_EXTRA_BYTES ||
        wish->need_count > UNIT_NEEDS_MAX)
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
    if (wish->desired != UNIT_GONE) {
        if (str_is_present(wish->spec))
            u.sealed = wish->spec;
        if (str_is_present(wish->zone))
            u.zone = wish->zone;
        u.need_count = wish->need_count;
        for (size_t i = 0; i < wish->need_count; i++)
            u.needs[i] = wish->needs[i];
    }
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

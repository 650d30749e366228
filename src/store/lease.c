// Leases: which of several processes on one store may do a thing.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/lease.h"

#include "src/base/plant.h"
#include "src/store/tuple.h"

enum { NS_PER_MS = 1000000 };

struct lease_record {
    struct str holder;
    int64_t term;
    int64_t beat;
};

static struct str
lease_key(const struct lease *l, struct arena *a)
{
    struct tuple t = tuple_shared(a, "lease");
    tuple_add_str(&t, str_of(l->name));
    return tuple_key(&t);
}

static struct str
holder_of(const struct lease *l)
{
    return (struct str){l->holder, LEASE_HOLDER_BYTES};
}

// The holder of a lease that was released: nobody. The record stays, so that terms go on growing.
static const char nobody[LEASE_HOLDER_BYTES];

// E_NOT_FOUND: it was never held. E_IO: broken.
static int
record_read(const struct lease *l, struct kv_txn *txn, struct lease_record *out)
{
    struct arena *a = kv_txn_arena(txn);
    struct tuple_reader r;
    struct str value;
    TRY(kv_get(txn, lease_key(l, a), KV_SERIALIZABLE, &value));
    if (!str_is_present(value))
        return E_NOT_FOUND;
    tuple_reader_init(&r, a, value);
    if (tuple_read_fixed(&r, LEASE_HOLDER_BYTES, &out->holder) != OK ||
        tuple_read_int(&r, &out->term) != OK || tuple_read_int(&r, &out->beat) != OK)
        return E_IO;
    return OK;
}

static int
record_write(const struct lease *l, struct kv_txn *txn, struct str holder, int64_t term,
             int64_t beat)
{
    struct tuple t;
    tuple_init(&t, kv_txn_arena(txn));
    tuple_add_fixed(&t, holder);
    tuple_add_int(&t, term);
    tuple_add_int(&t, beat);
    return kv_set(txn, lease_key(l, kv_txn_arena(txn)), tuple_key(&t));
}

struct trying {
    struct lease *lease;
    int64_t began_ns;
    int64_t term; // 0: it is not ours
    struct lease_record other;
};

static bool
is_unchanged(const struct lease *l, const struct lease_record *r)
{
    return l->seen.since_ns != 0 && l->seen.term == r->term && l->seen.beat == r->beat &&
           memcmp(l->seen.holder, r->holder.ptr, LEASE_HOLDER_BYTES) == 0;
}

static int
try_body(struct kv_txn *txn, void *arg)
{
    struct trying *t = arg;
    const struct lease *l = t->lease;
    struct lease_record r = {0};
    t->term = 0;
    int code = record_read(l, txn, &r);
    if (code != OK && code != E_NOT_FOUND)
        return code;
    bool is_ours = code == OK && str_eq(r.holder, holder_of(l));
    bool is_expired = code == OK && is_unchanged(l, &r) &&
                      t->began_ns - l->seen.since_ns >= l->lease_ms * NS_PER_MS;
    bool is_free = code == E_NOT_FOUND || memcmp(r.holder.ptr, nobody, sizeof(nobody)) == 0;
    if (!is_ours && !is_free && !is_expired) {
        t->other = r;
        return OK;
    }
    t->term = is_ours ? r.term : r.term + 1;
    return record_write(l, txn, holder_of(l), t->term, r.beat + 1);
}

static void
other_note(struct lease *l, const struct trying *t)
{
    if (is_unchanged(l, &t->other))
        return;
    memcpy(l->seen.holder, t->other.holder.ptr, LEASE_HOLDER_BYTES);
    l->seen.term = t->other.term;
    l->seen.beat = t->other.beat;
    l->seen.since_ns = clock_mono_ns(l->runtime);
}

void
lease_init(struct lease *l, struct runtime *rt, struct kv *kv, const char *name)
{
    *l = (struct lease){.kv = kv, .runtime = rt, .name = name, .lease_ms = LEASE_MS};
    random_bytes(rt, l->holder, LEASE_HOLDER_BYTES);
}

int
lease_try(struct lease *l)
{
    struct arena arena;
    struct trying t = {.lease = l, .began_ns = clock_mono_ns(l->runtime)};
    arena_init(&arena);
    int code = kv_run(l->kv, &arena, try_body, &t);
    if (code == OK && t.term == 0)
        other_note(l, &t);
    arena_fini(&arena);
    // A commit whose outcome is not known is tried again, as long as the last one known holds.
    TRY(code);
    l->is_held = t.term != 0;
    l->term = t.term;
    l->renewed_ns = t.began_ns;
    return l->is_held ? OK : E_EXISTS;
}

bool
lease_is_held(const struct lease *l)
{
    int64_t margin_ms = LEASE_MARGIN_MS * l->lease_ms / LEASE_MS;
    int64_t age_ns = clock_mono_ns(l->runtime) - l->renewed_ns;
    if (PLANT(EXPIRED_LEASE))
        return l->is_held;
    return l->is_held && age_ns < (l->lease_ms - margin_ms) * NS_PER_MS;
}

int64_t
lease_next_ns(const struct lease *l)
{
    int64_t every_ms = LEASE_RENEW_MS * l->lease_ms / LEASE_MS;
    int64_t since_ns = l->is_held ? l->renewed_ns : clock_mono_ns(l->runtime);
    return since_ns + every_ms * NS_PER_MS;
}

int
lease_check(const struct lease *l, struct kv_txn *txn)
{
    struct lease_record r;
    int code = record_read(l, txn, &r);
    if (code == E_NOT_FOUND)
        return E_CANCELLED;
    TRY(code);
    return str_eq(r.holder, holder_of(l)) && r.term == l->term ? OK : E_CANCELLED;
}

static int
release_body(struct kv_txn *txn, void *arg)
{
    const struct lease *l = arg;
    int code = lease_check(l, txn);
    if (code != OK)
        return code == E_CANCELLED ? OK : code;
    return record_write(l, txn, (struct str){nobody, sizeof(nobody)}, l->term, 0);
}

void
lease_release(struct lease *l)
{
    struct arena arena;
    if (!l->is_held)
        return;
    l->is_held = false;
    arena_init(&arena);
    int code = kv_run(l->kv, &arena, release_body, l);
    (void)code; // it expires
    arena_fini(&arena);
}

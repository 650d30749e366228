// The store of a simulation. The linker brings here what kv.c and committer.c ask of mem.c, batch.c
// and live.c (--wrap, see meson.build).
// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/store.h"

#include <pthread.h>
#include <stdlib.h>

#include "src/store/batch.h"
#include "src/task/sim/sim.h"

enum { WRITTEN_MAX = 64 };

// Several committers share one batch, as several c10m's share a database: nothing of it waits
// between a batch_add and its batch_write, so each writes only its own.
struct store {
    struct backend front; // what clouds get
    struct backend *behind;
    struct batch *batch; // while there are users
    uint64_t version;    // that a new batch begins with
    struct user *users;
    struct open_snapshot *snapshots;
    struct sim_store_faults faults;
    uint64_t commits;
    bool is_filling; // something was added to the batch since the last write
    bool is_writing;
    struct str written[WRITTEN_MAX]; // keys of the write under way
    size_t written_count;
    struct arena written_arena;
};

// A kv of one cloud.
struct user {
    struct sim_hook hook;
    struct sim_process *process;
    const struct live *live;
    struct watches *watches;
    pthread_t listener; // hears of the others' writes
    bool is_notified, is_ending;
    struct user *next;
};

// What a killed process held of the store.
struct open_snapshot {
    struct backend_snapshot *snapshot;
    struct sim_process *process;
    struct open_snapshot *next;
};

static struct store store;

struct backend *__wrap_mem_open(const struct kv_options *options);
struct backend *__real_mem_open(const struct kv_options *options);
struct batch *__wrap_batch_new(struct runtime *rt, struct backend *b, const struct live *live,
                               struct watches *watches, struct read_cache *read_cache);
struct batch *__real_batch_new(struct runtime *rt, struct backend *b, const struct live *live,
                               struct watches *watches, struct read_cache *read_cache);
void __wrap_watches_fire(struct watches *w, const struct str *keys, size_t n);
void __real_watches_fire(struct watches *w, const struct str *keys, size_t n);
void __wrap_batch_free(struct batch *b);
void __real_batch_free(struct batch *b);
int __wrap_batch_add(struct batch *b, struct commit *c);
int __real_batch_add(struct batch *b, struct commit *c);
int __wrap_batch_write(struct batch *b);
int __real_batch_write(struct batch *b);
void __wrap_batch_prune(struct batch *b);
void __real_batch_prune(struct batch *b);
uint64_t __wrap_live_oldest(const struct live *l);
uint64_t __real_live_oldest(const struct live *l);

// -- the back end that clouds see

static void
front_close(struct backend *b)
{
}

static uint64_t
front_version(struct backend *b)
{
    return store.version;
}

static int
front_snapshot_new(struct backend *b, uint64_t *version, struct backend_snapshot **out)
{
    sim_outside_begin();
    struct open_snapshot *open = calloc(1, sizeof(*open));
    CHECK(open);
    CHECK(store.behind->ops->snapshot_new(store.behind, version, &open->snapshot) == OK);
    open->process = sim_process_self();
    open->next = store.snapshots;
    store.snapshots = open;
    *out = open->snapshot;
    sim_outside_end();
    return OK;
}

static void
forget_snapshot(struct open_snapshot **at)
{
    struct open_snapshot *open = *at;
    *at = open->next;
    store.behind->ops->snapshot_free(store.behind, open->snapshot);
    free(open);
}

static void
front_snapshot_free(struct backend *b, struct backend_snapshot *s)
{
    struct open_snapshot **at = &store.snapshots;
    sim_outside_begin();
    while ((*at)->snapshot != s)
        at = &(*at)->next;
    forget_snapshot(at);
    sim_outside_end();
}

static int
front_get(struct backend *b, struct backend_snapshot *s, struct str key, struct arena *arena,
          struct str *out)
{
    return store.behind->ops->get(store.behind, s, key, arena, out);
}

static int
front_get_many(struct backend *b, struct backend_snapshot *s, const struct str *keys, size_t n,
               struct arena *arena, struct str *out)
{
    return store.behind->ops->get_many(store.behind, s, keys, n, arena, out);
}

static struct backend_iter *
front_iter_open(struct backend *b, struct backend_snapshot *s, struct str from, struct str to,
                bool is_reverse, struct arena *arena)
{
    return store.behind->ops->iter_open(store.behind, s, from, to, is_reverse, arena);
}

static bool
front_has_room(struct backend *b, size_t bytes, bool is_growth)
{
    return !is_growth || !sim_chance(store.faults.full_one_in);
}

static void
front_batch_put(struct backend *b, struct str key, struct str value)
{
    store.behind->ops->batch_put(store.behind, key, value);
}

static void
front_batch_del(struct backend *b, struct str key)
{
    store.behind->ops->batch_del(store.behind, key);
}

static int
front_batch_write(struct backend *b, uint64_t version)
{
    CHECK(store.behind->ops->batch_write(store.behind, version) == OK);
    store.version = version;
    return OK;
}

static struct backend_ops front_ops;

void
sim_store_open(void)
{
    store = (struct store){0};
    arena_init(&store.written_arena);
    store.behind = __real_mem_open(&(struct kv_options){0});
    front_ops = *store.behind->ops; // iterators belong to the one behind
    front_ops.close = front_close;
    front_ops.version = front_version;
    front_ops.snapshot_new = front_snapshot_new;
    front_ops.snapshot_free = front_snapshot_free;
    front_ops.get = front_get;
    front_ops.get_many = front_get_many;
    front_ops.iter_open = front_iter_open;
    front_ops.has_room = front_has_room;
    front_ops.batch_put = front_batch_put;
    front_ops.batch_del = front_batch_del;
    front_ops.batch_write = front_batch_write;
    store.front.ops = &front_ops;
}

void
sim_store_close(void)
{
    CHECK(!store.users && !store.snapshots);
    store.behind->ops->close(store.behind);
    arena_fini(&store.written_arena);
}

void
sim_store_set_faults(const struct sim_store_faults *faults)
{
    store.faults = *faults;
}

uint64_t
sim_store_commits(void)
{
    return store.commits;
}

struct backend *
__wrap_mem_open(const struct kv_options *options)
{
    return &store.front;
}

// -- users

static void
user_leave(void *arg)
{
    struct user *u = arg;
    sim_outside_begin();
    for (struct open_snapshot **at = &store.snapshots; *at;) {
        if ((*at)->process == u->process)
            forget_snapshot(at);
        else
            at = &(*at)->next;
    }
    struct user **at = &store.users;
    while (*at && *at != u)
        at = &(*at)->next;
    CHECK(*at || !u->live);
    if (*at)
        *at = u->next;
    if (!store.users && store.batch) {
        __real_batch_free(store.batch);
        store.batch = NULL;
    }
    free(u);
    sim_outside_end();
}

static void *
listen_for_writes(void *arg)
{
    struct user *u = arg;
    while (!u->is_ending) {
        if (!u->is_notified)
            (void)sim_wait(u, INT64_MAX);
        bool is_notified = u->is_notified;
        u->is_notified = false;
        if (is_notified && !u->is_ending)
            watches_fire_all(u->watches);
    }
    return NULL;
}

struct batch *
__wrap_batch_new(struct runtime *rt, struct backend *b, const struct live *live,
                 struct watches *watches, struct read_cache *read_cache)
{
    CHECK(read_cache == NULL); // the batch is everybody's
    sim_outside_begin();
    struct user *u = calloc(1, sizeof(*u));
    CHECK(u);
    u->process = sim_process_self();
    u->live = live;
    u->watches = watches;
    u->hook = (struct sim_hook){.fn = user_leave, .arg = u};
    sim_process_on_end(u->process, &u->hook);
    u->next = store.users;
    store.users = u;
    if (!store.batch)
        store.batch = __real_batch_new(rt, b, live, watches, read_cache);
    sim_outside_end();
    CHECK(pthread_create(&u->listener, NULL, listen_for_writes, u) == 0);
    return store.batch;
}

static struct user *
user_self(void)
{
    struct user *u = store.users;
    while (u && u->process != sim_process_self())
        u = u->next;
    return u;
}

// An orderly end: its reads are over. The rest waits for the end of the process.
void
__wrap_batch_free(struct batch *b)
{
    struct user *u = user_self();
    u->live = NULL;
    u->is_ending = true;
    sim_wake_all(u);
    CHECK(pthread_join(u->listener, NULL) == 0);
}

uint64_t
__wrap_live_oldest(const struct live *l)
{
    uint64_t oldest = UINT64_MAX;
    for (const struct user *u = store.users; u; u = u->next) {
        uint64_t its = u->live ? __real_live_oldest(u->live) : UINT64_MAX;
        oldest = its < oldest ? its : oldest;
    }
    return oldest;
}

// -- commits, and what goes wrong with them

static void
disk_delay(void)
{
    if (sim_chance(store.faults.delay_one_in))
        sim_sleep_ns((int64_t)sim_random((uint64_t)store.faults.delay_ns_max));
}

static int
refuse(struct commit *c, int code)
{
    sim_trace("commit %s", code_name(code));
    c->code = code;
    return OK;
}

int
__wrap_batch_add(struct batch *b, struct commit *c)
{
    if (!store.is_filling) {
        disk_delay(); // before anything of this batch is added, so nothing waits in between
        if (sim_chance(store.faults.kill_before_one_in))
            sim_process_kill(sim_process_self());
    }
    if (sim_chance(store.faults.conflict_one_in))
        return refuse(c, E_CONFLICT);
    bool is_unknown = sim_chance(store.faults.unknown_one_in);
    if (is_unknown && sim_chance(2))
        return refuse(c, E_UNKNOWN);
    sim_outside_begin();
    int code = __real_batch_add(b, c);
    store.is_filling = true;
    sim_outside_end();
    store.commits += code == OK && c->code == OK;
    if (code == OK && c->code == OK && is_unknown)
        return refuse(c, E_UNKNOWN);
    return code;
}

// Within batch_write: it must not wait there, and the batch may be another cloud's by name. So the
// keys are kept until it is over.
void
__wrap_watches_fire(struct watches *w, const struct str *keys, size_t n)
{
    if (!store.is_writing) {
        __real_watches_fire(w, keys, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct str key = arena_copy(&store.written_arena, keys[i]);
        store.written[store.written_count++ % WRITTEN_MAX] = key;
    }
}

// A watch is a hint, and what passes WRITTEN_MAX is told as if all had changed. The others hear
// that there was a write, not of what.
static void
fire_watches(void)
{
    struct arena arena;
    struct str keys[WRITTEN_MAX];
    size_t n = store.written_count < WRITTEN_MAX ? store.written_count : WRITTEN_MAX;
    arena_init(&arena);
    for (size_t i = 0; i < n; i++)
        keys[i] = arena_copy(&arena, store.written[i]);
    bool is_cut = store.written_count > WRITTEN_MAX;
    store.written_count = 0;
    arena_reset(&store.written_arena);
    struct user *self = user_self();
    if (is_cut)
        watches_fire_all(self->watches);
    else
        __real_watches_fire(self->watches, keys, n);
    for (struct user *u = store.users; u; u = u->next) {
        u->is_notified = u->is_notified || u != self;
        sim_wake_all(u);
    }
    arena_fini(&arena);
}

int
__wrap_batch_write(struct batch *b)
{
    sim_outside_begin();
    store.is_writing = true;
    int code = __real_batch_write(b);
    store.is_writing = store.is_filling = false;
    sim_outside_end();
    if (code != OK)
        return code;
    sim_trace("wrote %llu", (unsigned long long)store.version);
    if (sim_chance(store.faults.kill_after_one_in))
        sim_process_kill(sim_process_self());
    fire_watches();
    disk_delay();
    return OK;
}

void
__wrap_batch_prune(struct batch *b)
{
    sim_outside_begin();
    __real_batch_prune(b);
    sim_outside_end();
}

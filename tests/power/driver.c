// What the power and crash rings run: a store that tells what it has acknowledged.
// SPDX-License-Identifier: Apache-2.0

// driver run DIR FIRST COUNT WRITERS BACKUP-DIR
//     works through COUNT numbers from FIRST on, with so many writers at once, and writes a line to
//     descriptor 9 before and after each change (see store_check). BACKUP-DIR "-": no backup; else
//     "P 0" and "p 0" stand around it.
// driver check DIR [pairs]
//     opens DIR, and compares with such lines on standard input; with "pairs" all but blobs
// driver lose DIR HEX
//     deletes what begins with those bytes, as a bug would, and prints how many keys that were
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/encoding.h"
#include "tests/power/store.h"

enum { MARK_FD = 9, EXIT_USAGE = 2, PREFIX_BYTES_MAX = 64 };

struct run {
    struct store store;
    unsigned first, end, writers; // numbers [first, end)
    unsigned next, live;
    const char *backup_dir;
};

static void
mark(char what, unsigned number)
{
    char line[32];
    int len = snprintf(line, sizeof(line), "%c %u\n", what, number);
    CHECK(write(MARK_FD, line, (size_t)len) == len);
}

static void
change(struct step *s, char what, kv_body_fn *body)
{
    mark((char)(what - 'a' + 'A'), s->number);
    CHECK(kv_run(s->store->kv, &s->arena, body, s) == OK);
    mark(what, s->number);
}

static void
write_blob(struct step *s)
{
    struct blob_new blob;
    struct blob_put *p;
    CHECK(blob_put_begin(s->store->blobs, &p) == OK);
    CHECK(blob_put_write(p, pattern(&s->arena, s->number, blob_bytes(s->number))) == OK);
    CHECK(blob_put_commit(p, &s->arena, &blob) == OK);
    s->blob = &blob;
    change(s, 'b', blob_link_body);
    if (s->number % 3 != 0)
        return;
    size_t collected;
    // Not what others have written and not linked yet.
    int64_t now_ms = clock_wall_ms(s->store->runtime) + 1;
    s->id = blob.id;
    change(s, 'u', blob_unlink_body);
    CHECK(blob_collect(s->store->blobs, now_ms, BLOB_COLLECT_MAX, &collected) == OK);
}

static void
work_once(struct step *s)
{
    change(s, 's', pair_set_body);
    if (s->number % 4 == 0)
        change(s, 'd', pair_del_body);
    if (s->number % 5 == 0)
        write_blob(s);
    if (s->number % 9 == 0)
        change(s, 'k', box_add_body);
    if (s->number % 18 == 0)
        change(s, 'x', box_del_body);
}

static void
writer(void *arg)
{
    struct run *r = arg;
    struct step s = {.store = &r->store};
    arena_init(&s.arena);
    while (r->next < r->end) {
        s.number = r->next++;
        work_once(&s);
        arena_reset(&s.arena);
    }
    arena_fini(&s.arena);
    r->live--;
}

// What stands beside the store belongs to a backup too; here it is the key alone.
static void
back_up(void *arg)
{
    struct run *r = arg;
    char problem[512] = "";
    while (r->next < r->first + (r->end - r->first) / 2)
        fiber_yield();
    mark('P', 0);
    int code = kv_backup(r->store.kv, r->backup_dir, problem, sizeof(problem));
    if (code == OK)
        code = kv_backup_end(r->backup_dir, problem, sizeof(problem));
    if (code != OK)
        fprintf(stderr, "driver: backup: %s\n", problem);
    CHECK(code == OK);
    mark('p', 0);
    r->live--;
}

static int
run_all(void *arg)
{
    struct run *r = arg;
    struct loop *loop = runtime_loop(r->store.runtime, 0);
    for (; r->live < r->writers; r->live++)
        CHECK(fiber_start(loop, "writer", writer, r, NULL) == OK);
    if (r->backup_dir) {
        r->live++;
        CHECK(fiber_start(loop, "backup", back_up, r, NULL) == OK);
    }
    while (r->live > 0)
        CHECK(fiber_sleep_until(deadline_in_ms(r->store.runtime, 1)) == OK);
    return OK;
}

static int
run(char **argv)
{
    struct run r = {.first = (unsigned)strtoul(argv[1], NULL, 10),
                    .writers = (unsigned)strtoul(argv[3], NULL, 10),
                    .backup_dir = strcmp(argv[4], "-") == 0 ? NULL : argv[4]};
    r.next = r.first;
    r.end = r.first + (unsigned)strtoul(argv[2], NULL, 10);
    if (store_open(&r.store, argv[0]) != OK)
        return EXIT_BROKEN;
    CHECK(runtime_call(r.store.runtime, run_all, &r) == OK);
    store_close(&r.store);
    return 0;
}

struct losing {
    struct store store;
    struct str prefix;
    unsigned count;
};

static int
lose_body(struct kv_txn *txn, void *arg)
{
    struct losing *l = arg;
    char after[PREFIX_BYTES_MAX + 1];
    memcpy(after, l->prefix.ptr, l->prefix.len);
    after[l->prefix.len] = (char)0xff;
    struct kv_range range = {.from = l->prefix, .to = {after, l->prefix.len + 1}};
    struct kv_iter *it;
    struct str key, value;
    int code;
    l->count = 0;
    TRY(kv_range_open(txn, &range, &it));
    while ((code = kv_iter_next(it, &key, &value)) == OK) {
        TRY(kv_del(txn, key));
        l->count++;
    }
    kv_iter_close(it);
    return code == E_NOT_FOUND ? OK : code;
}

static int
lose_main(void *arg)
{
    struct losing *l = arg;
    struct arena a;
    arena_init(&a);
    int code = kv_run(l->store.kv, &a, lose_body, l);
    arena_fini(&a);
    return code;
}

static int
lose(const char *dir, const char *hex)
{
    struct losing l = {0};
    char prefix[PREFIX_BYTES_MAX];
    l.prefix = (struct str){prefix, strlen(hex) / 2};
    CHECK(l.prefix.len <= sizeof(prefix) && hex_decode(str_of(hex), prefix, l.prefix.len) == OK);
    if (store_open(&l.store, dir) != OK)
        return EXIT_BROKEN;
    CHECK(runtime_call(l.store.runtime, lose_main, &l) == OK);
    store_close(&l.store);
    printf("%u\n", l.count);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "run") == 0)
        return run(argv + 2);
    if (argc >= 3 && strcmp(argv[1], "check") == 0)
        return store_check(argv[2], argc == 3);
    if (argc == 4 && strcmp(argv[1], "lose") == 0)
        return lose(argv[2], argv[3]);
    fprintf(stderr, "usage: driver run DIR FIRST COUNT WRITERS BACKUP-DIR\n"
                    "       driver check DIR [pairs]\n"
                    "       driver lose DIR HEX\n");
    return EXIT_USAGE;
}

// Tests of secondary indexes: entries follow their records, listings go on where they ended, and
// fsck finds and mends what differs.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/index.h"

#include <stdio.h>

#include "src/store/check.h"
#include "src/store/page_token.h"
#include "src/store/tuple.h"
#include "src/store/ways_fixture.h"

// A book is found by its author, and by each of the words of its title.
struct book {
    struct str author, title;
};

enum { SHAPE_STRING, SHAPE_BOOK };

static const struct wire_member members[] = {
    {.offset = offsetof(struct book, author), .shape = SHAPE_STRING, .id = 1},
    {.offset = offsetof(struct book, title), .shape = SHAPE_STRING, .id = 2},
};
static const struct wire_shape shapes[] = {
    [SHAPE_STRING] = {.type = WIRE_STRING, .c_size = sizeof(struct str)},
    [SHAPE_BOOK] = {.type = WIRE_STRUCTURE, .c_size = sizeof(struct book), .member_count = 2},
};
static const struct wire_model model = {.text = "", .shapes = shapes, .members = members};
static const struct record_type book_type = {
    .model = &model, .shape = SHAPE_BOOK, .version = 1, .name = "test.book"};

// ("test", kind, ...)
static struct tuple
tuple_of(struct arena *a, struct str kind, struct str first)
{
    struct tuple t;
    tuple_init(&t, a);
    tuple_add_str(&t, STR("test"));
    tuple_add_str(&t, kind);
    tuple_add_str(&t, first);
    return t;
}

static struct str
book_key(struct arena *a, struct str id)
{
    struct tuple t = tuple_of(a, STR("book"), id);
    return tuple_key(&t);
}

// E_INVALID: another kind. The last element of n.
static int
last_of(struct arena *a, struct str key, struct str kind, int n, struct str *out)
{
    struct tuple_reader r;
    struct str element;
    tuple_reader_init(&r, a, key);
    for (int i = 0; i < n; i++) {
        if (tuple_read_str(&r, out) != OK || (i == 1 && !str_eq(*out, kind)))
            return E_INVALID;
    }
    return tuple_read_str(&r, &element) == E_NOT_FOUND ? OK : E_INVALID;
}

static bool
is_book(struct arena *a, struct str key)
{
    struct str id;
    return last_of(a, key, STR("book"), 3, &id) == OK;
}

static struct str
book_label(struct arena *a, struct str key)
{
    struct str id = {0};
    CHECK(last_of(a, key, STR("book"), 3, &id) == OK);
    return id;
}

static void
add_entry(struct arena *a, struct str kind, struct str first, struct str book,
          struct index_entries *out)
{
    struct tuple t = tuple_of(a, kind, first);
    tuple_add_str(&t, book_label(a, book));
    index_add(out, tuple_key(&t));
}

static int
target(struct arena *a, struct str entry, struct str kind, struct str *key)
{
    struct str id;
    TRY(last_of(a, entry, kind, 4, &id));
    *key = book_key(a, id);
    return OK;
}

static void
author_entries(struct arena *a, struct str key, const void *record, struct index_entries *out)
{
    const struct book *b = record;
    if (str_is_present(b->author))
        add_entry(a, STR("author"), b->author, key, out);
}

static int
author_target(struct arena *a, struct str entry, struct str *key)
{
    return target(a, entry, STR("author"), key);
}

static void
word_entries(struct arena *a, struct str key, const void *record, struct index_entries *out)
{
    struct str title = ((const struct book *)record)->title;
    for (size_t from = 0, to = 0; to <= title.len; to++)
        if (to == title.len || title.ptr[to] == ' ') {
            add_entry(a, STR("word"), str_slice(title, from, to), key, out);
            from = to + 1;
        }
}

static int
word_target(struct arena *a, struct str entry, struct str *key)
{
    return target(a, entry, STR("word"), key);
}

static const struct index indexes[] = {
    {"author", author_entries, author_target},
    {"word", word_entries, word_target},
};
static const struct indexed books = {
    .type = &book_type,
    .is_record = is_book,
    .label = book_label,
    .indexes = indexes,
    .count = 2,
};

struct change {
    const char *id;
    struct book book; // author and title absent: deleted
};

static int
change_body(struct kv_txn *txn, void *arg)
{
    const struct change *c = arg;
    struct str key = book_key(kv_txn_arena(txn), str_of(c->id));
    return str_is_present(c->book.title) ? indexed_set(txn, &books, key, &c->book)
                                         : indexed_del(txn, &books, key);
}

static void
change(struct ways *w, const char *id, struct str author, struct str title)
{
    struct change c = {id, {author, title}};
    assert_int_equal(ways_run(w, change_body, &c), OK);
}

struct listing {
    const struct index *index;
    struct str kind, first;
    struct index_page page;
    char ids[256];
};

static int
listing_body(struct kv_txn *txn, void *arg)
{
    struct listing *l = arg;
    struct arena *a = kv_txn_arena(txn);
    struct tuple t = tuple_of(a, l->kind, l->first);
    tuple_range(&t, a, &l->page.from, &l->page.to);
    return index_page_read(txn, l->index, &l->page);
}

static const char *
list(struct ways *w, struct listing *l, struct str kind, struct str first)
{
    l->index = &indexes[str_eq(kind, STR("word"))];
    l->kind = kind;
    l->first = first;
    l->page.limit = 10;
    l->ids[0] = 0;
    assert_int_equal(ways_run(w, listing_body, l), OK);
    for (size_t i = 0; i < l->page.count; i++) {
        struct str id = book_label(&w->arena, l->page.targets[i]);
        size_t len = strlen(l->ids);
        snprintf(l->ids + len, sizeof(l->ids) - len, STR_FMT " ", STR_ARG(id));
    }
    return l->ids;
}

static void
entries_follow_their_records(void **state)
{
    struct ways *w = *state;
    struct listing l = {0};
    change(w, "1", STR("Ada"), STR("red sea"));
    change(w, "2", STR("Bob"), STR("red sun"));
    change(w, "3", (struct str){0}, STR("sea"));
    assert_string_equal(list(w, &l, STR("word"), STR("red")), "1 2 ");
    assert_string_equal(list(w, &l, STR("word"), STR("sea")), "1 3 ");
    assert_string_equal(list(w, &l, STR("author"), STR("Ada")), "1 ");
    change(w, "1", STR("Bob"), STR("blue sea"));
    assert_string_equal(list(w, &l, STR("word"), STR("red")), "2 ");
    assert_string_equal(list(w, &l, STR("word"), STR("sea")), "1 3 ");
    assert_string_equal(list(w, &l, STR("author"), STR("Ada")), "");
    assert_string_equal(list(w, &l, STR("author"), STR("Bob")), "1 2 ");
    change(w, "2", (struct str){0}, (struct str){0});
    change(w, "none", (struct str){0}, (struct str){0});
    assert_string_equal(list(w, &l, STR("author"), STR("Bob")), "1 ");
    assert_string_equal(list(w, &l, STR("word"), STR("red")), "");
}

enum { MANY = 25, PAGE = 10 };

struct paging {
    const struct seal *seal;
    struct str token;
    char text[512];
    int count;
};

static int
page_body(struct kv_txn *txn, void *arg)
{
    struct paging *p = arg;
    struct arena *a = kv_txn_arena(txn);
    struct page_scope scope = {STR("000000000000"), STR("eu-west-1"), STR("test:List"), NULL, 0};
    struct index_page page = {.limit = PAGE};
    struct tuple t = tuple_of(a, STR("word"), STR("x"));
    tuple_range(&t, a, &page.from, &page.to);
    CHECK(index_page_begin(p->seal, &scope, p->token, a, &page) == OK);
    TRY(index_page_read(txn, &indexes[1], &page));
    p->count = (int)page.count;
    struct str token = index_page_token(p->seal, &scope, &page, 1, a);
    CHECK(token.len < sizeof(p->text));
    p->token = (struct str){token.len > 0 ? p->text : NULL, token.len};
    memcpy(p->text, token.len > 0 ? token.ptr : "", token.len);
    scope.operation = STR("test:Other");
    CHECK(token.len == 0 || index_page_begin(p->seal, &scope, token, a, &page) == E_INVALID);
    return OK;
}

// Also when what the page before ended with has gone meanwhile.
static void
pages_go_on_where_they_ended(void **state)
{
    struct ways *w = *state;
    struct seal *seal = seal_new(w->store.runtime);
    struct paging p = {.seal = seal};
    char id[8];
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof(id), "%02d", i);
        change(w, id, (struct str){0}, STR("x"));
    }
    assert_int_equal(ways_run(w, page_body, &p), OK);
    assert_int_equal(p.count, PAGE);
    change(w, "09", (struct str){0}, (struct str){0});
    change(w, "10", (struct str){0}, (struct str){0});
    assert_int_equal(ways_run(w, page_body, &p), OK);
    assert_int_equal(p.count, PAGE);
    assert_int_equal(ways_run(w, page_body, &p), OK);
    assert_int_equal(p.count, MANY - 2 * PAGE - 1);
    assert_false(str_is_present(p.token));
    seal_free(seal);
}

struct found {
    size_t problems, mended;
    char first[256];
    bool is_repair;
    struct ways *ways;
};

static void
note(void *arg, const char *line)
{
    struct found *f = arg;
    if (f->first[0] == 0)
        snprintf(f->first, sizeof(f->first), "%s", line);
}

static int
check_main(void *arg)
{
    struct found *f = arg;
    struct check c = {.kv = f->ways->store.kv,
                      .part = "test",
                      .is_repair = f->is_repair,
                      .print = note,
                      .print_arg = f};
    TRY(indexed_check(&c, &books, STR("\x02test"), STR("\x02test\xff")));
    f->problems = c.problems;
    f->mended = c.mended;
    return OK;
}

static struct found
check(struct ways *w, bool is_repair)
{
    struct found f = {.ways = w, .is_repair = is_repair};
    assert_int_equal(runtime_call(w->store.runtime, check_main, &f), OK);
    return f;
}

struct raw {
    struct str kind, first, id;
    bool is_deleted;
};

static int
raw_body(struct kv_txn *txn, void *arg)
{
    const struct raw *r = arg;
    struct tuple t = tuple_of(kv_txn_arena(txn), r->kind, r->first);
    if (str_is_present(r->id))
        tuple_add_str(&t, r->id);
    return r->is_deleted ? kv_del(txn, tuple_key(&t)) : kv_set(txn, tuple_key(&t), STR(""));
}

static void
breaks_and_mends(struct ways *w, struct raw r, size_t problems, const char *text)
{
    assert_int_equal(check(w, false).problems, 0);
    assert_int_equal(ways_run(w, raw_body, &r), OK);
    struct found f = check(w, false);
    assert_int_equal(f.problems, problems);
    assert_int_equal(f.mended, 0);
    assert_string_equal(f.first, text);
    assert_int_equal(check(w, true).mended, problems);
    assert_int_equal(check(w, false).problems, 0);
}

static void
fsck_finds_and_mends(void **state)
{
    struct ways *w = *state;
    struct listing l = {0};
    change(w, "1", STR("Ada"), STR("red sea"));
    change(w, "2", STR("Bob"), STR("red sun"));
    breaks_and_mends(w, (struct raw){STR("word"), STR("sea"), STR("1"), true}, 1,
                     "test: index word: 1 is missing");
    breaks_and_mends(w, (struct raw){STR("author"), STR("Ada"), STR("2"), false}, 1,
                     "test: index author: 2 stands where it does not belong");
    breaks_and_mends(w, (struct raw){STR("author"), STR("Ada"), STR("none"), false}, 1,
                     "test: index author: none stands where it does not belong");
    assert_string_equal(list(w, &l, STR("author"), STR("Ada")), "1 ");
    assert_string_equal(list(w, &l, STR("word"), STR("sea")), "1 ");
    // Its record is gone: three entries are left behind.
    breaks_and_mends(w, (struct raw){STR("book"), STR("2"), {0}, true}, 3,
                     "test: index author: 2 stands where it does not belong");
    assert_string_equal(list(w, &l, STR("word"), STR("red")), "1 ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(entries_follow_their_records),
        ON_EACH(pages_go_on_where_they_ended),
        ON_EACH(fsck_finds_and_mends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// What differs between two records of a network, as commands for nft.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "src/host/firewall.h"
#include "src/host/network_commands.h"

// Both are written out as if they were new, and compared line by line. Of what a record adds to the
// tables that all networks have, there are elements of sets and maps, and chains and sets of
// groups, ports and access lists, whose names begin with a letter and '-'.
enum line_kind { LINE_ELEMENT, LINE_MADE, LINE_RULE, LINE_COMMON };

struct lines {
    struct str *items;
    size_t count;
};

static bool
is_own(struct str rest)
{
    return rest.len > 1 && rest.ptr[1] == '-' &&
           (rest.ptr[0] == 'g' || rest.ptr[0] == 'p' || rest.ptr[0] == 'l');
}

// What follows the prefix; absent: the line is another.
static struct str
behind(struct str line, const char *prefix)
{
    struct str p = str_of(prefix);
    return str_starts(line, p) ? str_slice(line, p.len, line.len) : (struct str){0};
}

static enum line_kind
kind_of(struct str line)
{
    if (str_starts(line, STR("add element inet c10m ")))
        return LINE_ELEMENT;
    if (is_own(behind(line, "add chain inet c10m ")) || is_own(behind(line, "add set inet c10m ")))
        return LINE_MADE;
    if (is_own(behind(line, "flush chain inet c10m ")) ||
        is_own(behind(line, "add rule inet c10m ")))
        return LINE_RULE;
    return LINE_COMMON;
}

static struct lines
lines_of(struct str text, enum line_kind kind, struct arena *arena)
{
    struct lines out = {0};
    struct str line, rest = text;
    for (size_t i = 0; i < text.len; i++)
        out.count += text.ptr[i] == '\n';
    out.items = arena_alloc_array(arena, out.count + 1, sizeof(*out.items));
    out.count = 0;
    while (str_cut(rest, '\n', &line, &rest))
        if (kind_of(line) == kind)
            out.items[out.count++] = line;
    return out;
}

static int
compare(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct lines
sorted(struct str text, enum line_kind kind, struct arena *arena)
{
    struct lines l = lines_of(text, kind, arena);
    qsort(l.items, l.count, sizeof(*l.items), compare);
    return l;
}

// Those of `all` that `others` has not; both are sorted.
static struct lines
without(struct lines all, struct lines others, struct arena *arena)
{
    struct lines out = {arena_alloc_array(arena, all.count + 1, sizeof(*out.items)), 0};
    for (size_t i = 0, k = 0; i < all.count; i++) {
        while (k < others.count && str_cmp(others.items[k], all.items[i]) < 0)
            k++;
        bool is_there = k < others.count && str_eq(others.items[k], all.items[i]);
        bool is_again = out.count > 0 && str_eq(out.items[out.count - 1], all.items[i]);
        if (!is_there && !is_again)
            out.items[out.count++] = all.items[i];
    }
    return out;
}

// The chain of a line about rules.
static struct str
chain_of(struct str line)
{
    struct str name = behind(line, "flush chain inet c10m "), rest;
    if (!str_is_present(name))
        name = behind(line, "add rule inet c10m ");
    (void)str_cut(name, ' ', &name, &rest);
    return name;
}

// By chain; within one they stay in the order of their text.
static int
compare_rules(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    int order = str_cmp(chain_of(*x), chain_of(*y));
    return order != 0 ? order : (x->ptr > y->ptr) - (x->ptr < y->ptr);
}

static struct lines
by_chain(struct str text, struct arena *arena)
{
    struct lines l = lines_of(text, LINE_RULE, arena);
    qsort(l.items, l.count, sizeof(*l.items), compare_rules);
    return l;
}

// The lines at the beginning that are of one chain.
static struct lines
first_chain(struct lines l)
{
    struct lines out = {l.items, l.count > 0};
    while (out.count < l.count && str_eq(chain_of(l.items[out.count]), chain_of(l.items[0])))
        out.count++;
    return out;
}

static struct lines
behind_first(struct lines l, struct lines first)
{
    return (struct lines){l.items + first.count, l.count - first.count};
}

static bool
is_same(struct lines a, struct lines b)
{
    for (size_t i = 0; i < a.count && a.count == b.count; i++)
        if (!str_eq(a.items[i], b.items[i]))
            return false;
    return a.count == b.count;
}

static void
put_lines(struct lines l, struct buf *out)
{
    for (size_t i = 0; i < l.count; i++)
        buf_print(out, STR_FMT "\n", STR_ARG(l.items[i]));
}

// The rules of those chains that say something else than they did.
static void
put_rules(struct str was, struct str is, struct buf *out)
{
    struct lines had = by_chain(was, out->arena), has = by_chain(is, out->arena);
    while (has.count > 0) {
        struct lines now = first_chain(has), then = first_chain(had);
        int order = then.count == 0 ? 1 : str_cmp(chain_of(*then.items), chain_of(*now.items));
        if (order <= 0)
            had = behind_first(had, then);
        if (order < 0)
            continue;
        if (order > 0 || !is_same(now, then))
            put_lines(now, out);
        has = behind_first(has, now);
    }
}

// "add chain inet c10m p-p1-in" as what undoes it.
static void
put_undone(struct lines l, const char *what, const char *undo, struct buf *out)
{
    struct str prefix = str_of(what);
    for (size_t i = 0; i < l.count; i++) {
        struct str rest = behind(l.items[i], what), name;
        if (!str_is_present(rest))
            continue;
        if (!str_cut(rest, ' ', &name, &rest))
            name = str_slice(l.items[i], prefix.len, l.items[i].len);
        buf_print(out, "%s" STR_FMT "\n", undo, STR_ARG(name));
    }
}

static struct str
text_of(const struct host_network_record *r, struct arena *arena)
{
    struct buf out;
    buf_init(&out, arena, 8192);
    network_commands_put(r, &out);
    return buf_str(&out);
}

void
network_commands_change(const struct host_network_record *before,
                        const struct host_network_record *r, struct buf *out)
{
    struct arena *a = out->arena;
    struct str was = text_of(before, a), is = text_of(r, a);
    struct lines had = sorted(was, LINE_ELEMENT, a), has = sorted(is, LINE_ELEMENT, a);
    struct lines gone = without(had, has, a);
    struct lines had_made = sorted(was, LINE_MADE, a), has_made = sorted(is, LINE_MADE, a);
    struct lines gone_made = without(had_made, has_made, a);
    firewall_must_be(out);
    put_lines(without(has_made, had_made, a), out);
    for (size_t i = 0; i < gone.count; i++)
        buf_print(out, "delete " STR_FMT "\n", STR_ARG(behind(gone.items[i], "add ")));
    put_rules(was, is, out);
    // First what they say of each other.
    put_undone(gone_made, "add chain inet c10m ", "flush chain inet c10m ", out);
    put_undone(gone_made, "add chain inet c10m ", "delete chain inet c10m ", out);
    put_undone(gone_made, "add set inet c10m ", "delete set inet c10m ", out);
    put_lines(without(has, had, a), out);
}

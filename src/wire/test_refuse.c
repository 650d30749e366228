// Members that are refused, at every depth and only where they are listed.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/refuse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

// struct node { Name; Child: node; Nodes: list of node; Tags: map of text to node }
struct node;
struct nodes {
    struct node *items;
    size_t count;
};
struct tags {
    struct tag *items;
    size_t count;
};
struct node {
    struct str Name;
    struct node *Child;
    struct nodes Nodes;
    struct tags Tags;
};
struct tag {
    struct str key;
    struct node value;
};

enum { NODE, TEXT, NODES, TAGS };
enum { NAME_ROW, CHILD_ROW, NODES_ROW, TAGS_ROW, ITEM_ROW, KEY_ROW, VALUE_ROW };

static const char text[] = "\0Name\0Child\0Nodes\0Tags\0member\0key\0value";
static const struct wire_member members[] = {
    {.name = 1, .offset = offsetof(struct node, Name), .shape = TEXT},
    {.name = 6, .offset = offsetof(struct node, Child), .shape = NODE},
    {.name = 12, .offset = offsetof(struct node, Nodes), .shape = NODES},
    {.name = 18, .offset = offsetof(struct node, Tags), .shape = TAGS},
    {.name = 23, .shape = NODE},
    {.name = 30, .offset = offsetof(struct tag, key), .shape = TEXT},
    {.name = 34, .offset = offsetof(struct tag, value), .shape = NODE},
};
static const struct wire_shape shapes[] = {
    [NODE] = {.type = WIRE_STRUCTURE, .c_size = sizeof(struct node), .member_count = 4},
    [TEXT] = {.type = WIRE_STRING, .c_size = sizeof(struct str)},
    [NODES] = {.type = WIRE_LIST,
               .item_size = sizeof(struct node),
               .member_first = ITEM_ROW,
               .member_count = 1},
    [TAGS] = {.type = WIRE_MAP,
              .item_size = sizeof(struct tag),
              .member_first = KEY_ROW,
              .member_count = 2},
};
static const struct wire_model model = {.text = text, .shapes = shapes, .members = members};

// Names are refused everywhere; these rows lead to them.
static const struct wire_refusal names[] = {
    {NAME_ROW, 1}, {CHILD_ROW, 0}, {NODES_ROW, 0}, {TAGS_ROW, 0}, {ITEM_ROW, 0}, {VALUE_ROW, 0},
};

static void
check(const struct wire_refusal *rows, size_t count, const struct node *in, const char *path)
{
    struct arena arena;
    struct str out;
    arena_init(&arena);
    int code = wire_refuse(&model, rows, count, NODE, in, &arena, &out);
    assert_int_equal(code, path == NULL ? OK : E_INVALID);
    if (path == NULL)
        assert_false(str_is_present(out));
    else
        assert_true(str_eq(out, str_of(path)));
    arena_fini(&arena);
}

static void
test_nothing_is_refused(void **state)
{
    check(NULL, 0, &(struct node){.Name = STR("x")}, NULL);
    check(names, COUNT_OF(names), &(struct node){0}, NULL);
}

static void
test_of_the_input_itself(void **state)
{
    check(names, COUNT_OF(names), &(struct node){.Name = STR("x")}, "Name");
    // Present though empty.
    check(names, COUNT_OF(names), &(struct node){.Name = STR("")}, "Name");
}

static void
test_in_structures(void **state)
{
    struct node leaf = {.Name = STR("x")}, middle = {.Child = &leaf}, top = {.Child = &middle};
    check(names, COUNT_OF(names), &top, "Child.Child.Name");
    leaf.Name.ptr = NULL;
    check(names, COUNT_OF(names), &top, NULL);
}

static void
test_in_lists(void **state)
{
    struct node items[] = {{0}, {.Name = STR("x")}};
    struct node top = {.Nodes = {items, 2}};
    check(names, COUNT_OF(names), &top, "Nodes.Name");
    top.Nodes.count = 1;
    check(names, COUNT_OF(names), &top, NULL);
}

static void
test_in_maps(void **state)
{
    struct tag entries[] = {{.key = STR("a")}, {.key = STR("b"), .value = {.Name = STR("x")}}};
    struct node top = {.Tags = {entries, 2}};
    check(names, COUNT_OF(names), &top, "Tags.value.Name");
    top.Tags.count = 1;
    check(names, COUNT_OF(names), &top, NULL);
    const struct wire_refusal keys[] = {{TAGS_ROW, 0}, {KEY_ROW, 1}};
    check(keys, COUNT_OF(keys), &top, "Tags.key");
    top.Tags.count = 0;
    check(keys, COUNT_OF(keys), &top, NULL);
}

static void
test_whole_members(void **state)
{
    struct tag entry = {.key = STR("a")};
    struct node child = {0};
    const struct wire_refusal rows[] = {{CHILD_ROW, 1}, {TAGS_ROW, 1}};
    check(rows, COUNT_OF(rows), &(struct node){.Name = STR("x")}, NULL);
    check(rows, COUNT_OF(rows), &(struct node){.Child = &child}, "Child");
    check(rows, COUNT_OF(rows), &(struct node){.Tags = {&entry, 1}}, "Tags");
    check(rows, COUNT_OF(rows), &(struct node){.Tags = {&entry, 0}}, "Tags");
}

static void
test_only_what_is_listed_is_looked_into(void **state)
{
    struct node leaf = {.Name = STR("x")};
    const struct wire_refusal rows[] = {{NAME_ROW, 1}, {NODES_ROW, 0}, {ITEM_ROW, 0}};
    check(rows, COUNT_OF(rows), &(struct node){.Child = &leaf}, NULL);
    check(rows, COUNT_OF(rows), &(struct node){.Nodes = {&leaf, 1}}, "Nodes.Name");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_refused),
        cmocka_unit_test(test_of_the_input_itself),
        cmocka_unit_test(test_in_structures),
        cmocka_unit_test(test_in_lists),
        cmocka_unit_test(test_in_maps),
        cmocka_unit_test(test_whole_members),
        cmocka_unit_test(test_only_what_is_listed_is_looked_into),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

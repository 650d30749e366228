// XML documents as trees: expat with limits.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/xml_reader.h"

#include <expat.h>
#include <limits.h>

struct builder {
    XML_Parser parser;
    struct arena *arena;
    struct xml_node *root;
    struct xml_node *open; // the innermost element
    unsigned depth, depth_max;
    size_t nodes, nodes_max;
    int code;
};

static void
stop(struct builder *b, int code)
{
    b->code = code;
    XML_StopParser(b->parser, XML_FALSE);
}

static struct str
local_name(const char *name)
{
    const char *colon = strchr(name, ':');
    return str_of(colon == NULL ? name : colon + 1);
}

// Elements in a row mostly have one name.
static struct str
keep_name(struct builder *b, const char *name)
{
    struct str local = local_name(name);
    struct xml_node *last = b->open == NULL ? NULL : b->open->last;
    return last != NULL && str_eq(last->name, local) ? last->name : arena_copy(b->arena, local);
}

static size_t
count_attributes(const char **pairs)
{
    size_t n = 0;
    while (pairs[2 * n] != NULL)
        n++;
    return n;
}

static struct xml_attribute *
keep_attributes(struct builder *b, const char **pairs)
{
    struct xml_attribute *first = NULL, **next = &first;
    for (; *pairs != NULL; pairs += 2) {
        *next = ARENA_NEW(b->arena, struct xml_attribute);
        (*next)->name = arena_copy(b->arena, str_of(pairs[0]));
        (*next)->value = arena_copy(b->arena, str_of(pairs[1]));
        next = &(*next)->next;
    }
    return first;
}

static void
add_child(struct builder *b, struct xml_node *node)
{
    if (b->open == NULL)
        b->root = node;
    else if (b->open->last == NULL)
        b->open->first = node;
    else
        b->open->last->next = node;
    if (b->open != NULL) {
        b->open->last = node;
        b->open->text.len = 0;
    }
}

static void
on_start(void *arg, const char *name, const char **attributes)
{
    struct builder *b = arg;
    size_t taken = 1 + count_attributes(attributes);
    if (b->depth == b->depth_max || taken > b->nodes_max - b->nodes) {
        stop(b, E_LIMIT);
        return;
    }
    struct xml_node *node = ARENA_NEW(b->arena, struct xml_node);
    b->depth++;
    b->nodes += taken;
    node->parent = b->open;
    node->name = keep_name(b, name);
    node->attributes = keep_attributes(b, attributes);
    buf_init(&node->text, b->arena, 0);
    add_child(b, node);
    b->open = node;
}

static void
on_end(void *arg, const char *name)
{
    struct builder *b = arg;
    if (b->code != OK) // expat still ends an empty element at which it was stopped
        return;
    b->depth--;
    b->open = b->open->parent;
}

static void
on_text(void *arg, const char *text, int len)
{
    struct builder *b = arg;
    buf_put(&b->open->text, (struct str){text, (size_t)len});
}

static void
on_doctype(void *arg, const char *name, const char *system_id, const char *public_id,
           int has_subset)
{
    stop(arg, E_INVALID);
}

static void
parser_free(XML_Parser *p)
{
    XML_ParserFree(*p);
}

int
xml_parse(struct arena *arena, struct str text, unsigned depth_max, size_t nodes_max,
          struct xml_node **root)
{
    CLEANUP(parser_free) XML_Parser parser = XML_ParserCreate(NULL);
    CHECK(parser != NULL);
    struct builder b = {
        .parser = parser, .arena = arena, .depth_max = depth_max, .nodes_max = nodes_max};
    if (text.len > INT_MAX)
        return E_LIMIT;
    XML_SetUserData(parser, &b);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    if (XML_Parse(parser, text.ptr, (int)text.len, 1) != XML_STATUS_OK)
        return b.code == OK ? E_INVALID : b.code;
    *root = b.root;
    return OK;
}

const struct xml_node *
xml_find(const struct xml_node *parent, struct str name)
{
    const struct xml_node *node = parent->first;
    while (node != NULL && !str_eq(node->name, name))
        node = node->next;
    return node;
}

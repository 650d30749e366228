// XML documents as trees: expat with limits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/buf.h"

struct xml_attribute {
    struct xml_attribute *next;
    struct str name; // with its prefix: "xsi:type"
    struct str value;
};

struct xml_node {
    struct xml_node *next; // the following element of the same parent
    struct xml_node *first, *last;
    struct xml_node *parent;
    struct xml_attribute *attributes;
    struct str name; // without its prefix
    struct buf text; // what stands directly in it, behind its last child
};

// E_INVALID: not well-formed, or with a document type (which could define entities). E_LIMIT:
// deeper than depth_max, or more than nodes_max elements and attributes. The tree is in the arena.
MUST_USE int xml_parse(struct arena *arena, struct str text, unsigned depth_max, size_t nodes_max,
                       struct xml_node **root);
// The first child of that name; NULL: none.
const struct xml_node *xml_find(const struct xml_node *parent, struct str name);

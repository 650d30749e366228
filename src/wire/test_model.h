// A small model by hand, for the tests and fuzzers of this folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/model.h"

// Every name of the model, which is also its text.
#define TEST_NAMES(X)                                                                              \
    X(Thing)                                                                                       \
    X(Text)                                                                                        \
    X(Data)                                                                                        \
    X(Flag)                                                                                        \
    X(Small)                                                                                       \
    X(Big)                                                                                         \
    X(Ratio)                                                                                       \
    X(When)                                                                                        \
    X(WhenText)                                                                                    \
    X(Child)                                                                                       \
    X(Names)                                                                                       \
    X(FlatNames)                                                                                   \
    X(FlatName)                                                                                    \
    X(Children)                                                                                    \
    X(FlatChildren)                                                                                \
    X(FlatChild)                                                                                   \
    X(Tags)                                                                                        \
    X(FlatTags)                                                                                    \
    X(Attribute)                                                                                   \
    X(Parts)                                                                                       \
    X(Matrix)                                                                                      \
    X(Counts)                                                                                      \
    X(member)                                                                                      \
    X(key)                                                                                         \
    X(value)                                                                                       \
    X(Name)                                                                                        \
    X(Value)                                                                                       \
    X(Checked)                                                                                     \
    X(Id)                                                                                          \
    X(Short)                                                                                       \
    X(Color)                                                                                       \
    X(Percent)                                                                                     \
    X(Few)                                                                                         \
    X(Secret)                                                                                      \
    X(Nested)                                                                                      \
    X(ByName)                                                                                      \
    X(Choice)                                                                                      \
    X(Fraction)                                                                                    \
    X(Bytes)                                                                                       \
    X(RED)                                                                                         \
    X(GREEN)                                                                                       \
    X(DoThing)                                                                                     \
    X(DoThingResult)                                                                               \
    X(DoNothing)

struct test_text {
    char none[1];
#define X(name) char name[sizeof(#name)];
    TEST_NAMES(X)
#undef X
};

static const struct test_text test_text = {"",
#define X(name) #name,
                                           TEST_NAMES(X)
#undef X
};

#define TEXT(name) offsetof(struct test_text, name)

struct test_strings {
    struct str *items;
    size_t count;
};

struct test_matrix {
    struct test_strings *items;
    size_t count;
};

struct test_counts {
    struct opt_int *items;
    size_t count;
};

struct test_tags {
    struct test_tags_entry {
        struct str key;
        struct str value;
    } *items;
    size_t count;
};

struct test_things {
    struct test_thing *items;
    size_t count;
};

struct test_parts {
    struct test_parts_entry *items;
    size_t count;
};

struct test_thing {
    struct str Text;
    struct str Data;
    struct opt_bool Flag;
    struct opt_int Small;
    struct opt_long Big;
    struct opt_double Ratio;
    struct opt_time When;
    struct opt_time WhenText;
    struct test_thing *Child;
    struct test_strings Names;
    struct test_strings FlatNames;
    struct test_things Children;
    struct test_things FlatChildren;
    struct test_tags Tags;
    struct test_tags FlatTags;
    struct test_parts Parts;
    struct test_matrix Matrix;
    struct test_counts Counts;
};

struct test_parts_entry {
    struct str key;
    struct test_thing value;
};

struct test_choice {
    struct str Text;
    struct opt_int Small;
};

struct test_checkeds {
    struct test_checked *items;
    size_t count;
};

struct test_checked_map {
    struct test_checked_map_entry *items;
    size_t count;
};

struct test_checked {
    struct str Id; // required
    struct str Short;
    struct str Color;
    struct opt_int Percent;
    struct opt_double Fraction;
    struct test_strings Few;
    struct str Secret;
    struct str Bytes;
    struct test_checkeds Nested;
    struct test_checked_map ByName;
    struct test_choice *Choice;
};

struct test_checked_map_entry {
    struct str key;
    struct test_checked value;
};

enum test_shape {
    TEST_STRING,
    TEST_BLOB,
    TEST_BOOLEAN,
    TEST_INTEGER,
    TEST_LONG,
    TEST_DOUBLE,
    TEST_TIMESTAMP,
    TEST_STRINGS,
    TEST_MATRIX,
    TEST_COUNTS,
    TEST_TAGS,
    TEST_FLAT_TAGS,
    TEST_THINGS,
    TEST_PARTS,
    TEST_THING,
    TEST_SHORT,
    TEST_COLOR,
    TEST_PERCENT,
    TEST_FRACTION,
    TEST_FEW,
    TEST_SECRET,
    TEST_BYTES,
    TEST_CHECKEDS,
    TEST_CHECKED_MAP,
    TEST_CHOICE,
    TEST_CHECKED,
};

enum test_row {
    ROW_STRINGS = 0,
    ROW_MATRIX = 1,
    ROW_COUNTS = 2,
    ROW_TAGS = 3,
    ROW_FLAT_TAGS = 5,
    ROW_THINGS = 7,
    ROW_PARTS = 8,
    ROW_THING = 10,
    ROW_FEW = 28,
    ROW_CHECKEDS = 29,
    ROW_CHECKED_MAP = 30,
    ROW_CHOICE = 32,
    ROW_CHECKED = 34,
    ROW_END = 45,
};

#define ROW(type, field, shape_, id_, wire_name, flags_, format)                                   \
    {.name = TEXT(field),                                                                          \
     .json_name = TEXT(field),                                                                     \
     .query_name = TEXT(wire_name),                                                                \
     .xml_name = TEXT(wire_name),                                                                  \
     .offset = offsetof(struct type, field),                                                       \
     .shape = (shape_),                                                                            \
     .id = (id_),                                                                                  \
     .flags = (flags_),                                                                            \
     .time_format = (format)}
#define MEMBER(type, field, shape_, id_) ROW(type, field, shape_, id_, field, 0, WIRE_TIME_DEFAULT)
#define FLAT(type, field, shape_, id_, wire_name)                                                  \
    ROW(type, field, shape_, id_, wire_name, WIRE_FLATTENED, WIRE_TIME_DEFAULT)
#define ELEMENT(shape_, name_, offset_)                                                            \
    {.name = TEXT(name_),                                                                          \
     .json_name = TEXT(name_),                                                                     \
     .query_name = TEXT(name_),                                                                    \
     .xml_name = TEXT(name_),                                                                      \
     .offset = (offset_),                                                                          \
     .shape = (shape_)}

static const struct wire_member test_members[ROW_END] = {
    [ROW_STRINGS] = ELEMENT(TEST_STRING, member, 0),
    [ROW_MATRIX] = ELEMENT(TEST_STRINGS, member, 0),
    [ROW_COUNTS] = ELEMENT(TEST_INTEGER, member, 0),
    [ROW_TAGS] = ELEMENT(TEST_STRING, key, offsetof(struct test_tags_entry, key)),
    ELEMENT(TEST_STRING, value, offsetof(struct test_tags_entry, value)),
    [ROW_FLAT_TAGS] = ELEMENT(TEST_STRING, Name, offsetof(struct test_tags_entry, key)),
    ELEMENT(TEST_STRING, Value, offsetof(struct test_tags_entry, value)),
    [ROW_THINGS] = ELEMENT(TEST_THING, member, 0),
    [ROW_PARTS] = ELEMENT(TEST_STRING, Name, offsetof(struct test_parts_entry, key)),
    ELEMENT(TEST_THING, Value, offsetof(struct test_parts_entry, value)),
    [ROW_THING] = MEMBER(test_thing, Text, TEST_STRING, 1),
    MEMBER(test_thing, Data, TEST_BLOB, 2),
    MEMBER(test_thing, Flag, TEST_BOOLEAN, 3),
    MEMBER(test_thing, Small, TEST_INTEGER, 4),
    MEMBER(test_thing, Big, TEST_LONG, 5),
    MEMBER(test_thing, Ratio, TEST_DOUBLE, 6),
    MEMBER(test_thing, When, TEST_TIMESTAMP, 7),
    ROW(test_thing, WhenText, TEST_TIMESTAMP, 9, WhenText, 0, WIRE_TIME_HTTP),
    MEMBER(test_thing, Child, TEST_THING, 10),
    MEMBER(test_thing, Names, TEST_STRINGS, 11),
    FLAT(test_thing, FlatNames, TEST_STRINGS, 12, FlatName),
    MEMBER(test_thing, Children, TEST_THINGS, 13),
    FLAT(test_thing, FlatChildren, TEST_THINGS, 14, FlatChild),
    MEMBER(test_thing, Tags, TEST_TAGS, 15),
    FLAT(test_thing, FlatTags, TEST_FLAT_TAGS, 16, Attribute),
    MEMBER(test_thing, Parts, TEST_PARTS, 17),
    MEMBER(test_thing, Matrix, TEST_MATRIX, 18),
    MEMBER(test_thing, Counts, TEST_COUNTS, 300),
    [ROW_FEW] = ELEMENT(TEST_SHORT, member, 0),
    [ROW_CHECKEDS] = ELEMENT(TEST_CHECKED, member, 0),
    [ROW_CHECKED_MAP] = ELEMENT(TEST_STRING, key, offsetof(struct test_checked_map_entry, key)),
    ELEMENT(TEST_CHECKED, value, offsetof(struct test_checked_map_entry, value)),
    [ROW_CHOICE] = MEMBER(test_choice, Text, TEST_STRING, 1),
    MEMBER(test_choice, Small, TEST_INTEGER, 2),
    [ROW_CHECKED] = ROW(test_checked, Id, TEST_STRING, 1, Id, WIRE_REQUIRED, WIRE_TIME_DEFAULT),
    MEMBER(test_checked, Short, TEST_SHORT, 2),
    MEMBER(test_checked, Color, TEST_COLOR, 3),
    MEMBER(test_checked, Percent, TEST_PERCENT, 4),
    MEMBER(test_checked, Fraction, TEST_FRACTION, 5),
    MEMBER(test_checked, Few, TEST_FEW, 6),
    MEMBER(test_checked, Secret, TEST_SECRET, 7),
    MEMBER(test_checked, Bytes, TEST_BYTES, 8),
    MEMBER(test_checked, Nested, TEST_CHECKEDS, 9),
    MEMBER(test_checked, ByName, TEST_CHECKED_MAP, 10),
    MEMBER(test_checked, Choice, TEST_CHOICE, 11),
};

#define SCALAR(type_, c_type, constraint_)                                                         \
    {.type = (type_), .c_size = sizeof(struct c_type), .constraint = (constraint_)}
#define ARRAY(type_, c_type, item, row, constraint_)                                               \
    {.type = (type_),                                                                              \
     .c_size = sizeof(struct c_type),                                                              \
     .item_size = sizeof(struct item),                                                             \
     .member_first = (row),                                                                        \
     .member_count = (type_) == WIRE_MAP ? 2 : 1,                                                  \
     .constraint = (constraint_)}
#define STRUCTURE(name_, c_type, row, count)                                                       \
    {.name = TEXT(name_),                                                                          \
     .type = WIRE_STRUCTURE,                                                                       \
     .c_size = sizeof(struct c_type),                                                              \
     .member_first = (row),                                                                        \
     .member_count = (count)}

enum { ANY, LENGTH_2_5, COLORS, RANGE_0_100, FRACTION_0_100, COUNT_2, LENGTH_3, CONSTRAINT_END };

static const struct wire_shape test_shapes[] = {
    [TEST_STRING] = SCALAR(WIRE_STRING, str, ANY),
    [TEST_BLOB] = SCALAR(WIRE_BLOB, str, ANY),
    [TEST_BOOLEAN] = SCALAR(WIRE_BOOLEAN, opt_bool, ANY),
    [TEST_INTEGER] = SCALAR(WIRE_INTEGER, opt_int, ANY),
    [TEST_LONG] = SCALAR(WIRE_LONG, opt_long, ANY),
    [TEST_DOUBLE] = SCALAR(WIRE_DOUBLE, opt_double, ANY),
    [TEST_TIMESTAMP] = SCALAR(WIRE_TIMESTAMP, opt_time, ANY),
    [TEST_STRINGS] = ARRAY(WIRE_LIST, test_strings, str, ROW_STRINGS, ANY),
    [TEST_MATRIX] = ARRAY(WIRE_LIST, test_matrix, test_strings, ROW_MATRIX, ANY),
    [TEST_COUNTS] = ARRAY(WIRE_LIST, test_counts, opt_int, ROW_COUNTS, ANY),
    [TEST_TAGS] = ARRAY(WIRE_MAP, test_tags, test_tags_entry, ROW_TAGS, ANY),
    [TEST_FLAT_TAGS] = ARRAY(WIRE_MAP, test_tags, test_tags_entry, ROW_FLAT_TAGS, ANY),
    [TEST_THINGS] = ARRAY(WIRE_LIST, test_things, test_thing, ROW_THINGS, ANY),
    [TEST_PARTS] = ARRAY(WIRE_MAP, test_parts, test_parts_entry, ROW_PARTS, ANY),
    [TEST_THING] = STRUCTURE(Thing, test_thing, ROW_THING, ROW_FEW - ROW_THING),
    [TEST_SHORT] = SCALAR(WIRE_STRING, str, LENGTH_2_5),
    [TEST_COLOR] = SCALAR(WIRE_STRING, str, COLORS),
    [TEST_PERCENT] = SCALAR(WIRE_INTEGER, opt_int, RANGE_0_100),
    [TEST_FRACTION] = SCALAR(WIRE_DOUBLE, opt_double, FRACTION_0_100),
    [TEST_FEW] = ARRAY(WIRE_LIST, test_strings, str, ROW_FEW, COUNT_2),
    [TEST_SECRET] = {.type = WIRE_STRING,
                     .c_size = sizeof(struct str),
                     .constraint = LENGTH_3,
                     .is_sensitive = true},
    [TEST_BYTES] = SCALAR(WIRE_BLOB, str, LENGTH_3),
    [TEST_CHECKEDS] = ARRAY(WIRE_LIST, test_checkeds, test_checked, ROW_CHECKEDS, ANY),
    [TEST_CHECKED_MAP] =
        ARRAY(WIRE_MAP, test_checked_map, test_checked_map_entry, ROW_CHECKED_MAP, ANY),
    [TEST_CHOICE] = {.name = TEXT(Choice),
                     .type = WIRE_STRUCTURE,
                     .is_union = true,
                     .c_size = sizeof(struct test_choice),
                     .member_first = ROW_CHOICE,
                     .member_count = 2},
    [TEST_CHECKED] = STRUCTURE(Checked, test_checked, ROW_CHECKED, ROW_END - ROW_CHECKED),
};

static const uint32_t test_enum_values[] = {TEXT(RED), TEXT(GREEN)};

static const struct wire_constraint test_constraints[CONSTRAINT_END] = {
    [ANY] = {INT64_MIN, INT64_MAX, 0, 0, 0},
    [LENGTH_2_5] = {2, 5, 0, 0, 0},
    [COLORS] = {INT64_MIN, INT64_MAX, 0, 0, COUNT_OF(test_enum_values)},
    [RANGE_0_100] = {0, 100, 0, 0, 0},
    [FRACTION_0_100] = {0, 100 * WIRE_FRACTION, 0, 0, 0},
    [COUNT_2] = {INT64_MIN, 2, 0, 0, 0},
    [LENGTH_3] = {INT64_MIN, 3, 0, 0, 0},
};

static const struct wire_model test_model = {
    .text = (const char *)&test_text,
    .shapes = test_shapes,
    .members = test_members,
    .constraints = test_constraints,
    .enum_values = test_enum_values,
};

enum test_operation { DO_NOTHING, DO_THING };

static const struct wire_operation test_operations[] = {
    [DO_NOTHING] = {TEXT(DoNothing), TEST_THING, WIRE_NO_SHAPE, 0},
    [DO_THING] = {TEXT(DoThing), TEST_THING, TEST_THING, TEXT(DoThingResult)},
};

static const struct wire_service test_service = {
    .name = "test",
    .signing_name = "test",
    .target_prefix = "AmazonTest",
    .json_namespace = "com.amazonaws.test",
    .api_version = "2012-11-05",
    .xml_namespace = "http://test.example/doc/2012-11-05/",
    .protocols = 1 << WIRE_JSON_1_0 | 1 << WIRE_QUERY,
    .model = &test_model,
    .operations = test_operations,
    .operation_count = COUNT_OF(test_operations),
};

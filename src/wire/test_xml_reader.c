// XML documents as trees, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/xml_reader.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/wire/test_fixture.h"

static struct xml_node *root;

static int
parse(const char *text)
{
    root = NULL;
    return xml_parse(&arena, str_of(text), 8, 100, &root);
}

static void
test_tree(void **state)
{
    assert_int_equal(parse("<?xml version=\"1.0\"?><!-- c --><a x='1' p:y='&lt;2'>\n <b>one</b>\n "
                           "<p:b xmlns:p='u'>t&amp;w<![CDATA[<o>]]></p:b><c/></a>"),
                     OK);
    assert_str(root->name, "a");
    assert_str(root->attributes->name, "x");
    assert_str(root->attributes->value, "1");
    assert_str(root->attributes->next->name, "p:y");
    assert_str(root->attributes->next->value, "<2");
    assert_str(buf_str(&root->first->text), "one");
    assert_str(root->first->next->name, "b");
    assert_str(buf_str(&root->first->next->text), "t&w<o>");
    assert_str(buf_str(&root->last->text), "");
    assert_ptr_equal(xml_find(root, STR("b")), root->first);
    assert_null(xml_find(root, STR("d")));
}

static void
test_other_encodings(void **state)
{
    assert_int_equal(parse("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xfc</a>"), OK);
    assert_str(buf_str(&root->text), "\xc3\xbc");
    assert_int_equal(parse("<?xml version='1.0' encoding='x-none'?><a/>"), E_INVALID);
}

static void
test_not_well_formed(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>x",
        "<a x=1/>",
        "<a x='1' x='2'/>",
        "<a>&unknown;</a>",
        "<a>\x01</a>",
        "<a>\xff</a>",
        "<a>&#0;</a>",
        "<a",
        "{\"a\": 1}",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (parse(texts[i]) != E_INVALID)
            fail_msg("%s is taken", texts[i]);
    }
}

// Entities that hold entities, and files of the host.
static void
test_document_types_are_refused(void **state)
{
    assert_int_equal(parse("<!DOCTYPE a><a/>"), E_INVALID);
    assert_int_equal(parse("<!DOCTYPE a [<!ENTITY b 'x'><!ENTITY c '&b;&b;'>]><a>&c;</a>"),
                     E_INVALID);
    assert_int_equal(parse("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"), E_INVALID);
}

static void
test_limits(void **state)
{
    struct buf b;
    assert_int_equal(parse("<a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>"), OK);
    assert_int_equal(parse("<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>"),
                     E_LIMIT);
    buf_init(&b, &arena, 0);
    buf_put(&b, STR("<a>"));
    for (size_t i = 0; i < 99; i++)
        buf_put(&b, STR("<b/>"));
    buf_put(&b, STR("</a>"));
    assert_int_equal(xml_parse(&arena, buf_str(&b), 8, 100, &root), OK);
    assert_int_equal(xml_parse(&arena, buf_str(&b), 8, 99, &root), E_LIMIT);
    // Attributes count too, before memory is taken for them.
    assert_int_equal(xml_parse(&arena, STR("<a b='1' c='2'/>"), 8, 3, &root), OK);
    size_t used = arena.used_bytes;
    assert_int_equal(xml_parse(&arena, STR("<a b='1' c='2'/>"), 8, 2, &root), E_LIMIT);
    assert_int_equal(arena.used_bytes, used);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_tree),
        UNIT(test_other_encodings),
        UNIT(test_not_well_formed),
        UNIT(test_document_types_are_refused),
        UNIT(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

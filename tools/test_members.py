#!/usr/bin/env python3
# Proves that the check of members finds what it must, and lets pass what is good. Needs libclang, so ./dev lint runs it.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import tempfile
import unittest

import check_members
import sources
from gen import service_c
from gen.model import Model
from gen.service import assemble_service

MODEL = {
    "metadata": {"apiVersion": "2000-01-01", "endpointPrefix": "toy", "protocol": "query"},
    "operations": {
        "Make": {"name": "Make", "input": {"shape": "MakeRequest"}},
        "Copy": {"name": "Copy", "input": {"shape": "CopyRequest"}, "output": {"shape": "Toy"}},
    },
    "shapes": {
        "MakeRequest": {
            "type": "structure",
            "members": {"Name": {"shape": "Text"}, "Count": {"shape": "Number"}},
        },
        "CopyRequest": {
            "type": "structure",
            "members": {
                "Toy": {"shape": "Toy"},
                "Toys": {"shape": "ToyList"},
                "Marks": {"shape": "ToyMap"},
            },
        },
        "Toy": {
            "type": "structure",
            "members": {"Color": {"shape": "Text"}, "Inner": {"shape": "Toy"}},
        },
        "ToyList": {"type": "list", "member": {"shape": "Toy"}},
        "ToyMap": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Toy"}},
        "Text": {"type": "string"},
        "Number": {"type": "integer"},
    },
}
MAKE = "int toy_make(struct call *c, const struct toy_make_request *in)\n"
COPY = "int toy_copy(struct call *c, const struct toy_copy_request *in, struct toy_toy *out)\n"
# Reads everything of Copy's input but Inner.
READS = "(void)(look(in->Toy->Color) + look(in->Toys.items[0].Color) + look(in->Marks.items[0].key));"
LOOK = "static int look(struct str s) { return s.len != 0; }\n"


class Members(unittest.TestCase):
    def found(self, operation, *files, **said):
        """What is wrong with a service of one operation and these C files."""
        bare = {"name": "toy", "models": [], "operations": [operation]}
        raw = {**bare, **said}
        # Of the bare one: the generator itself refuses lists that are wrong.
        service = assemble_service(bare, [Model(MODEL, "a model")], "service.json")
        with tempfile.TemporaryDirectory() as root:
            folder = (pathlib.Path(root) / "services/toy").resolve()
            folder.mkdir(parents=True)
            (folder / "toy_api.h").write_text("\n".join(service_c.header_lines(service)) + "\n")
            flags = ["-std=gnu17", "-D_GNU_SOURCE", f"-I{root}", f"-I{sources.ROOT}"]
            commands = []
            for number, text in enumerate(files):
                path = folder / f"file{number}.c"
                path.write_text('#include "services/toy/toy_api.h"\n' + text)
                commands.append((path, flags))
            found = check_members.service_problems(service, raw, commands, folder)
            return [problem.removeprefix("services/toy/service.json: ") for problem in found]

    def unread(self, operation, *files, **said):
        """The members that no code reads; any other problem fails the test."""
        found = self.found(operation, *files, **said)
        words = [problem.removeprefix(f"{operation}: ").split(" ", 1) for problem in found]
        self.assertEqual([w for w in words if not w[1].startswith("is read by no code")], [])
        return [word[0] for word in words]

    def test_a_use_is_a_read(self):
        for use in (
            "return in->Name.len != 0 && in->Count.is_present;",
            "struct str name = in->Name; return name.len + in->Count.value;",
            "struct opt_int n = {0}; n = in->Count; return n.value + (&in->Name)->len;",
            "const struct toy_make_request *other = in; return other->Name.len && other->Count.value;",
            "return look(in->Name) + (int)in->Count.value;",
            "int n; n = look(in->Name); return n + (int)in->Count.value;",
            "size_t n = 0; n += in->Name.len; return (int)n + in->Count.value;",
            "(void)(in->Name.len > 0 && look(in->Name)); return in->Count.value;",
            "static struct str last; last = in->Name; return in->Count.value;",
            "int n = 0; in->Name.len > 0 ? n++ : 0; return n + in->Count.value;",
            "(void)look(in->Name); if (in->Count.is_present) return 1; return 0;",
        ):
            self.assertEqual(self.unread("Make", LOOK + MAKE + "{" + use + "}"), [], use)

    def test_what_only_looks_like_a_read_is_none(self):
        for use in (
            "(void)in->Name;",
            "(void)(in->Name.len);",
            "(void)&in->Name;",
            "in->Name;",
            "in->Name.len;",
            "((struct toy_make_request *)in)->Name = (struct str){0};",
            "struct toy_make_request other = {.Name = {0}}; (void)other;",
            "(void)(in->Name.len > 0);",
            "(void)*in->Name.ptr;",
            "(void)(in->Name.ptr != NULL && in->Name.len == 3 ? 1 : 0);",
            "in->Name.len > 0;",
            "struct str kept; kept = in->Name; (void)kept;",
            "(void)sizeof(in->Name); if (sizeof(in->Name) == 1) return 1;",
            "struct str unused = in->Name; (void)unused;",
            'const char *text = "in->Name"; return text[0]; // in->Name',
        ):
            text = MAKE + "{ if (in->Count.is_present) return 1;" + use + "\n return 0; }"
            self.assertEqual(self.unread("Make", text), ["Name"], use)

    def test_reads_in_helpers_of_other_files_and_in_bodies_count(self):
        helper = (
            "int helper(const void *arg); int helper(const void *arg)\n"
            "{ const struct toy_make_request *in = arg; return in->Name.len + in->Count.value; }\n"
        )
        call = "int helper(const void *arg);\n" + MAKE + "{ return helper(in); }"
        self.assertEqual(self.unread("Make", call, helper), [])
        pointer = (
            "int helper(const void *arg); int run(int (*f)(const void *), const void *arg);\n"
            + MAKE
            + "{ return run(helper, in); }"
        )
        self.assertEqual(self.unread("Make", pointer, helper), [])

    def test_reads_that_the_handler_does_not_reach_do_not_count(self):
        other = "int other(const struct toy_make_request *in); int other(const struct toy_make_request *in) { return in->Name.len + in->Count.value; }\n"
        self.assertEqual(self.unread("Make", other + MAKE + "{ return 0; }"), ["Name", "Count"])

    def test_tables_of_offsets_are_reads_where_they_are_used(self):
        table = "static const size_t places[] = {offsetof(struct toy_make_request, Name), offsetof(struct toy_make_request, Count)};\n"
        self.assertEqual(
            self.unread("Make", table + MAKE + "{ return ((const char *)in)[places[0]]; }"), []
        )
        self.assertEqual(self.unread("Make", table + MAKE + "{ return 0; }"), ["Name", "Count"])

    def test_every_depth_is_looked_into(self):
        self.assertEqual(self.unread("Copy", COPY + "{ return 0; }"), ["Toy", "Toys", "Marks"])
        text = COPY + "{ return in->Toy != NULL && in->Toys.count && in->Marks.count; }"
        self.assertEqual(
            self.unread("Copy", text), ["Toy.Color", "Toy.Inner", "Marks.key", "Marks.value"]
        )
        self.assertEqual(
            self.unread("Copy", LOOK + COPY + "{ " + READS + " return 0; }"),
            ["Toy.Inner", "Marks.value"],
        )

    def test_a_written_output_of_the_same_type_is_no_read(self):
        text = LOOK + COPY + "{ out->Color = in->Toy->Inner->Color; (void)look(in->Marks.items[0].key);"
        text += " return in->Toys.count + (in->Marks.items[0].value.Inner != NULL); }"
        self.assertEqual(self.unread("Copy", text), [])
        text = COPY + "{ out->Color = (struct str){0}; return in->Toy && in->Toys.count && in->Marks.count; }"
        self.assertIn("Toy.Color", self.unread("Copy", text))

    def test_what_service_json_lists_needs_no_read(self):
        text = LOOK + COPY + "{ " + READS + " return 0; }"
        said = {
            "refused": {"Copy": {"Toys.Inner": "not built"}},
            "stored": {"Copy": {"Marks.value": "kept"}},
        }
        self.assertEqual(self.found("Copy", text, **said), [])

    def test_a_list_that_is_wrong_is_found(self):
        text = MAKE + "{ return in->Name.len + in->Count.value; }"
        for said, part in (
            ({"refused": {"Make": {"Name": "why"}}}, "Name is refused in service.json, but"),
            ({"ignored": {"Make": {"Count": "why"}}}, "Count is ignored in service.json, but"),
            ({"ignored": {"Make": {"Nothing": "why"}}}, "MakeRequest has no member 'Nothing'"),
            ({"ignored": {"Make": {"Name.X": "why"}}}, "Text has no member 'X'"),
            ({"ignored": {"Make": {"Name": " "}}}, "'Name' needs a reason"),
            ({"ignored": {"Bake": {"Name": "why"}}}, "no operation of this name is built"),
        ):
            found = self.found("Make", text, **said)
            self.assertEqual(len(found), 1, said)
            self.assertIn(part, found[0])
        twice = {"refused": {"Make": {"Name": "why"}}, "stored": {"Make": {"Name": "why"}}}
        found = self.found("Make", text, **twice)
        self.assertTrue(any("said to be refused" in problem for problem in found))

    def test_code_that_does_not_compile_is_found(self):
        self.assertTrue(self.found("Make", MAKE + "{ return in->Nome.len; }"))

    def test_a_service_that_no_build_compiles_is_found(self):
        self.assertIn("no file of it is compiled", self.found("Make")[0])


if __name__ == "__main__":
    unittest.main()

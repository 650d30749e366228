#!/usr/bin/env python3
# Proves that each check can fail, and that it does not fail on what is good.
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import check_banned
import check_headers
import check_layers
import check_paths
from gen import members
import new_service
import services_doc
import sources
from gen.problem import Problem
from gen.service import load_service

TEXT = {"shape": "Text"}
TOY_MODEL = {
    "metadata": {
        "apiVersion": "2000-01-01",
        "endpointPrefix": "toy",
        "protocol": "query",
        "serviceFullName": "AWS Toy",
    },
    "operations": {
        "Make": {"name": "Make", "input": {"shape": "MakeRequest"}},
        "Break": {"name": "Break"},
    },
    "shapes": {
        "MakeRequest": {
            "type": "structure",
            "members": {
                "Name": TEXT,
                "Parts": {"shape": "PartList"},
                "Marks": {"shape": "Marks"},
                "Labels": {"shape": "Labels"},
            },
        },
        "Part": {"type": "structure", "members": {"Size": TEXT, "Parts": {"shape": "PartList"}}},
        "PartList": {"type": "list", "member": {"shape": "Part"}},
        "Marks": {"type": "map", "key": TEXT, "value": {"shape": "Part"}},
        "Labels": {"type": "list", "member": TEXT},
        "Text": {"type": "string"},
    },
}


def toy_tree(folder, operations=(), **said):
    """A tree with the pinned model of Toy, and its service when it has operations; the models."""
    root = pathlib.Path(folder)
    model = root / "cache/1.0/toy/2000-01-01/service-2.json"
    for path in (root / "services", root / "tests/sdk", model.parent, root / "models/patches"):
        path.mkdir(parents=True)
    model.write_text(json.dumps(TOY_MODEL))
    pins = {"releases": {"1.0": {"models": ["toy/2000-01-01"]}, "0.9": {"models": ["old/1999"]}}}
    (root / "models/pins.json").write_text(json.dumps(pins))
    if operations:
        write_toy(root, operations, **said)
    return root, root / "cache"


def write_toy(root, operations, **said):
    (root / "services/toy").mkdir(exist_ok=True)
    models = [{"release": "1.0", "path": "toy/2000-01-01"}]
    actions = {name: {"needs": [], "reason": "IAM knows no toys"} for name in operations}
    raw = {"name": "toy", "models": models, "operations": operations, "actions": actions, **said}
    (root / "services/toy/service.json").write_text(json.dumps(raw))


def count(check, path, text):
    return len(list(check.file_problems(pathlib.Path(path), text)))


class Layers(unittest.TestCase):
    def test_includes_that_point_down_are_good(self):
        good = {
            "src/base/arena.c": "src/base/arena.h",
            "src/store/kv.c": "src/base/str.h",
            "src/auth/sigv4.c": "src/http/message.h",
            "src/cloud/main.c": "src/store/kv.h",
            "services/sqs/send.c": "services/sqs/queue.h",
            "services/sns/publish.c": "services/sqs/sqs_client.h",
            "services/sqs/queue.c": "src/cloud/call.h",
            "tests/bench/load.c": "src/auth/sigv4.h",
        }
        for path, include in good.items():
            self.assertEqual(count(check_layers, path, f'#include "{include}"\n'), 0, path)

    def test_includes_that_point_up_or_aside_are_found(self):
        bad = {
            "src/base/arena.c": "src/task/fiber.h",
            "src/wire/json.c": "src/task/fiber.h",
            "src/http/server.c": "src/store/kv.h",
            "src/store/kv.c": "src/cloud/call.h",
            "src/cloud/main.c": "services/sqs/queue.h",
            "src/task/loop.c": "loop.h",
            "src/extra/x.c": "src/base/str.h",
            "services/sns/publish.c": "services/sqs/queue.h",
        }
        for path, include in bad.items():
            self.assertEqual(count(check_layers, path, f'#include "{include}"\n'), 1, path)

    def test_a_commented_include_is_none(self):
        self.assertEqual(count(check_layers, "src/base/x.c", '// #include "src/task/fiber.h"\n'), 0)


class Banned(unittest.TestCase):
    def test_calls_are_found(self):
        self.assertEqual(count(check_banned, "src/task/x.c", "    strcpy(a, b);\n"), 1)
        self.assertEqual(
            count(check_banned, "src/http/x.c", "x = time (NULL);\ny = accept4(fd);\n"), 2
        )
        self.assertEqual(count(check_banned, "services/sqs/x.c", "if (getrandom(b, 1, 0))\n"), 1)

    def test_what_only_looks_like_a_call_is_good(self):
        good = (
            '// strcpy(a, b)\nlog("time(x)");\nsocket_connect(x);\nv->connect(x);\nuint64_t time;\n'
        )
        self.assertEqual(count(check_banned, "src/http/x.c", good), 0)

    def test_a_unit_test_may_be_a_client(self):
        text = "fd = socket(a, b, c);\nx = atoi(y);\n"
        self.assertEqual(count(check_banned, "src/http/test_server.c", text), 1)

    def test_the_task_layer_may(self):
        self.assertEqual(
            count(check_banned, "src/task/x.c", "clock_gettime(CLOCK_MONOTONIC, &t);\n"), 0
        )


class Headers(unittest.TestCase):
    GOOD = f"// What it is for.\n{check_headers.SPDX}\n#pragma once\nint x(void);\n"

    def problems(self, text, name="src/base/x.h"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_text(text)
            return list(check_headers.problems(pathlib.Path(folder)))

    def test_a_good_header(self):
        self.assertEqual(self.problems(self.GOOD), [])

    def test_a_header_that_needs_another_is_found(self):
        self.assertEqual(len(self.problems(self.GOOD + "size_t y(void);\n")), 1)

    def test_missing_lines_are_found(self):
        self.assertEqual(len(self.problems("#pragma once\n")), 2)
        self.assertEqual(len(self.problems(self.GOOD.replace("#pragma once\n", ""))), 1)
        self.assertEqual(len(self.problems("int x;\n", "src/base/x.c")), 2)


class Paths(unittest.TestCase):
    def test_names_of_machines_are_found(self):
        for bad in (
            "see /home/me/notes",
            "'/work/mine/x'",
            "../secret",
            "https://pypi.org" "/simple/x",
        ):
            self.assertEqual(count(check_paths, "docs/x.md", bad.replace("../", "../../")), 1, bad)

    def test_paths_of_the_project_and_of_debian_are_good(self):
        good = "/usr/bin/python3 /proc/self ../README.md src/work/x http://x.example/home/y ${D}/root/x"
        self.assertEqual(count(check_paths, "docs/x.md", good), 0)


class Text(unittest.TestCase):
    def test_lines_keep_their_numbers(self):
        text = '/* a\nb */ "x\\"y" // c\nz'
        self.assertEqual(sources.without(text, keep_strings=False).count("\n"), 2)
        self.assertIn('"x\\"y"', sources.without(text, keep_strings=True))


class PathsOfMembers(unittest.TestCase):
    """That the code reads them is checked by check_members.py, whose tests need libclang."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            root, models = toy_tree(folder, ["Make"])
            cls.shapes = load_service(root, models, "toy").shapes

    def resolve(self, path):
        shape, index = members.resolve(self.shapes, "MakeRequest", path)
        return shape, self.shapes[shape].rows[index].name

    def test_lists_are_no_steps_and_maps_are(self):
        self.assertEqual(self.resolve("Labels"), ("MakeRequest", "Labels"))
        self.assertEqual(self.resolve("Parts.Size"), ("Part", "Size"))
        self.assertEqual(self.resolve("Marks.value.Parts.Parts.Size"), ("Part", "Size"))
        self.assertEqual(self.resolve("Marks.key"), ("Marks", "key"))

    def test_paths_that_lead_nowhere_are_found(self):
        for bad in ("Nothing", "Name.X", "Parts.member", "Marks.Size", "Labels.x", ""):
            with self.assertRaises(members.Unknown, msg=bad):
                members.resolve(self.shapes, "MakeRequest", bad)

    def refusals(self, *paths):
        found = members.refusals(self.shapes, "MakeRequest", paths)
        return {(f"{s}.{self.shapes[s].rows[i].name}", is_refused) for s, i, is_refused in found}

    def test_the_table_holds_what_is_refused_and_what_leads_there(self):
        self.assertEqual(self.refusals("Name"), {("MakeRequest.Name", True)})
        self.assertEqual(
            self.refusals("Marks.value.Size"),
            {
                ("Part.Size", True),
                ("MakeRequest.Parts", False),
                ("MakeRequest.Marks", False),
                ("Part.Parts", False),
                ("PartList.member", False),
                ("Marks.value", False),
            },
        )
        # A list that is refused itself need not be looked into.
        self.assertIn(("Part.Parts", True), self.refusals("Parts.Parts", "Parts.Size"))

    def test_lists_that_are_wrong_are_found(self):
        for said in (
            {"refused": {"Make": {"Nothing": "why"}}},
            {"ignored": {"Bake": {"Name": "why"}}},
            {"ignored": {"Break": {"Name": "why"}}},
            {"stored": {"Make": {"Name": ""}}},
            {"refused": {"Make": {"Name": "why"}}, "stored": {"Make": {"Name": "why"}}},
            {"refused": {"Make": {"Parts.Size": "why", "Parts.Parts.Size": "why"}}},
        ):
            operations = {"Make": "MakeRequest", "Break": None}
            self.assertEqual(len(members.listed(said, self.shapes, operations)[1]), 1, said)


class ServicesDoc(unittest.TestCase):
    def test_it_is_written_and_found_old(self):
        with tempfile.TemporaryDirectory() as folder:
            root, models = toy_tree(folder, ["Make"])
            self.assertEqual(len(services_doc.problems(root, models)), 1)
            services_doc.write(root, models)
            self.assertEqual(services_doc.problems(root, models), [])
            self.assertIn("| 1 of 2 | query | 0 | 0 | 0 |", (root / services_doc.PATH).read_text())
            write_toy(root, ["Make", "Break"])
            self.assertEqual(len(services_doc.problems(root, models)), 1)

    def test_it_shows_what_becomes_of_members(self):
        with tempfile.TemporaryDirectory() as folder:
            root, models = toy_tree(folder, ["Make"])
            service = load_service(root, models, "toy")
            for kind in members.KINDS:
                raw = {kind: {"Make": {"Name": "toys have no names"}}}
                lines = services_doc.section(service, raw)
                self.assertIn(f"| Make | `Name` | {kind}: toys have no names |", lines)
                self.assertEqual(services_doc.summary(service, raw).count("| 1 "), 2)  # and 1 of 2


class NewService(unittest.TestCase):
    def test_it_can_be_generated_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            root, models = toy_tree(folder)
            new_service.make(root, models, "toy")
            service = load_service(root, models, "toy")
            self.assertEqual([op.name for op in service.operations if op.is_built], [])
            self.assertIn("AWS Toy", (root / "services/toy/README.md").read_text())
            self.assertIn('"toy"', (root / "tests/sdk/test_toy.py").read_text())
            self.assertEqual(services_doc.problems(root, models), [])

    def refused(self, root, models, name, wanted=None):
        before = sorted(root.rglob("*"))
        with self.assertRaises(Problem) as raised:
            new_service.make(root, models, name, wanted)
        self.assertEqual(sorted(root.rglob("*")), before)
        self.assertNotIn("\n", str(raised.exception))
        return str(raised.exception)

    def test_what_cannot_be_is_refused_in_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            root, models = toy_tree(folder, ["Make"])
            self.assertIn("exists already", self.refused(root, models, "toy"))
            self.assertIn("(near: toy)", self.refused(root, models, "toyz"))
            self.assertIn("no model", self.refused(root, models, "x", "1.0:x/2000"))
            self.assertIn("no model", self.refused(root, models, "x", "nonsense"))
            for name in ("Toy", "a_b", "../x", "-x", "x-", "1x", ""):
                self.assertIn("is no name", self.refused(root, models, name))
            (root / "tests/sdk/test_old.py").write_text("")
            self.assertIn("test_old.py exists", self.refused(root, models, "old"))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# Proves that each check can fail, and that it does not fail on what is good.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import check_banned
import check_headers
import check_layers
import check_paths
import sources


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


if __name__ == "__main__":
    unittest.main()

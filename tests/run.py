#!/usr/bin/env python3
# Runs every ring of tests against every build, counts, and names the command that repeats a failure.
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "build/test"
BUILDS = ("release", "asan")
PYTEST_NOTHING_FOUND = 5
CMOCKA_COUNT = {
    "passed": re.compile(r"^\[  PASSED  \] (\d+) test", re.MULTILINE),
    "failed": re.compile(r"^\[  FAILED  \] .*?(\d+) test\(s\), listed below", re.MULTILINE),
}
AS_USER = f"{sys.executable} {ROOT}/tests/as_user.py"
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


@dataclass
class Result:
    ring: str
    passed: int = 0
    failed: int = 0
    again: list = field(default_factory=list)  # commands
    seconds: float = 0


def is_path(name):
    return name.endswith(".py") or ".py::" in name


def environment(build, is_long):
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env.update(SANITIZERS)
    env["C10M_PROGRAM"] = str(ROOT / "build" / build / "c10m")
    env["C10M_TEST_LONG"] = "1" if is_long else "0"
    if is_long:
        env.setdefault("C10M_BLOB_STREAM_MIB", "5120")
    return env


def run(words, env):
    print("+ " + shlex.join(words), flush=True)
    return subprocess.run(words, cwd=ROOT, env=env).returncode


def unit_names(build):
    words = ["meson", "test", "-C", f"build/{build}", "--list"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # A line is "project:suite / name", or the name alone.
    return [
        line.split(" / ", 1)[-1] for line in listed.splitlines() if line and "ninja:" not in line
    ]


def count_unit(record, result, build):
    """One cmocka program holds several tests; any other program is one."""
    text = record.get("stdout", "") + record.get("stderr", "")
    found = {kind: sum(map(int, regex.findall(text))) for kind, regex in CMOCKA_COUNT.items()}
    if record["result"] == "OK":
        result.passed += found["passed"] or 1
        return
    result.passed += found["passed"]
    result.failed += found["failed"] or 1
    name = record["name"].split(" / ", 1)[-1]
    result.again.append(f"./dev test --build {build} {shlex.quote(name)}")


def run_unit(build, names, is_long, wrapper=None):
    """The wrapper runs those of the host layer as an ordinary user, who may do less than root."""
    who = "unit as user" if wrapper else "unit, fuzz corpora"
    result = Result(f"{who} ({build})")
    wanted = [n for n in unit_names(build) if not names or any(part in n for part in names)]
    if wrapper:
        wanted = [n for n in wanted if n.startswith("host/")]
    if not wanted:
        return result
    # meson calls the log after the program that wraps.
    suffix = f"-{pathlib.Path(wrapper.split()[0]).name}" if wrapper else ""
    log = ROOT / f"build/{build}/meson-logs/testlog{suffix}.json"
    log.unlink(missing_ok=True)
    words = ["meson", "test", "-C", f"build/{build}", "--no-rebuild", "--print-errorlogs"]
    words += [f"--wrapper={wrapper}"] if wrapper else []
    status = run(words + (wanted if names or wrapper else []), environment(build, is_long))
    for line in log.read_text().splitlines() if log.exists() else []:
        count_unit(json.loads(line), result, build)
    if status != 0 and result.failed == 0:
        result.failed = 1
        result.again.append(shlex.join(words))
    return result


def pytest_words(folder, names, report):
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
    ]
    paths = [name for name in names if is_path(name)]
    plain = [name for name in names if not is_path(name)]
    if plain:
        words += ["-k", " or ".join(plain)]
    return words + ([p for p in paths if p.startswith(folder)] or [folder])


def node_id(case):
    """tests/sdk/test_x.py::Class::test, from the dotted name in pytest's report."""
    parts = case.get("classname", "").split(".")
    for folder in (ROOT, ROOT / "tests"):
        for end in range(len(parts), 0, -1):
            path = folder.joinpath(*parts[:end]).with_suffix(".py")
            if path.exists():
                return "::".join([str(path.relative_to(ROOT)), *parts[end:], case.get("name", "")])
    return case.get("name", "")


def count_case(case, result, build):
    """A test that was skipped did not show anything: it counts as failed."""
    if not any(case.find(tag) is not None for tag in ("failure", "error", "skipped")):
        result.passed += 1
        return
    result.failed += 1
    which = f"--build {build} " if build else ""
    result.again.append(f"./dev test {which}{shlex.quote(node_id(case))}")


def run_pytest(ring, folder, build, names, is_long):
    result = Result(f"{ring} ({build})" if build else ring)
    if any(map(is_path, names)) and not any(n.startswith(folder) for n in names if is_path(n)):
        return result
    report = RESULTS / f"{ring}-{build}.xml"
    report.unlink(missing_ok=True)
    words = pytest_words(folder, names, report)
    status = run(words, environment(build or "release", is_long))
    if report.exists():
        for case in ElementTree.parse(report).iter("testcase"):
            count_case(case, result, build)
    if status not in (0, PYTEST_NOTHING_FOUND) and result.failed == 0:
        result.failed = 1
        result.again.append(shlex.join(words))
    return result


def run_proto(build, names, is_long):
    """botocore against the interpreters: one program of its own, which counts its cases itself."""
    result = Result(f"proto ({build})")
    if names and "proto" not in names:
        return result
    folder, report = f"build/{build}/tests/proto", RESULTS / f"proto-{build}.json"
    report.unlink(missing_ok=True)
    words = [sys.executable, "tests/proto/proto.py", "--program", f"{folder}/proto_ring"]
    words += ["--report", str(report)]
    env = environment(build, is_long)
    status = run(["ninja", "-C", f"build/{build}", "--quiet", "tests/proto/proto_ring"], env)
    status = status or run(words, env)
    if report.exists():
        counts = json.loads(report.read_text())
        result.passed, result.failed = counts["passed"], counts["failed"]
    if status != 0:
        result.failed = max(result.failed, 1)
        result.again.append(f"./dev test --build {build} proto")
    return result


def rings(options):
    """What to run, in order: the quick and telling ones first."""
    names, is_long = options.names, options.long
    builds = [options.build] if options.build else BUILDS
    yield lambda: run_pytest("checks", "tools/test_checks.py", None, names, is_long)
    if not any(map(is_path, names)):
        for build in builds:
            yield lambda build=build: run_unit(build, names, is_long)
            if os.geteuid() == 0:
                yield lambda build=build: run_unit(build, names, is_long, AS_USER)
        for build in builds:
            yield lambda build=build: run_proto(build, names, is_long)
    yield lambda: run_pytest("dev", "tests/dev", None, names, is_long)
    # What it preloads is of the release build.
    if "release" in builds:
        yield lambda: run_pytest("power", "tests/power", "release", names, is_long)
    for ring in ("sim", "wire", "sdk", "store", "upgrade", "browser", "crash", "host"):
        for build in builds:
            folder = f"tests/{ring}"
            yield lambda ring=ring, folder=folder, build=build: run_pytest(
                ring, folder, build, names, is_long
            )
    for build in builds:
        yield lambda build=build: run_pytest(
            "histories", "tests/histories", build, names, is_long
        )
    if is_long:
        yield lambda: run_pytest("mutants", "tests/mutants", "release", names, is_long)


def run_rings(options):
    results = []
    for ring in rings(options):
        began = time.monotonic()
        result = ring()
        result.seconds = time.monotonic() - began
        if result.passed + result.failed == 0:
            continue
        results.append(result)
        print(
            f"-- {result.ring}: {result.passed} passed, {result.failed} failed, {result.seconds:.0f} s\n",
            flush=True,
        )
    return results


def main():
    parser = argparse.ArgumentParser(prog="./dev test")
    parser.add_argument("--long", action="store_true", help="also what takes long: many kills, many seeds, much data")
    parser.add_argument("--build", choices=BUILDS, help="only this build (default: both)")
    parser.add_argument("names", nargs="*", help="parts of test names, or tests/FILE.py::TEST")
    options = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    results = run_rings(options)
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    for result in results:
        print(
            f"{result.ring:32} {result.passed:5} passed {result.failed:4} failed {result.seconds:6.0f} s"
        )
    for command in dict.fromkeys(command for result in results for command in result.again):
        print(f"failed; alone: {command}")
    if passed + failed == 0:
        print("no test has such a name")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())

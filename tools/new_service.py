#!/usr/bin/env python3
# Makes the folder of a new service, which builds and answers 501 to everything, and a test that says so.
# SPDX-License-Identifier: Apache-2.0
import argparse
import difflib
import json
import pathlib
import re
import sys

import services_doc
import sources
from gen.model import load_model
from gen.problem import Problem, read_json

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

MESON = """\
generated = custom_target(kwargs: service_target)
service_sources += files()
"""
README = """\
# {title}

Nothing is built yet: every operation answers 501 `NotImplemented`. Keeps nothing.
What comes next: `docs/first-operation.md`.
"""
TEST = """\
# {title} by boto3.
# SPDX-License-Identifier: Apache-2.0
from support import unbuilt


def test_operations_that_are_not_built_say_so(server):
    unbuilt.check(server, "{name}")
"""


def version(text):
    return [int(part) for part in text.split(".")]


def pinned(root):
    """(release, path) of every model, the newest release first."""
    releases = read_json(root / "models/pins.json")["releases"]
    return [(r, path) for r in sorted(releases, key=version, reverse=True) for path in releases[r]["models"]]


def find_model(root, name, wanted):
    """wanted: RELEASE:PATH, or None: the newest model of this name."""
    models = pinned(root)
    if wanted:
        release, _, path = wanted.partition(":")
        if (release, path) not in models:
            raise Problem(f"models/pins.json has no model '{path}' of release '{release}'")
        return release, path
    found = next((model for model in models if model[1].split("/")[0] == name), None)
    if found is None:
        names = sorted({path.split("/")[0] for _, path in models})
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
        hint = f" (near: {', '.join(near)})" if near else ""
        raise Problem(f"models/pins.json has no model named '{name}'{hint}: pin it, or say --model RELEASE:PATH")
    return found


def test_path(root, name):
    return root / f"tests/sdk/test_{name.replace('-', '_')}.py"


def check_name(root, name):
    if not NAME.fullmatch(name):
        raise Problem(f"'{name}' is no name for a service: small letters, digits, single hyphens")
    prefix = name.replace("-", "_")
    for folder in (root / "services").glob("*/service.json"):
        if folder.parent.name.replace("-", "_") == prefix:
            raise Problem(f"services/{folder.parent.name} exists already")
    for path in (root / "services" / name, test_path(root, name)):
        if path.exists():
            raise Problem(f"{path.relative_to(root)} exists already")


def service_json(name, release, path):
    """One operation a line, as soon as there are any."""
    model = json.dumps({"release": release, "path": path})
    return f'{{\n  "name": "{name}",\n  "models": [{model}],\n  "operations": []\n}}\n'


def make(root, models_dir, name, wanted=None):
    """The files that it wrote."""
    check_name(root, name)
    release, path = find_model(root, name, wanted)
    metadata = load_model(models_dir, root / "models/patches", release, path).metadata
    title = metadata.get("serviceAbbreviation") or metadata["serviceFullName"]
    files = {
        root / "services" / name / "service.json": service_json(name, release, path),
        root / "services" / name / "meson.build": MESON,
        root / "services" / name / "README.md": README.format(title=title),
        test_path(root, name): TEST.format(title=title, name=name),
    }
    (root / "services" / name).mkdir()
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
    services_doc.write(root, models_dir)
    return list(files)


def main():
    parser = argparse.ArgumentParser(prog="./dev new-service", description="Makes a new service.")
    parser.add_argument("name", help="of its folder, such as kms")
    parser.add_argument("--model", metavar="RELEASE:PATH", help="such as 1.44.5:kms/2014-11-01")
    parser.add_argument("--models", type=pathlib.Path, default=sources.ROOT / ".cache/models")
    args = parser.parse_args()
    try:
        written = make(sources.ROOT, args.models, args.name, args.model)
    except Problem as problem:
        print(f"new-service: {problem}", file=sys.stderr)
        return 1
    for path in written:
        print(path.relative_to(sources.ROOT))
    print(f"\nIt builds and answers 501: ./dev test --build release {args.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

# Decoding and encoding alone, beside parsers that fill no structs: jansson, simdjson and expat.
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

from machine import BUILD, LOAD_CORE, fresh, pinned, row
from support.server import ROOT

ABOUT = "decode and encode by the tables, beside jansson, simdjson and expat"
HERE = ROOT / "tests/bench"
GOALS = "goals: a third of jansson's time, XML at 500 MB/s"


def build(folder):
    """Not by meson: its peers are packages that only the bench installs."""
    models = os.environ.get("C10M_MODELS", str(ROOT / ".cache/models"))
    tables = [folder / f"bench_{name}.c" for name in ("dynamodb", "ec2", "s3")]
    libraries = [BUILD / "src/wire/libwire.a", BUILD / "src/base/libbase.a"]
    flags = ["-O3", f"-I{ROOT}", f"-I{folder}"]
    linked = "-ljansson -lsimdjson -lexpat -lpcre2-8 -lcrypto -lz -lm -lstdc++".split()
    for words in (
        [sys.executable, HERE / "wire_tables.py", models, folder],
        ["g++", *flags, "-c", HERE / "wire_simdjson.cc", "-o", folder / "simdjson.o"],
        ["cc", "-std=gnu17", "-D_GNU_SOURCE", *flags, HERE / "wire.c", *tables, folder / "simdjson.o"]
        + [*libraries, *linked, "-o", folder / "wire"],
    ):
        subprocess.run([str(word) for word in words], check=True)
    return folder / "wire"


def measured(program, seconds):
    done = subprocess.run(
        [program, str(seconds)], stdout=subprocess.PIPE, text=True, check=True,
        preexec_fn=pinned(LOAD_CORE),
    )  # fmt: skip
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: tuple(map(float, numbers)) for name, *numbers in rows}


def run(options):
    found = measured(build(fresh("wire")), min(options.seconds, 2))
    for key, name, peer in (
        ("decode", "DynamoDB PutItem: decode and validate", "jansson"),
        ("jansson", "  the same text, jansson, parsing only", None),
        ("simdjson", "  the same text, simdjson, parsing only", None),
        ("encode", "DynamoDB item: encode", None),
        ("ec2", "EC2 DescribeInstances of 1,000: encode", "ec2 expat"),
        ("ec2 expat", "  the same text, expat, parsing only", None),
        ("s3", "S3 listing of 1,000 keys: encode", "s3 expat"),
        ("s3 expat", "  the same text, expat, parsing only", None),
    ):
        size, ns, memory = found[key]
        note = f"{size * 1000 / ns:7.0f} MB/s, {size:.0f} bytes"
        note += f", {memory:.0f} bytes of memory" if memory else ""
        note += f", {ns / found[peer][1]:.2f} of {peer.split()[-1]}'s time" if peer else ""
        row(name, f"{ns / 1000:.2f} us", note)
    print(GOALS)

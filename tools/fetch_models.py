#!/usr/bin/env python3
# Fetches the pinned botocore releases and unpacks the service models that models/pins.json lists.
# SPDX-License-Identifier: Apache-2.0
import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class Problem(Exception):
    """One line: what is wrong and what to do."""


@dataclass(frozen=True)
class Release:
    package: str
    version: str
    sha256: str
    models: tuple[str, ...]  # "sqs/2012-11-05"

    @property
    def stamp(self) -> str:
        """What a complete unpacking of this release leaves behind."""
        return json.dumps({"sha256": self.sha256, "models": self.models})


def read_pins(path: Path) -> list[Release]:
    try:
        pins: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return [
            Release(pins["package"], version, pin["sha256"], tuple(pin["models"]))
            for version, pin in pins["releases"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise Problem(f"{path} cannot be read: {e}") from e


def is_unpacked(release: Release, cache: Path) -> bool:
    folder = cache / release.version
    try:
        stamp = (folder / "stamp").read_text(encoding="utf-8")
    except OSError:
        return False
    return stamp == release.stamp and all(
        (folder / m / "service-2.json").is_file() for m in release.models
    )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_wheel(release: Release, folder: Path) -> Path | None:
    """Whatever lies there is used only if it has the pinned hash."""
    wheels = folder.glob(f"{release.package}-{release.version}-*.whl")
    return next((wheel for wheel in wheels if sha256_of(wheel) == release.sha256), None)


def download(release: Release, folder: Path) -> Path:
    print(f"fetch: downloading {release.package} {release.version}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary, "requirements.txt")
        pin = f"{release.package}=={release.version} --hash=sha256:{release.sha256}\n"
        requirements.write_text(pin, encoding="utf-8")
        run_pip("--dest", str(folder), "--requirement", str(requirements))
    if wheel := find_wheel(release, folder):
        return wheel
    raise Problem(
        f"pip left no wheel of {release.package} {release.version} with the pinned hash in {folder}"
    )


def run_pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        reasons = [line for line in done.stdout.splitlines() if line.strip()] or ["it said nothing"]
        errors = [line for line in reasons if line.startswith("ERROR")]
        raise Problem(f"pip download failed: {(errors or reasons)[-1].strip()}")


def read_model(wheel: zipfile.ZipFile, release: Release, model: str) -> bytes:
    name = f"{release.package}/data/{model}/service-2.json"
    if name in wheel.namelist():
        return wheel.read(name)
    if name + ".gz" in wheel.namelist():
        return gzip.decompress(wheel.read(name + ".gz"))
    raise Problem(f"models/pins.json: {release.package} {release.version} has no model '{model}'")


def unpack(release: Release, wheel_path: Path, cache: Path) -> None:
    """Into a folder beside the place, then moved there: a half unpacked release is never seen."""
    place = cache / release.version
    with tempfile.TemporaryDirectory(dir=cache) as temporary, zipfile.ZipFile(wheel_path) as wheel:
        made = Path(temporary, release.version)
        for model in release.models:
            file = made / model / "service-2.json"
            file.parent.mkdir(parents=True)
            file.write_bytes(read_model(wheel, release, model))
        (made / "stamp").write_text(release.stamp, encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)
        made.rename(place)
    print(
        f"fetch: {len(release.models)} models of {release.package} {release.version} are in {place}"
    )


def fetch(release: Release, cache: Path) -> None:
    if is_unpacked(release, cache):
        return
    wheels = cache / "wheels"
    unpack(release, find_wheel(release, wheels) or download(release, wheels), cache)


def default_cache() -> Path:
    return Path(os.environ.get("C10M_CACHE") or ROOT / ".cache") / "models"


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetches AWS's service models, pinned by hash.")
    parser.add_argument("--pins", type=Path, default=ROOT / "models/pins.json")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder for the models")
    args = parser.parse_args()
    try:
        args.cache.mkdir(parents=True, exist_ok=True)
        for release in read_pins(args.pins):
            fetch(release, args.cache)
    except (Problem, OSError, zipfile.BadZipFile) as problem:
        print(f"fetch: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

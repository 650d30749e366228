# What a person gets to read when the generator cannot go on.
# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path
from typing import Any


class Problem(Exception):
    """One line: where, what is wrong and what to do."""


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_no_duplicates)
    except OSError as e:
        raise Problem(f"{path}: {e.strerror}") from e
    except ValueError as e:
        raise Problem(f"{path}: {e}") from e


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key '{twice}' stands there twice")
    return result


def check_keys(where: str, value: Any, needed: set[str], allowed: set[str]) -> None:
    if not isinstance(value, dict):
        raise Problem(f"{where}: this must be an object")
    if missing := needed - value.keys():
        raise Problem(f"{where}: '{min(missing)}' is missing")
    if unknown := value.keys() - needed - allowed:
        raise Problem(f"{where}: '{min(unknown)}' means nothing here")

#!/usr/bin/env python3
# Includes point down the table of layers only, and a service is seen only through its <name>_client.h.
# SPDX-License-Identifier: Apache-2.0
import re
import sys

import sources

# A layer, and those that it may use directly; what those use is included.
LAYERS = {
    "base": (),
    "task": ("base",),
    "wire": ("base",),
    "store": ("task", "wire"),
    "http": ("task",),
    "auth": ("wire", "store", "http"),
    "host": ("task", "store"),
    "cloud": ("host", "auth", "store", "http", "wire", "task", "base"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def below(layer):
    """All layers that one may use."""
    found = set()
    for direct in LAYERS[layer]:
        found |= {direct} | below(direct)
    return found


def layer_problem(layer, include):
    """Why code of src/<layer> may not include this; None when it may."""
    parts = include.split("/")
    if parts[0] != "src" or len(parts) < 3:
        return f"src/{layer} includes {include}: only headers of src/, by their path from the root"
    if parts[1] == layer or parts[1] in below(layer):
        return None
    return f"src/{layer} includes {include}: {layer} may use {', '.join(sorted(below(layer))) or 'nothing'}"


def service_problem(service, include):
    parts = include.split("/")
    if parts[0] == "src" and len(parts) >= 3 and parts[1] in LAYERS:
        return None
    if parts[0] == "services" and len(parts) >= 3:
        if parts[1] == service or parts[-1] == f"{parts[1]}_client.h":
            return None
        return f"services/{service} includes {include}: use services/{parts[1]}/{parts[1]}_client.h"
    return (
        f"services/{service} includes {include}: headers are included by their path from the root"
    )


def include_problem(path, include):
    """path: of the including file, from the root."""
    parts = path.parts
    if parts[0] == "src" and parts[1] in LAYERS:
        return layer_problem(parts[1], include)
    if parts[0] == "src":
        return f"src/{parts[1]} is no layer: it must stand in the table of tools/check_layers.py"
    if parts[0] == "services" and len(parts) > 2:
        return service_problem(parts[1], include)
    return None


def file_problems(path, text):
    for number, line in enumerate(sources.without(text, keep_strings=True).splitlines(), 1):
        match = INCLUDE.match(line)
        problem = match and include_problem(path, match.group(1))
        if problem:
            yield f"{path}:{number}: {problem}"


def problems(root=sources.ROOT):
    for path in sources.c_files(root):
        yield from file_problems(path.relative_to(root), path.read_text())


if __name__ == "__main__":
    sys.exit(sources.report("layers", list(problems())))

# Members that come a piece at a time: blobs that are streams, and streams of events.
# SPDX-License-Identifier: Apache-2.0
from typing import Any

from .model import Model, Ref
from .problem import Problem

# A stream of bytes and one of events are types of their own, under a shape beside the model's: S3's
# Body is a stream in GetObject and plain bytes in an event.


def split_streams(model: Model) -> None:
    """Changes the model: references to streams get shapes of the types "stream" and "events"."""
    inputs = {op["input"]["shape"] for op in model.operations.values() if "input" in op}
    for name, shape in list(model.shapes.items()):
        if shape.get("type") != "structure":
            continue
        members = {
            key: _split(model, f"{name}.{key}", ref, name in inputs)
            for key, ref in shape.get("members", {}).items()
        }
        model.shapes[name] = {**shape, "members": members} if members else shape


def _split(model: Model, where: str, ref: Ref, is_input: bool) -> Ref:
    target = model.shapes[ref["shape"]]
    if target.get("eventstream"):
        if is_input:
            raise Problem(f"{model.label}: {where} is an event stream that clients send: the "
                          "tables have no type for it yet")
        return _with_shape(model, ref, "Source", {"type": "events", "member": {"shape": ref["shape"]}})
    if target["type"] == "blob" and model.trait(ref, "streaming"):
        return _with_shape(model, ref, "Stream", {**target, "type": "stream"})
    return ref


def _with_shape(model: Model, ref: Ref, suffix: str, shape: dict[str, Any]) -> Ref:
    name = ref["shape"] + suffix
    if model.shapes.setdefault(name, shape) != shape:
        raise Problem(f"{model.label}: the name {name} is taken")
    return {**ref, "shape": name, "plainShape": ref["shape"]}

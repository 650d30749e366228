# The members of an operation's input, by their paths, and what service.json says about those that no code reads.
# SPDX-License-Identifier: Apache-2.0
from collections import deque

# A member is a row of a shape: wherever an input reaches the shape, it is the same member in C.
# A path names it by AWS's names: "Entries.MessageAttributes.value.DataType". A list is no step of
# its own; the steps below a map are "key" and "value".

KINDS = {
    "refused": "answered with 501 `NotImplemented` when present",
    "ignored": "accepted, without effect",
    "stored": "kept and returned, without effect",
}


class Unknown(Exception):
    """A path that leads nowhere: one line."""


def through_lists(shapes, name):
    while shapes[name].kind == "WIRE_LIST":
        name = shapes[name].rows[0].shape
    return name


def resolve(shapes, root, path):
    """(shape, index of the row) of the member at a path."""
    shape, member = root, None
    for step in path.split("."):
        shape = through_lists(shapes, shape)
        rows = shapes[shape].rows
        index = next((i for i, row in enumerate(rows) if row.name == step), None)
        if index is None:
            raise Unknown(f"'{path}': {shape} has no member '{step}'")
        member = (shape, index)
        shape = rows[index].shape
    return member


def walk(shapes, root, is_closed):
    """Each member of an input once, under its shortest path; not what lies below a closed one."""
    todo, seen = deque([("", root)]), set()
    while todo:
        path, shape = todo.popleft()
        shape = through_lists(shapes, shape)
        if shape in seen:
            continue
        seen.add(shape)
        for index, row in enumerate(shapes[shape].rows):
            below = f"{path}.{row.name}" if path else row.name
            yield below, (shape, index)
            if not is_closed((shape, index)):
                todo.append((below, row.shape))


def leads_to(shapes, targets):
    """The rows from which a target can be reached, lists' own rows included; not the targets."""
    found, is_growing = set(), True
    while is_growing:
        good = {shape for shape, _ in found | targets}
        new = {
            (name, index)
            for name, shape in shapes.items()
            for index, row in enumerate(shape.rows)
            if row.shape in good
        }
        is_growing = not new - targets <= found
        found |= new - targets
    return found


def refusals(shapes, root, paths):
    """What the table of an operation's refused members holds: (shape, index of row, is_refused)."""
    targets = {resolve(shapes, root, path) for path in paths}
    reached, todo = set(), [root]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += [row.shape for row in shapes[name].rows]
    within = {name: shape for name, shape in shapes.items() if name in reached}
    rows = [(*row, False) for row in leads_to(within, targets)]
    return sorted(rows + [(*row, True) for row in targets])


def listed(raw, shapes, operations):
    """What service.json says: {operation: {member: (kind, path)}}, and the problems of it.
    operations: the shape of each built one's input, by name; None: it has no input."""
    found, problems = {name: {} for name in operations}, []
    for kind in KINDS:
        for operation, entries in raw.get(kind, {}).items():
            where = f"{kind}: {operation}"
            if operation not in operations:
                problems.append(f"{where}: no operation of this name is built")
                continue
            for path, reason in entries.items():
                problem = add(found[operation], shapes, operations[operation], kind, path, reason)
                if problem:
                    problems.append(f"{where}: {problem}")
    return found, problems


def add(members, shapes, root, kind, path, reason):
    if not isinstance(reason, str) or not reason.strip():
        return f"'{path}' needs a reason"
    if root is None:
        return f"'{path}': the operation has no input"
    try:
        member = resolve(shapes, root, path)
    except Unknown as unknown:
        return str(unknown)
    if member in members:
        return f"'{path}' is said to be {members[member][0]} as '{members[member][1]}' already"
    members[member] = (kind, path)
    return None

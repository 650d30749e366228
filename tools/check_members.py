#!/usr/bin/env python3
# No silence: every member of an input is read by the code of its operation, or service.json says what becomes of it.
# SPDX-License-Identifier: Apache-2.0
import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import sys
from dataclasses import dataclass, field

from gen import members
import sources
from gen.problem import Problem, read_json
from gen.service import load_service, service_names

# What is a read: a member (in->X) whose value or address is used, or offsetof() of it, in a function
# or table that the handler reaches within its service. What is none: the left side of an assignment,
# sizeof, what is given to a variable that is never used, and an expression that is thrown away and
# calls and changes nothing: (void)in->X, (void)(in->X.len > 0).
# Members are told apart by struct and name, not by the object: a struct that an input holds in two
# places is read in both.
try:
    from clang.cindex import CursorKind, Index, LinkageKind, StorageClass, TypeKind
except ImportError:
    sys.exit("members: there is no libclang for this Python: install python3-clang-19 (./dev lint does)")

FLAGS = ("-I", "-D", "-std=")
TRANSPARENT = (CursorKind.UNEXPOSED_EXPR, CursorKind.PAREN_EXPR)


@dataclass
class Body:
    """What one function, or the initialiser of one table, reads and names."""

    reads: set = field(default_factory=set)  # (struct, member)
    names: set = field(default_factory=set)  # functions and tables

    def add(self, other):
        self.reads |= other.reads
        self.names |= other.names


class Reader:
    """Walks the syntax tree of one function."""

    def __init__(self):
        self.body = Body()
        self.pending = {}  # by local variable: what its initialiser reads
        self.used = set()  # local variables
        self.sink = self.body.reads

    def finish(self):
        for variable, reads in self.pending.items():
            if variable in self.used:
                self.body.reads |= reads
        return self.body

    def children(self, cursor):
        for child in cursor.get_children():
            self.visit(child)

    def visit(self, cursor):
        visit = VISITS.get(cursor.kind, Reader.children)
        visit(self, cursor)

    def member(self, cursor):
        self.put(cursor.referenced)
        self.children(cursor)

    def put(self, declaration):
        if declaration is not None and declaration.kind == CursorKind.FIELD_DECL:
            self.sink.add((declaration.semantic_parent.spelling, declaration.spelling))

    def name(self, cursor):
        target = cursor.referenced
        if target is None:
            return
        if target.kind == CursorKind.FUNCTION_DECL or is_global(target):
            self.body.names.add(target.get_usr())
        elif target.kind == CursorKind.VAR_DECL:
            self.used.add(target.hash)

    def assignment(self, cursor):
        left, right = cursor.get_children()
        if cursor.spelling != "=":
            self.visit(left)
            self.visit(right)
        elif is_local(left.referenced) and left.kind == CursorKind.DECL_REF_EXPR:
            self.given(left.referenced, right)
        else:
            self.written(left)
            self.visit(right)

    def given(self, variable, value):
        """What a local variable holds is read when the variable is used."""
        outer, self.sink = self.sink, self.pending.setdefault(variable.hash, set())
        self.visit(value)
        self.sink = outer

    def written(self, cursor):
        """A place is no read, but the pointer that leads to it is one."""
        while cursor.kind in (CursorKind.MEMBER_REF_EXPR, CursorKind.PAREN_EXPR):
            cursor = next(cursor.get_children(), None)
            if cursor is None:
                return
        if cursor.kind == CursorKind.DECL_REF_EXPR:
            return
        self.visit(cursor)

    def cast(self, cursor):
        if cursor.type.kind != TypeKind.VOID:
            self.children(cursor)
            return
        for child in cursor.get_children():
            self.discarded(child)

    def discarded(self, cursor):
        if has_effect(cursor):
            self.visit(cursor)

    def statements(self, cursor):
        for child in cursor.get_children():
            if child.kind.is_expression() and not is_void(child):
                self.discarded(child)
            else:
                self.visit(child)

    def variable(self, cursor):
        outer, self.sink = self.sink, self.pending.setdefault(cursor.hash, set())
        self.children(cursor)
        self.sink = outer

    def expression(self, cursor):
        """libclang has no kind for offsetof: it is what names a type and then a member. A
        designated initialiser names a member only."""
        seen_type = False
        for child in cursor.get_children():
            if child.kind == CursorKind.MEMBER_REF and seen_type:
                self.put(child.referenced)
            seen_type = seen_type or child.kind == CursorKind.TYPE_REF
            self.visit(child)

    def nothing(self, cursor):
        pass


EFFECTS = (
    CursorKind.CALL_EXPR,
    CursorKind.COMPOUND_ASSIGNMENT_OPERATOR,
    CursorKind.StmtExpr,
    CursorKind.ASM_STMT,
)
VISITS = {
    CursorKind.MEMBER_REF_EXPR: Reader.member,
    CursorKind.DECL_REF_EXPR: Reader.name,
    CursorKind.BINARY_OPERATOR: Reader.assignment,
    CursorKind.CSTYLE_CAST_EXPR: Reader.cast,
    CursorKind.COMPOUND_STMT: Reader.statements,
    CursorKind.VAR_DECL: Reader.variable,
    CursorKind.UNEXPOSED_EXPR: Reader.expression,
    CursorKind.CXX_UNARY_EXPR: Reader.nothing,  # sizeof
}


def has_effect(cursor):
    """Whether an expression calls or changes something."""
    if cursor.kind in EFFECTS or (cursor.kind == CursorKind.BINARY_OPERATOR and cursor.spelling == "="):
        return True
    if cursor.kind == CursorKind.UNARY_OPERATOR:
        is_step = any(token.spelling in ("++", "--") for token in cursor.get_tokens())
        return is_step or any(map(has_effect, cursor.get_children()))
    return any(map(has_effect, cursor.get_children()))


def is_void(cursor):
    return cursor.kind == CursorKind.CSTYLE_CAST_EXPR and cursor.type.kind == TypeKind.VOID


def is_local(declaration):
    return (
        declaration is not None
        and declaration.kind == CursorKind.VAR_DECL
        and declaration.linkage == LinkageKind.NO_LINKAGE
        and declaration.storage_class != StorageClass.STATIC
    )


def is_global(declaration):
    return (
        declaration.kind == CursorKind.VAR_DECL and declaration.linkage != LinkageKind.NO_LINKAGE
    )


def is_body(cursor, folder):
    if cursor.kind not in (CursorKind.FUNCTION_DECL, CursorKind.VAR_DECL):
        return False
    file = cursor.location.file
    return cursor.is_definition() and file and folder in pathlib.Path(file.name).resolve().parents


def file_bodies(path, flags, folder):
    """By name, what the functions and tables of one file do, and its compiler's errors."""
    unit = Index.create().parse(str(path), args=flags)
    errors = [str(d) for d in unit.diagnostics if d.severity >= d.Error]
    found = {}
    for cursor in unit.cursor.get_children():
        if is_body(cursor, folder):
            reader = Reader()
            reader.children(cursor)
            found.setdefault(cursor.get_usr(), Body()).add(reader.finish())
    return found, errors


def bodies(commands, folder):
    """commands: (path, flags) of every file of a service."""
    found, errors = {}, []
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for names, wrong in pool.map(file_bodies, *zip(*commands), [folder] * len(commands)):
            errors += wrong
            for name, body in names.items():
                found.setdefault(name, Body()).add(body)
    return found, errors


def reads_of(found, handler):
    """What everything that a handler reaches reads."""
    reads, seen, todo = set(), set(), [f"c:@F@{handler}"]
    while todo:
        name = todo.pop()
        if name in seen or name not in found:
            continue
        seen.add(name)
        reads |= found[name].reads
        todo += found[name].names
    return reads


def in_c(shapes, member):
    """How a member is named in C: (struct, member)."""
    shape = shapes[member[0]]
    owner = shape.entry_type if shape.kind == "WIRE_MAP" else shape.c_type
    return owner.removeprefix("struct "), shape.rows[member[1]].c_name


def operation_problems(shapes, root, said, reads):
    """said: {member: (kind, path)} from service.json."""
    for path, member in members.walk(
        shapes, root, lambda m: m in said or in_c(shapes, m) not in reads
    ):
        is_read = in_c(shapes, member) in reads
        kind = said.get(member, (None, None))[0]
        if kind is None and not is_read:
            yield f"{path} is read by no code: read it, or list it in service.json as refused, ignored or stored"
        elif kind in ("refused", "ignored") and is_read:
            yield f"{path} is {kind} in service.json, but the code reads it"


def service_problems(service, raw, commands, folder):
    where = f"services/{service.name}/service.json"
    built = {op.name: op for op in service.operations if op.is_built}
    said, problems = members.listed(
        raw, service.shapes, {name: op.input for name, op in built.items()}
    )
    yield from (f"{where}: {problem}" for problem in problems)
    if not built:
        return
    if not commands:
        yield f"{where}: no file of it is compiled in this build"
        return
    found, errors = bodies(commands, folder)
    if errors:  # what is read cannot be known then
        yield from errors
        return
    for name, op in built.items():
        if op.input:
            for problem in operation_problems(
                service.shapes, op.input, said[name], reads_of(found, op.c_name)
            ):
                yield f"{where}: {name}: {problem}"


def compile_commands(build, folder):
    """(path, flags) of the files of a folder that a build compiles; tests are no part of a service."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if folder in path.parents and not path.name.startswith(("test_", "fuzz_")):
            words = [w for w in shlex.split(entry["command"]) if w.startswith(FLAGS)]
            found[path] = [f"-working-directory={entry['directory']}", *words]
    return sorted(found.items())


def problems(root, build, models, names):
    for name in names or service_names(root):
        folder = (root / "services" / name).resolve()
        raw = read_json(folder / "service.json")
        service = load_service(root, models, name)
        yield from service_problems(service, raw, compile_commands(build, folder), folder)


def main():
    parser = argparse.ArgumentParser(description="Finds members of inputs that no code reads.")
    parser.add_argument("--build", type=pathlib.Path, default=sources.ROOT / "build/release")
    parser.add_argument("--models", type=pathlib.Path, default=sources.ROOT / ".cache/models")
    parser.add_argument("services", nargs="*", help="default: all")
    args = parser.parse_args()
    try:
        found = list(problems(sources.ROOT, args.build, args.models, args.services))
    except Problem as problem:
        found = [str(problem)]
    return sources.report("members", found)


if __name__ == "__main__":
    sys.exit(main())

"""Crash images: what a disk may hold after power is lost, given a record of what was asked of it."""
# SPDX-License-Identifier: Apache-2.0
import posixpath
import struct
from dataclasses import dataclass, field

(WRITE, SYNC, SYNC_DIR, CREATE, RENAME, UNLINK, TRUNCATE, MKDIR, RMDIR, MARK, LINK) = range(11)
HEAD = struct.Struct("<IIQqQ")
HOW_FILES = ("none", "all", "prefix", "torn", "subset")
HOW_DIRS = ("none", "all", "prefix")


@dataclass
class Step:
    kind: int
    path: str
    offset: int
    data: bytes
    file: "File | None" = None
    to: str = ""


@dataclass
class File:
    """One inode. Its changes are indices of steps, as are the moments at which it was synced."""

    changes: list = field(default_factory=list)
    syncs: list = field(default_factory=list)


def parent(path):
    return path.rsplit("/", 1)[0] or "/"


def read(path):
    """The steps of a record. Inode numbers are used again, so each creation begins a file."""
    steps, inodes, names = [], {}, {}
    raw, at = path.read_bytes(), 0
    while at + HEAD.size <= len(raw):
        kind, path_len, inode, offset, length = HEAD.unpack_from(raw, at)
        at += HEAD.size
        name = posixpath.normpath("/" + raw[at : at + path_len].decode().strip("/"))
        at += path_len
        has_data = kind in (WRITE, RENAME, MARK, LINK)
        data = raw[at : at + length] if has_data else b""
        at += length if has_data else 0
        steps.append(Step(kind, name, offset, data))
        note(steps, inodes, names, inode)
    return steps


def note(steps, inodes, names, inode):
    step, index = steps[-1], len(steps) - 1
    if step.kind == CREATE:
        step.file = inodes[inode] = names[step.path] = File()
    elif step.kind in (WRITE, TRUNCATE, SYNC):
        # One that was there before the record began has no history: the root begins empty.
        step.file = inodes.setdefault(inode, File())
        (step.file.syncs if step.kind == SYNC else step.file.changes).append(index)
    elif step.kind in (RENAME, LINK):
        step.to = step.data.decode()
        step.file = names.get(step.path)
        if step.file:
            names[step.to] = step.file
        else:  # a directory
            for path in [path for path in names if path.startswith(step.path + "/")]:
                names[moved(path, step)] = names.pop(path)


def choose(count, how, random):
    """Which of `count` unsynced changes are on the disk; None at the end: all of it, else a part."""
    if how == "none":
        return []
    if how == "all":
        return list(range(count))
    if how == "subset":
        return [i for i in range(count) if random.random() < 0.5]
    return list(range(random.randint(0, count)))


def contents(steps, file, moment, how, random):
    synced = max((i for i in file.syncs if i < moment), default=-1)
    before = [i for i in file.changes if i < synced]
    after = [i for i in file.changes if synced < i < moment]
    kept = [after[i] for i in choose(len(after), how, random)]
    out = bytearray()
    for index in before + kept:
        step = steps[index]
        data = step.data
        if how == "torn" and kept and index == kept[-1] and step.kind == WRITE:
            data = data[: random.randint(0, len(data))]
        if step.kind == TRUNCATE:
            del out[step.offset :]
            out.extend(bytes(step.offset - len(out)))
        else:
            out.extend(bytes(max(0, step.offset - len(out))))
            out[step.offset : step.offset + len(data)] = data
    return out


def entry_dir(step):
    return parent(step.to) if step.kind in (RENAME, LINK) else parent(step.path)


def moved(path, step):
    """Where it is after the rename of a directory above it, or of itself."""
    is_inside = path == step.path or path.startswith(step.path + "/")
    return step.to + path[len(step.path) :] if is_inside else path


class Directories:
    """Which changes of names each directory has seen, and how many of them are synced. A directory
    that is renamed stays itself."""

    def __init__(self):
        self.ids, self.changes, self.synced, self.count = {}, {}, {}, 0

    def id_of(self, path):
        if path not in self.ids:
            self.count += 1
            self.ids[path] = self.count
        return self.ids[path]

    def note(self, index, step):
        if step.kind == SYNC_DIR:
            self.synced[self.id_of(step.path)] = index
        elif step.kind in (CREATE, RENAME, UNLINK, MKDIR, RMDIR, LINK):
            self.changes.setdefault(self.id_of(entry_dir(step)), []).append(index)
        if step.kind == RENAME and step.path in self.ids:
            self.ids = {moved(path, step): number for path, number in self.ids.items()}

    def kept(self, how, random):
        for number, indices in sorted(self.changes.items()):
            synced = self.synced.get(number, -1)
            after = [i for i in indices if i > synced]
            yield from (i for i in indices if i <= synced)
            chosen = choose(len(after), how or random.choice(HOW_DIRS), random)
            yield from (after[i] for i in chosen)


def entries(steps, moment, how, random):
    """Paths on the disk: of files to File, of directories to None."""
    directories = Directories()
    for index, step in enumerate(steps[:moment]):
        directories.note(index, step)
    found = {}
    for index in sorted(directories.kept(how, random)):
        found = apply_entry(steps[index], found)
    return found


def apply_entry(step, found):
    if step.kind == CREATE:
        found[step.path] = step.file
    elif step.kind == MKDIR:
        found[step.path] = None
    elif step.kind == LINK and step.file:
        found[step.to] = step.file
    elif step.kind == RENAME and step.file:
        found.pop(step.path, None)
        found[step.to] = step.file
    elif step.kind == RENAME:
        return {moved(path, step): what for path, what in found.items()}
    else:
        found.pop(step.path, None)
    return found


def build(steps, moment, where, random, files=None, dirs=None):
    """Writes one legal image of the moment before steps[moment]. files, dirs: of HOW_FILES and
    HOW_DIRS, the same for all; None: one for each, by chance."""
    where.mkdir()
    found = entries(steps, moment, dirs, random)
    for path in sorted(found):
        target = where / path.lstrip("/")
        if not target.parent.is_dir():
            continue  # its directory's own entry was lost
        if found[path] is None:
            target.mkdir(exist_ok=True)
        else:
            how = files or random.choice(HOW_FILES)
            target.write_bytes(contents(steps, found[path], moment, how, random))
            target.chmod(0o600)


def marks(steps, moment):
    return b"".join(step.data for step in steps[:moment] if step.kind == MARK).decode().splitlines()

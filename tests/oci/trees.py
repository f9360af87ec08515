"""A directory tree as a value to compare: kind, mode, owner, time, links, xattrs, content of each entry."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


def described(path: bytes) -> tuple[object, ...]:
    st = os.lstat(path)
    content: object = None
    if stat.S_ISLNK(st.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(st.st_mode):
        content = hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest()
    elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        content = st.st_rdev
    xattrs = {
        name: os.getxattr(path, name, follow_symlinks=False)
        for name in sorted(os.listxattr(path, follow_symlinks=False))
    }
    return oct(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns, xattrs, content


def entries(top: Path) -> dict[bytes, bytes]:
    """Name below `top` (b"." is itself) -> path. Names are bytes: a layer may have any."""
    found = {b".": os.fsencode(top)}
    for folder, dirs, files in os.walk(os.fsencode(top)):
        for name in dirs + files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, os.fsencode(top))] = path
    return found


def listing(top: Path, *, root: bool = False) -> dict[str, tuple[object, ...]]:
    """Everything below `top`, and with `root` itself. The last item is the names that share the inode."""
    paths = entries(top)
    if not root:
        del paths[b"."]
    groups: dict[int, list[str]] = {}
    for name, path in sorted(paths.items()):
        st = os.lstat(path)
        if not stat.S_ISDIR(st.st_mode):
            groups.setdefault(st.st_ino, []).append(os.fsdecode(name))
    return {
        os.fsdecode(name): (*described(path), groups.get(os.lstat(path).st_ino))
        for name, path in paths.items()
    }


def differences(one: Path, other: Path, *, root: bool = False) -> dict[str, tuple[object, object]]:
    """Name -> what it is in each tree, where that is not the same."""
    first, second = listing(one, root=root), listing(other, root=root)
    return {
        name: (first.get(name), second.get(name))
        for name in sorted(set(first) | set(second))
        if first.get(name) != second.get(name)
    }

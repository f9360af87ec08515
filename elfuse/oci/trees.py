"""How much room trees take. An unpacked tree never changes, so it is measured once."""

import contextlib
import os
import stat
from typing import NamedTuple

from elfuse.oci.cache import read_cache, write_cache
from elfuse.oci.layout import Store


class TreeSize(NamedTuple):
    """Bytes on disk, a hard-linked file once, and the number of entries below the top."""

    bytes: int
    entries: int


def measure(path: str, *, own: bool = False) -> TreeSize:
    """Walk a tree. What cannot be read, or goes away meanwhile, counts for nothing. own: neither do files
    that have names elsewhere too, as those of a layer: removing the tree gives nothing of them back."""
    names: dict[tuple[int, int], tuple[int, os.stat_result]] = {}
    size = count = 0
    pending = [path]
    while pending:
        try:
            entries = list(os.scandir(pending.pop()))
        except OSError:
            continue
        count += len(entries)
        for entry in entries:
            with contextlib.suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    pending.append(entry.path)
                elif found.st_nlink > 1:
                    known = names.get((found.st_dev, found.st_ino))
                    names[found.st_dev, found.st_ino] = (known[0] + 1 if known else 1), found
                    continue
                size += found.st_blocks * 512
    size += sum(found.st_blocks * 512 for seen, found in names.values() if not own or seen >= found.st_nlink)
    return TreeSize(size, count)


class TreeSizes:
    """The sizes of a store's unpacked trees by ChainID, or of its layers by diffID (64 hex digits), from
    `cache/` where known.

    What is known is of one directory, by its inode and the time it was made: a tree may be removed and
    unpacked again, and inodes are used again.
    """

    def __init__(self, store: Store, folder: str, cache: str, inner: str, *, own: bool) -> None:
        self._store = store
        self.folder = store.join(folder)
        self._cache = cache
        self._inner = inner
        self._own = own
        self._known: dict[str, tuple[str, TreeSize]] = {}
        self._learned = False
        for line in read_cache(store, cache):
            name, which, size, entries = line.split(" ")
            self._known[name] = which, TreeSize(int(size), int(entries))

    def names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self.folder) if len(name) == 64]
        except FileNotFoundError:
            return []

    def known(self, name: str) -> TreeSize | None:
        found = self._known.get(name)
        return found[1] if found is not None and found[0] == self._which(name) else None

    def of(self, name: str) -> TreeSize:
        known = self.known(name)
        if known is not None:
            return known
        which = self._which(name)
        size = measure(os.path.join(self.folder, name), own=self._own)
        # Not of one that was moved away meanwhile.
        if which and which == self._which(name):
            self._known[name] = which, size
            self._learned = True
        return size

    def has_changed(self, name: str) -> bool:
        """Whether the tree has another number of entries than it had when it was measured."""
        which, found = self._which(name), self._known.get(name)
        if not which or found is None or found[0] != which:
            return False
        now = measure(os.path.join(self.folder, name), own=self._own)
        return now.entries != found[1].entries and which == self._which(name)

    def _which(self, name: str) -> str:
        """Its inner part is changed by nobody, unlike the directory around it, whose time a claim sets."""
        try:
            found = os.stat(os.path.join(self.folder, name, self._inner))
        except OSError:
            return ""
        return f"{found.st_ino}-{found.st_ctime_ns}"

    def save(self) -> None:
        if self._learned and self._store.is_writable():
            present = set(self.names())
            lines = [
                f"{name} {which} {size.bytes} {size.entries}"
                for name, (which, size) in self._known.items()
                if name in present
            ]
            write_cache(self._store, self._cache, lines)


def stack_sizes(store: Store) -> TreeSizes:
    """Of merged trees: what each has for itself, beside the layers' files."""
    return TreeSizes(store, "stacks/sha256", "trees", "rootfs", own=True)


def layer_sizes(store: Store) -> TreeSizes:
    return TreeSizes(store, "layers/sha256", "layers", "layer.json", own=False)

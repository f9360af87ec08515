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


def measure(path: str) -> TreeSize:
    """Walk a tree. What cannot be read, or goes away meanwhile, counts for nothing."""
    seen: set[tuple[int, int]] = set()
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
                    if (found.st_dev, found.st_ino) in seen:
                        continue
                    seen.add((found.st_dev, found.st_ino))
                size += found.st_blocks * 512
    return TreeSize(size, count)


class StackSizes:
    """The sizes of a store's unpacked trees by ChainID (64 hex digits), from `cache/trees` where known.

    What is known is of one directory, by its inode and the time it was made: a tree may be removed and
    unpacked again, and inodes are used again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[str, TreeSize]] = {}
        self._learned = False
        for line in read_cache(store, "trees"):
            chain, which, size, entries = line.split(" ")
            self._known[chain] = which, TreeSize(int(size), int(entries))

    def known(self, chain: str) -> TreeSize | None:
        found = self._known.get(chain)
        return found[1] if found is not None and found[0] == self._which(chain) else None

    def of(self, chain: str) -> TreeSize:
        known = self.known(chain)
        if known is not None:
            return known
        which = self._which(chain)
        size = measure(self._store.join("stacks/sha256", chain))
        # Not of one that was moved away meanwhile.
        if which and which == self._which(chain):
            self._known[chain] = which, size
            self._learned = True
        return size

    def has_changed(self, chain: str) -> bool:
        """Whether the tree has another number of entries than it had when it was measured."""
        which, found = self._which(chain), self._known.get(chain)
        if not which or found is None or found[0] != which:
            return False
        now = measure(self._store.join("stacks/sha256", chain))
        return now.entries != found[1].entries and which == self._which(chain)

    def _which(self, chain: str) -> str:
        """Its rootfs is changed by nobody, unlike the directory around it, whose time a claim sets."""
        try:
            found = os.stat(self._store.join("stacks/sha256", chain, "rootfs"))
        except OSError:
            return ""
        return f"{found.st_ino}-{found.st_ctime_ns}"

    def save(self) -> None:
        if self._learned and self._store.is_writable():
            present = set(os.listdir(self._store.join("stacks/sha256")))
            lines = [
                f"{chain} {which} {size.bytes} {size.entries}"
                for chain, (which, size) in self._known.items()
                if chain in present
            ]
            write_cache(self._store, "trees", lines)

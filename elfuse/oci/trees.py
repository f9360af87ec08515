"""How much room trees take. An unpacked tree never changes, so it is measured once."""

import contextlib
import os
import stat

import msgspec

from elfuse.oci.catalog import read_cache, write_cache
from elfuse.oci.layout import Store


class TreeSize(msgspec.Struct, frozen=True):
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
    """The sizes of a store's unpacked trees by ChainID (64 hex digits), from `cache/trees` where known."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, TreeSize] = {}
        self._learned = False
        for line in read_cache(store, "trees"):
            chain, size, entries = line.split(" ")
            self._known[chain] = TreeSize(int(size), int(entries))

    def known(self, chain: str) -> TreeSize | None:
        return self._known.get(chain)

    def of(self, chain: str) -> TreeSize:
        found = self._known.get(chain)
        if found is None:
            found = self._known[chain] = measure(self._store.join("stacks/sha256", chain))
            self._learned = True
        return found

    def save(self) -> None:
        if self._learned and self._store.is_writable():
            present = set(os.listdir(self._store.join("stacks/sha256")))
            lines = [
                f"{chain} {size.bytes} {size.entries}"
                for chain, size in self._known.items()
                if chain in present
            ]
            write_cache(self._store, "trees", lines)

"""Translated code that the launcher keeps for later runs: how much there is, and removing it.

The launcher writes the files (csrc/vcpu/jit/pack.h) and keeps to the limit itself; nothing here is needed
for that.
"""

import os
import stat
from collections.abc import Iterator

import msgspec

from elfuse.errors import ElfuseError

DEFAULT_LIMIT = 512 << 20
_FOLDER = "translations"


class CacheStatus(msgspec.Struct, frozen=True):
    """What is kept, in files of one program each. `directory` is None where nothing is to be kept."""

    directory: str | None
    packs: int
    bytes: int
    limit: int


def directory() -> str | None:
    """Where translations are kept, which need not exist. None: ELFUSE_CACHE_DIR is empty."""
    chosen = os.environ.get("ELFUSE_CACHE_DIR")
    if chosen == "":
        return None
    if chosen is None:
        from platformdirs import user_cache_dir

        chosen = user_cache_dir("elfuse")
    return os.path.join(os.path.abspath(chosen), _FOLDER)


def limit() -> int:
    """What all packs together may take, in bytes: ELFUSE_CACHE_LIMIT."""
    try:
        return max(0, int(os.environ.get("ELFUSE_CACHE_LIMIT") or DEFAULT_LIMIT))
    except ValueError:
        return 0  # as the launcher reads it


def status() -> CacheStatus:
    path = directory()
    packs = total = 0
    for entry, size in _files(path):
        if entry.endswith(".pack"):
            packs += 1
            total += size
    return CacheStatus(path, packs, total, limit())


def clear() -> CacheStatus:
    """Remove packs and what writers left behind. Returns what has been removed. Programs that are running
    go on, and may write new packs when they end."""
    path = directory()
    packs = total = 0
    for entry, size in _files(path):
        try:
            os.unlink(os.path.join(path or "", entry))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ElfuseError(f"cannot remove {entry} from {path}: {error.strerror}") from None
        packs += entry.endswith(".pack")
        total += size
    return CacheStatus(path, packs, total, limit())


def _files(path: str | None) -> Iterator[tuple[str, int]]:
    if path is None:
        return
    try:
        entries = os.listdir(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ElfuseError(f"cannot read {path}: {error.strerror}") from None
    for entry in sorted(entries):
        if not entry.endswith((".pack", ".tmp")):
            continue
        try:
            found = os.lstat(os.path.join(path, entry))
        except FileNotFoundError:
            continue
        if stat.S_ISREG(found.st_mode):
            yield entry, found.st_size

"""Which strategy a run gets: the one that is named, else the first that works here.

What works is tried once a boot, on the store's own file system, and kept in `cache/snapshots`: a run of an
unpacked image reads one small file.
"""

import contextlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from elfuse.errors import ConfigurationError, RunError
from elfuse.oci.cache import read_cache, write_cache
from elfuse.oci.snapshot import NAMES, Snapshotter, snapshotter

if TYPE_CHECKING:
    from elfuse.oci.layout import Store

VARIABLE = "ELFUSE_SNAPSHOT"
CACHE = "snapshots"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_RUNTIME = "runtime"
# As elfuse._core.vm_path, without loading the extension, which takes longer than all the rest here.
_LAUNCHER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))), "bin", "elfuse-vm"
)


class Choice(NamedTuple):
    """`name` of NAMES. `refused`: those that were tried and cannot be used, and why. `named`: somebody asked
    for it."""

    name: str
    refused: dict[str, str]
    named: bool = False

    @property
    def snapshotter(self) -> Snapshotter:
        return snapshotter(self.name)


def choose(store: "Store", *, try_all: bool = False) -> Choice:
    """Tried is what the answer needs, or with `try_all` each one. Raises RunError when the one that is named
    cannot be used, ConfigurationError when there is none of that name."""
    wanted = _wanted()
    candidates = NAMES if wanted == "auto" else (wanted,)
    known = _known(store, candidates, NAMES if try_all else ())
    refused = {name: reason for name, reason in known.items() if reason}
    for name in candidates:
        if name not in refused:
            return Choice(name, refused, wanted != "auto")
    raise RunError(
        f"the snapshot strategy {wanted} cannot be used in {store.path}: {refused[wanted]}",
        hint="choose another, or none, with ELFUSE_SNAPSHOT or snapshot of config.toml",
    )


def _wanted() -> str:
    name = os.environ.get(VARIABLE)
    if name:
        if name != "auto" and name not in NAMES:
            raise ConfigurationError(
                f"{VARIABLE}: there is no snapshot strategy {name!r}", hint=f"choose auto, {', '.join(NAMES)}"
            )
        return name
    from elfuse.config_files import any_exists

    if any_exists():
        from elfuse import config

        return config.load().snapshot or "auto"
    return "auto"


def _known(store: "Store", candidates: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Why each cannot be used, "" when it can: the candidates up to the first that can, and the others."""
    if not store.is_writable():
        # Its runs lie elsewhere, on another file system for all one knows; and there is no place to try.
        reason = "the store can only be read, so its runs lie elsewhere"
        return {name: "" if name == _RUNTIME else reason for name in NAMES}
    identity = _identity(store)
    lines = read_cache(store, CACHE)
    known = dict(line.split("\t", 1) for line in lines[1:]) if lines[:1] == [identity] else {}
    before = len(known)
    for name in candidates:
        if name not in known:
            known[name] = _try(store, name)
        if not known[name]:
            break
    for name in others:
        if name not in known:
            known[name] = _try(store, name)
    if len(known) > before:
        write_cache(store, CACHE, [identity, *("\t".join(item) for item in known.items())])
    return known


def _identity(store: "Store") -> str:
    """What the answer depends on: the kernel since it booted, the file system, who asks, and the launcher."""
    boot = ""
    with contextlib.suppress(OSError), open(_BOOT_ID, encoding="ascii") as file:
        boot = file.read().strip()
    launcher = os.stat(_LAUNCHER)
    facts = (boot, os.stat(store.path).st_dev, os.geteuid(), launcher.st_ino, launcher.st_mtime_ns)
    return " ".join(map(str, facts))


def _try(store: "Store", name: str) -> str:
    with store.activity():
        place = store.staging_directory("probe")
        try:
            reason = snapshotter(name).why_not(place)
        finally:
            store.discard(place)
    return " ".join(reason.split()) if reason else ""  # a line of the cache

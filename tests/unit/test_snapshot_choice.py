"""Which snapshot strategy is used: the first that works, or the one that is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from elfuse.errors import ConfigurationError, ElfuseError, RunError
from elfuse.oci.layout import Store
from elfuse.oci.snapshot import NAMES, choice
from elfuse.oci.snapshot.overlay import OverlaySnapshotter
from elfuse.oci.snapshot.runtime import ReflinkSnapshotter, RuntimeSnapshotter


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    return Store.open(str(tmp_path / "store"))


def refuse(monkeypatch: pytest.MonkeyPatch, *strategies: type) -> None:
    for strategy in strategies:
        monkeypatch.setattr(strategy, "why_not", lambda self, directory: f"no\n {self.name}")


def test_the_first_that_works(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found = choice.choose(store)
    assert found.name == next(name for name in NAMES if name not in found.refused)
    assert set(found.refused) <= {"reflink"} and not found.named, "more was tried than need be"
    every = choice.choose(store, try_all=True)
    assert every.name == found.name and "copy" not in every.refused
    refuse(monkeypatch, ReflinkSnapshotter, RuntimeSnapshotter, OverlaySnapshotter)
    assert choice.choose(store, try_all=True) == every, "it was tried again, in the same boot"
    os.unlink(store.join("cache/snapshots"))
    found = choice.choose(store)
    assert found == ("copy", {name: f"no {name}" for name in ("reflink", "runtime", "overlay")}, False)
    assert choice.choose(store) == found
    assert os.listdir(store.join("tmp")) == []


@pytest.mark.parametrize("lost", ["boot", "launcher", "user", "damage"])
def test_what_was_tried_is_forgotten(lost: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    choice.choose(store)
    refuse(monkeypatch, ReflinkSnapshotter, RuntimeSnapshotter, OverlaySnapshotter)
    if lost == "boot":
        monkeypatch.setattr(choice, "_BOOT_ID", "/proc/sys/kernel/random/uuid")
    elif lost == "launcher":
        monkeypatch.setattr(choice, "_LAUNCHER", __file__)
    elif lost == "user":
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    else:
        path = Path(store.join("cache/snapshots"))
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert choice.choose(store).name == "copy"


def test_one_that_is_named(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choice.VARIABLE, "copy")
    assert choice.choose(store)[::2] == ("copy", True)
    refuse(monkeypatch, OverlaySnapshotter)
    os.unlink(store.join("cache/snapshots"))
    monkeypatch.setenv(choice.VARIABLE, "overlay")
    with pytest.raises(RunError, match=r"overlay cannot be used in .*/store: no overlay"):
        choice.choose(store)
    monkeypatch.setenv(choice.VARIABLE, "zfs")
    with pytest.raises(ConfigurationError, match="no snapshot strategy 'zfs'"):
        choice.choose(store)
    config = home / ".config/elfuse/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('snapshot = "copy"\n')
    monkeypatch.delenv(choice.VARIABLE)
    assert choice.choose(store)[::2] == ("copy", True)
    monkeypatch.setenv(choice.VARIABLE, "auto")
    assert not choice.choose(store).named
    config.write_text('snapshot = "zfs"\n')
    monkeypatch.delenv(choice.VARIABLE)
    with pytest.raises(ElfuseError, match="snapshot"):
        choice.choose(store)


def test_a_store_that_may_only_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "is_writable", lambda self: False)
    assert choice.choose(store).name == "runtime"
    monkeypatch.setenv(choice.VARIABLE, "overlay")
    with pytest.raises(RunError, match="can only be read"):
        choice.choose(store)
    assert not os.path.exists(store.join("cache/snapshots"))

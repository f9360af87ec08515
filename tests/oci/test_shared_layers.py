"""Layers unpacked once for all images: by whom, from what, when not, and what a prune leaves."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import elfuse as api
from elfuse import _core
from elfuse.api.store import Store as Front
from elfuse.errors import ContentMismatch, ElfuseError
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.image import Descriptor
from elfuse.oci.layout import Store
from elfuse.oci.naming import source_of
from elfuse.oci.runs import RunRecord, create_run
from elfuse.oci.snapshot import arriving, layers
from elfuse.oci.snapshot.layers import ensure_layers, root_source
from elfuse.oci.snapshot.stack import ensure_stack
from elfuse.oci.stored import StoredImage, require_image
from tests.oci.conftest import Registry, assert_store_is_sound
from tests.oci.images import Image, sha256, write_layout
from tests.unit import layer_tar
from tests.unit.layer_tar import directory, entry, hardlink, symlink

BASE = layer_tar.tar(
    directory("."),
    directory("bin"),
    directory("etc"),
    entry("bin/tool", data=b"tool" * 5000, mode=0o755),
    hardlink("bin/tool2", "bin/tool"),
    symlink("bin/sh", "tool"),
    entry("etc/passwd", data=b"root:x:0:0::/:/bin/sh\n"),
    entry("etc/gone", data=b"gone"),
)
FIRST = layer_tar.tar(directory("etc"), entry("etc/.wh.gone"), entry("etc/first", data=b"1" * 9000))
SECOND = layer_tar.tar(directory("etc"), entry("etc/second", data=b"2" * 9000))
NEEDY = layer_tar.tar(entry("etc/third"), hardlink("etc/tool3", "bin/tool"))


def stored(tmp_path: Path, tag: str, *parts: bytes) -> tuple[Store, StoredImage]:
    layout = write_layout(tmp_path / f"layout-{tag}", {tag: [Image(list(parts))]})
    name = f"oci:{layout}:{tag}"
    api.pull(name)
    store = Store.open()
    return store, require_image(store, source_of(store, name))


def layer_names(store_path: Path) -> set[str]:
    folder = store_path / "layers/sha256"
    return set(os.listdir(folder)) if folder.exists() else set()


def hexes(*parts: bytes) -> set[str]:
    return {sha256(part)[7:] for part in parts}


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The diffIDs that are extracted, as they are."""
    seen: list[str] = []
    real = _core.extract_layer

    def counted(*args: object, **options: object) -> object:
        seen.append(str(options["diff_id"])[7:])
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(_core, "extract_layer", counted)
    return seen


def test_a_second_image_pays_for_its_own_layers_only(
    tmp_path: Path, store_path: Path, extracted: list[str]
) -> None:
    store, one = stored(tmp_path, "one", BASE, FIRST)
    first = Path(ensure_stack(store, one))
    assert set(extracted) == hexes(BASE, FIRST)
    extracted.clear()
    store, two = stored(tmp_path, "two", BASE, SECOND)
    second = Path(ensure_stack(store, two))
    assert set(extracted) == hexes(SECOND)
    assert (first / "bin/tool").samefile(second / "bin/tool")
    assert sorted(os.listdir(first / "etc")) == ["first", "passwd"]
    assert sorted(os.listdir(second / "etc")) == ["gone", "passwd", "second"]
    assert layer_names(store_path) == hexes(BASE, FIRST, SECOND)
    assert os.listdir(store_path / "tmp") == [] or store.sweep() is None
    assert_store_is_sound(store_path)


def test_layers_as_overlayfs_wants_them(tmp_path: Path, store_path: Path) -> None:
    store, image = stored(tmp_path, "one", BASE, FIRST)
    trees = ensure_layers(store, image)
    assert trees is not None
    assert [Path(tree).parent.name for tree in trees] == [sha256(BASE)[7:], sha256(FIRST)[7:]]
    assert os.getxattr(Path(trees[1], "etc/gone"), "user.overlay.whiteout")
    assert os.getxattr(Path(trees[1], "etc"), "user.overlay.opaque") == b"x"
    assert root_source(store, image) == trees[0]
    assert ensure_layers(store, image) == trees
    assert not os.listdir(store_path / "stacks/sha256")


def test_a_layer_that_does_not_stand_alone(tmp_path: Path, store_path: Path, extracted: list[str]) -> None:
    store, image = stored(tmp_path, "needy", BASE, NEEDY)
    assert ensure_layers(store, image) is None
    record = json.loads((store_path / "layers/sha256" / sha256(NEEDY)[7:] / "layer.json").read_text())
    assert record["alone"] is False and "etc/third" in record["why"]
    extracted.clear()
    tree = Path(ensure_stack(store, image))
    assert extracted == [sha256(NEEDY)[7:]], "known by now: it is applied, not tried"
    names = [tree / name for name in ("bin/tool", "bin/tool2", "etc/tool3")]
    assert all(name.samefile(names[0]) for name in names)
    override = os.getxattr(names[0], "user.containers.override_stat")
    assert override == b"0:0:0755:file:links-3"
    shared = store_path / "layers/sha256" / sha256(BASE)[7:] / "tree/bin/tool"
    assert os.getxattr(shared, "user.containers.override_stat") == b"0:0:0755:file:links-2"


def test_whiteouts_in_the_lowest_layer_are_not_for_overlayfs(tmp_path: Path, store_path: Path) -> None:
    store, image = stored(tmp_path, "odd", FIRST)
    assert ensure_layers(store, image) is None
    assert sorted(os.listdir(Path(ensure_stack(store, image), "etc"))) == ["first"]


def test_a_damaged_blob(tmp_path: Path, store_path: Path) -> None:
    store, image = stored(tmp_path, "one", BASE, FIRST)
    blob = Path(store.blob_path(image.manifest.layers[1].digest))
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    with pytest.raises(ContentMismatch, match="is damaged in the store"):
        ensure_stack(store, image)
    assert not blob.exists()
    assert layer_names(store_path) == set() and not os.listdir(store_path / "stacks/sha256")
    api.pull(image.name)
    assert ensure_stack(store, image)


def _ensure(store_path: str, name: str, results: multiprocessing.Queue[list[str]]) -> None:
    seen: list[str] = []
    real = _core.extract_layer

    def counted(*args: object, **options: object) -> object:
        seen.append(str(options["diff_id"])[7:])
        time.sleep(0.2)
        return real(*args, **options)  # type: ignore[arg-type]

    _core.extract_layer = counted  # type: ignore[assignment]
    store = Store.open(store_path)
    ensure_stack(store, require_image(store, source_of(store, name)))
    results.put(seen)


def test_many_processes_unpack_once(tmp_path: Path, store_path: Path) -> None:
    """Two images with a layer in common, two processes each."""
    names = [stored(tmp_path, tag, BASE, part)[1].name for tag, part in (("one", FIRST), ("two", SECOND))]
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[list[str]] = context.Queue()
    jobs = [
        context.Process(target=_ensure, args=(str(store_path), name, results)) for name in [*names, *names]
    ]
    for job in jobs:
        job.start()
    done = sorted(diff_id for _ in jobs for diff_id in results.get(timeout=60))
    for job in jobs:
        job.join()
    assert done == sorted(hexes(BASE, FIRST, SECOND))


def test_prune(tmp_path: Path, store_path: Path) -> None:
    store, one = stored(tmp_path, "one", BASE, FIRST)
    ensure_stack(store, one)
    store, two = stored(tmp_path, "two", BASE, SECOND)
    ensure_stack(store, two)
    front = Front(str(store_path))
    state = front.status()
    assert state.layers == 3 and state.layer_bytes
    assert all(tree.bytes is not None and tree.bytes < state.layer_bytes for tree in state.trees)
    front.remove(one.name)
    assert {item.name for item in front.prune().layers.going} == hexes(FIRST)
    front.prune(commit=True)
    assert layer_names(store_path) == hexes(BASE, SECOND)
    tree = Path(ensure_stack(store, two))
    assert (tree / "bin/tool").read_bytes() == b"tool" * 5000
    front.remove(two.name)
    run = create_run(store, record=RunRecord(layers=(sha256(BASE),)))
    front.prune(commit=True)
    assert layer_names(store_path) == hexes(BASE), "a run uses it"
    run.release()
    front.prune(runs=True, commit=True)
    front.prune(commit=True)
    assert layer_names(store_path) == set()


def test_verify_finds_half_layers(tmp_path: Path, store_path: Path) -> None:
    store, image = stored(tmp_path, "one", BASE, FIRST)
    ensure_stack(store, image)
    front = Front(str(store_path))
    front.status()  # measured
    folder = store_path / "layers/sha256"
    (folder / sha256(BASE)[7:] / "tree/etc/passwd").unlink()
    (folder / sha256(FIRST)[7:] / "layer.json").unlink()
    assert [problem.kind for problem in front.verify(repair=True).problems] == ["tree", "tree"]
    assert front.verify().problems == []
    assert layer_names(store_path) == set()
    assert ensure_layers(store, image)


# -- while they arrive


def test_pull_and_unpack(registry: Registry, store_path: Path, extracted: list[str]) -> None:
    reference = registry.push("arriving:1", Image([BASE, FIRST, SECOND]))
    api.pull(reference, unpack=True)
    assert sorted(extracted) == sorted(hexes(BASE, FIRST, SECOND)), "each once, while it arrived"
    assert layer_names(store_path) == hexes(BASE, FIRST, SECOND)
    tree = Path(api.unpack(reference))
    assert sorted(os.listdir(tree / "etc")) == ["first", "passwd", "second"]
    assert_store_is_sound(store_path)
    Store.open().sweep()
    assert os.listdir(store_path / "tmp") == []


def test_the_command(registry: Registry, store_path: Path) -> None:
    reference = registry.push("arriving/command:1", Image([BASE, FIRST]))
    command = [sys.executable, "-m", "elfuse", "oci", "pull", "--unpack", reference]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(os.listdir(store_path / "stacks/sha256")) == 1


class Line:
    """A blob that arrives as the test says."""

    def __init__(self, store: Store, data: bytes) -> None:
        self.blob = Descriptor("application/vnd.oci.image.layer.v1.tar", sha256(data), len(data))
        self.diff_id = sha256(data)
        self.data = data
        self.store = store
        self.arriving = arriving.Arriving(store, {self.blob.digest: self.diff_id})  # type: ignore[dict-item]

    def partial(self) -> PartialBlob:
        return self.store.partial_blob(self.blob.digest, self.blob.size)

    def visible(self) -> bool:
        return self.store.claim_layer(self.diff_id)  # type: ignore[arg-type]


@pytest.fixture
def line(store_path: Path) -> Line:
    noise = [entry(f"n{number}", data=os.urandom(300_000)) for number in range(12)]
    return Line(Store.open(), layer_tar.tar(directory("d"), *noise))


def test_bytes_out_of_order(line: Line, store_path: Path) -> None:
    half = len(line.data) // 2
    with line.store.activity(), line.partial() as partial:
        with line.arriving.follow(line.blob, partial):
            partial.write_at(half, line.data[half:])
            partial.write_at(0, line.data[:half])
            partial.commit()
        assert not line.visible()
        line.arriving.publish()
    assert line.visible()
    tree = Path(line.store.layer_path(line.diff_id), "tree")  # type: ignore[arg-type]
    assert (tree / "n11").stat().st_size == 300_000


def test_a_resumed_blob(line: Line) -> None:
    third = len(line.data) // 3
    with line.store.activity(), line.partial() as partial:
        partial.write(line.data[:third])
    with line.store.activity(), line.partial() as partial:
        assert partial.offset == third
        with line.arriving.follow(line.blob, partial):
            partial.write(line.data[third:])
            partial.commit()
        line.arriving.publish()
    assert line.visible()


@pytest.mark.parametrize("how", ["broken off", "another content", "begun again"])
def test_a_transfer_that_fails(line: Line, store_path: Path, how: str) -> None:
    """The layer is not there, nothing is left, and the blob is none the worse."""
    two_thirds = len(line.data) * 2 // 3
    with line.store.activity():
        with (
            contextlib.suppress(ConnectionError),
            line.partial() as partial,
            line.arriving.follow(line.blob, partial),
        ):
            partial.write(line.data[:two_thirds])
            if how == "broken off":
                raise ConnectionError
            if how == "begun again":
                partial.restart()
                partial.write(line.data)
                partial.commit()
            elif how == "another content":
                with pytest.raises(ContentMismatch):
                    partial.write(bytes(len(line.data) - two_thirds))
                    partial.commit()
        line.arriving.publish()
        assert not line.visible()
        assert line.store.has_blob(line.blob.digest, line.blob.size) is (how == "begun again")
    line.store.sweep()
    assert [name for name in os.listdir(store_path / "tmp") if not name.endswith(".part")] == []
    assert threading.active_count() == 1


def test_no_descriptors_for_the_extraction(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the blob comes all the same, and the layer is for later."""

    def full() -> tuple[int, int]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with line.store.activity(), line.partial() as partial:
        monkeypatch.setattr(os, "pipe", full)
        with line.arriving.follow(line.blob, partial):
            monkeypatch.undo()
            partial.write(line.data)
            partial.commit()
        line.arriving.publish()
        assert not line.visible() and line.store.has_blob(line.blob.digest, line.blob.size)


def test_a_layer_that_is_not_what_it_should_be(line: Line, store_path: Path) -> None:
    """The blob is right, the config lies about it: the pull keeps the blob, the tree never comes to be."""
    line.arriving = arriving.Arriving(line.store, {line.blob.digest: "sha256:" + "1" * 64})  # type: ignore[dict-item]
    with line.store.activity(), line.partial() as partial:
        with line.arriving.follow(line.blob, partial):
            partial.write(line.data)
            partial.commit()
        line.arriving.publish()
    assert layer_names(store_path) == set()
    assert line.store.has_blob(line.blob.digest, line.blob.size)


def test_a_lying_config_fails_the_unpack_not_the_blobs(registry: Registry, store_path: Path) -> None:
    image = Image([BASE, FIRST])
    document = json.loads(image.blobs[image.manifest["config"]["digest"]])
    document["rootfs"]["diff_ids"][1] = "sha256:" + "1" * 64
    lying = Image([BASE, FIRST])
    lying.manifest["config"] = lying._put(
        json.dumps(document).encode(), lying.manifest["config"]["mediaType"]
    )
    reference = registry.push("arriving/lying:1", lying)
    with pytest.raises(ElfuseError, match="diffID"):
        api.pull(reference, unpack=True)
    assert layer_names(store_path) <= hexes(BASE) and not os.listdir(store_path / "stacks/sha256")
    assert api.pull(reference).blobs_fetched == 0


# -- killed


@pytest.fixture
def quick_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """In memory where there is some: a sync of a disk that others use too would be all that is timed."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        monkeypatch.setenv("ELFUSE_STORE", f"{folder}/store")
        yield Path(folder, "store")


def test_killed_while_unpacking(tmp_path: Path, quick_store: Path) -> None:
    """At 100 random moments: no half tree has a name, and the next one finishes."""
    store_path = quick_store
    chance = random.Random(20261127)
    files = [entry(f"d/{number}", data=bytes([number % 251]) * 3000) for number in range(400)]
    big = layer_tar.tar(directory("d"), *files)
    more = layer_tar.tar(directory("e"), *[entry(f"e/{number}", data=b"e" * 99) for number in range(400)])
    store, image = stored(tmp_path, "victim", big, more)
    started = time.monotonic()
    ensure_stack(store, image)
    whole = time.monotonic() - started
    hits = 0
    for _ in range(100):
        for folder in ("stacks/sha256", "layers/sha256"):
            for name in os.listdir(store_path / folder) if (store_path / folder).exists() else ():
                store.discard(str(store_path / folder / name))
        pid = os.fork()
        if pid == 0:
            try:
                ensure_stack(store, image)
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0, 1.1 * whole))
        os.kill(pid, signal.SIGKILL)
        hits += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        for diff_id in image.config.diff_ids:
            if store.claim_layer(diff_id):
                tree = layers.read_record(store.layer_path(diff_id)).tree
                assert tree is not None and len(os.listdir(Path(tree, os.listdir(tree)[0]))) == 400
        for name in os.listdir(store_path / "stacks/sha256"):
            found = {
                top: len(os.listdir(store_path / "stacks/sha256" / name / "rootfs" / top)) for top in "de"
            }
            assert found == {"d": 400, "e": 400}
    assert hits >= 50
    assert len(os.listdir(Path(ensure_stack(store, image), "d"))) == 400
    store.sweep()
    assert os.listdir(store_path / "tmp") == [] and os.listdir(store_path / "trash") == []

"""verify: finds what is wrong, repairs without taking a pinned image away, leaves the rest to a pull."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import elfuse as api
from elfuse.api.store import Store
from elfuse.oci import trees
from elfuse.oci.layout import Store as Layout
from elfuse.oci.runs import create_run
from tests.oci.conftest import Result, assert_store_is_sound, blobs
from tests.oci.images import sample, write_layout

Elfuse = Callable[..., Result]


@pytest.fixture
def image(tmp_path: Path, store_path: Path) -> str:
    layout = write_layout(tmp_path / "layout", {"app": [sample()]})
    api.pull(f"oci:{layout}:app")
    api.unpack(f"oci:{layout}:app")
    return f"oci:{layout}:app"


@pytest.fixture
def store(store_path: Path, image: str) -> Store:
    return Store(str(store_path))


def kinds(store: Store, *, repair: bool = False) -> list[str]:
    return [problem.kind for problem in store.verify(repair=repair).problems]


def test_a_sound_store(store: Store, store_path: Path, image: str) -> None:
    seen: list[tuple[int, int]] = []
    report = store.verify(progress=lambda done, total: seen.append((done, total)))
    assert report.problems == [] and report.blobs == 4 and report.trees == 1 and report.orphans == 0
    assert seen[-1] == (report.bytes, report.bytes) and len(seen) == 4
    store.remove(image)
    report = store.verify()
    assert report.problems == [] and report.orphans == 4 and report.orphan_bytes == report.bytes


@pytest.mark.parametrize("damage", ["truncated", "changed", "grown", "unreadable name"])
@pytest.mark.parametrize("which", ["layer", "config", "manifest"])
def test_a_damaged_blob(store: Store, store_path: Path, image: str, damage: str, which: str) -> None:
    details = api.inspect(image)
    digest = {
        "layer": details.layers[0].digest,
        "config": details.config_digest,
        "manifest": details.digest,
    }[which]
    path = store_path / "blobs/sha256" / digest[7:]
    good = path.read_bytes()
    if damage == "unreadable name":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes({"truncated": good[:-1], "changed": bytes(len(good)), "grown": good + b"x"}[damage])
    found = store.verify()
    assert "damaged" in [problem.kind for problem in found.problems] or damage == "unreadable name"
    assert any(problem.name == image for problem in found.problems)
    assert path.exists()  # only looked at
    if damage == "unreadable name":
        path.rmdir()
    repaired = store.verify(repair=True)
    # The pin stays: what cannot be served is said, and pulling again makes it whole.
    assert [pin.name for pin in Layout(store.path).pins()] == [image]
    assert all(problem.hint.startswith("elfuse oci pull") for problem in repaired.unrepaired)
    if damage != "unreadable name":
        assert len(os.listdir(store_path / "quarantine")) == 1
    if which == "layer":
        assert api.run(image, pull="never", capture_output=True).stdout == b"hello\n"  # its tree still serves
    api.pull(image)
    assert kinds(store) == [] and path.read_bytes() == good
    assert_store_is_sound(store_path)
    store.prune(commit=True)
    assert not (store_path / "quarantine").exists() or os.listdir(store_path / "quarantine") == []


def test_a_missing_blob(store: Store, store_path: Path, image: str) -> None:
    (store_path / "blobs/sha256" / api.inspect(image).layers[1].digest[7:]).unlink()
    (problem,) = store.verify(repair=True).problems
    assert problem.kind == "missing" and problem.name == image and problem.remedy == ""
    api.pull(image)
    assert kinds(store) == []


def test_modes(store: Store, store_path: Path) -> None:
    os.chmod(store_path, 0o755)
    blob = store_path / "blobs/sha256" / min(blobs(store_path))
    os.chmod(blob, 0o644)
    os.chmod(store_path / "index.json", 0o640)
    assert kinds(store) == ["mode"] * 3
    assert kinds(store, repair=True) == ["mode"] * 3
    assert kinds(store) == [] and store_path.stat().st_mode & 0o777 == 0o700


def test_half_trees(store: Store, store_path: Path, image: str) -> None:
    inner = Layout(store.path)
    (stack,) = os.listdir(store_path / "stacks/sha256")
    store.status()  # measured
    (store_path / "stacks/sha256" / stack / "rootfs/bin/exit7").unlink()
    assert kinds(store) == ["tree"]
    assert kinds(store, repair=True) == ["tree"] and kinds(store) == []
    assert api.run(image, pull="never", capture_output=True).stdout == b"hello\n"
    trees.stack_sizes(inner).save()
    for name in os.listdir(store_path / "stacks/sha256"):
        os.rename(store_path / "stacks/sha256" / name / "rootfs", store_path / "trash/x")
    assert kinds(store) == ["tree"] and kinds(store, repair=True) == ["tree"] and kinds(store) == []


def test_the_index_and_what_it_names(store: Store, store_path: Path, image: str) -> None:
    index = store_path / "index.json"
    good = index.read_text()
    index.write_text(good.replace('"size":', '"size":9'))
    found = store.verify()
    assert found.problems and {problem.kind for problem in found.problems} == {"missing"}
    index.write_text("{")
    assert kinds(store, repair=True) == ["index"] and blobs(store_path)
    index.unlink()
    assert kinds(store) == ["index"]
    index.write_text(good)
    (store_path / "blobs/sha256/x").write_text("?")
    assert kinds(store, repair=True) == ["foreign"]


def test_runs_without_a_record(store: Store, store_path: Path) -> None:
    run = create_run(Layout(store.path), "odd", keep=True)
    Path(run.path, "run.json").unlink()
    assert kinds(store) == ["run"]
    run.release()
    store.remove_run("odd")
    assert kinds(store) == []


def test_missing_directories_are_made(store: Store, store_path: Path) -> None:
    for name in ("runs", "trash"):
        (store_path / name).rmdir()
    assert set(kinds(store, repair=True)) == {"missing"} and kinds(store) == []


def test_the_command(elfuse: Elfuse, image: str, store_path: Path) -> None:
    done = elfuse("oci", "verify")
    assert (
        done.code == 0
        and done.out.startswith("4 blobs (")
        and done.out.endswith(" are right; 1 trees; 0 problems\n")
    )
    layer = api.inspect(image).layers[0].digest
    (store_path / "blobs/sha256" / layer[7:]).write_bytes(b"?")
    done = elfuse("oci", "verify")
    assert done.code == 1 and f"blob {layer} is damaged" in done.out and "--repair" in done.out
    done = elfuse("oci", "verify", "--repair")
    assert done.code == 1 and "moved to quarantine" in done.out and f"elfuse oci pull {image}" in done.out
    assert elfuse("oci", "pull", "-q", image).code == 0
    assert elfuse("oci", "verify", "-q").code == 0

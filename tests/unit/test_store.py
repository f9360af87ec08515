"""The store: creation, pins, locks, runs, sweeping."""

import fcntl
import json
import os
import random
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from elfuse.errors import ContentMismatch, RunError, StoreError
from elfuse.oci import blobs
from elfuse.oci.digest import digest_of
from elfuse.oci.image import Descriptor
from elfuse.oci.layout import Store
from elfuse.oci.runs import create_run

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "store"))


def test_a_new_store_is_a_private_image_layout(store: Store) -> None:
    assert json.loads(Path(store.path, "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    for path in [Path(store.path), *Path(store.path).rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert Store.open(store.path).pins() == []


def test_default_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELFUSE_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert Store.open().path == str(tmp_path / "data/elfuse/store")
    monkeypatch.setenv("ELFUSE_STORE", str(tmp_path / "mine"))
    assert Store.open().path == str(tmp_path / "mine")


def test_stores_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/thesis.txt").write_text("x")
    with pytest.raises(StoreError, match=r"no elfuse store: it holds 'thesis.txt'"):
        Store.open(str(tmp_path / "home"))
    with pytest.raises(StoreError, match="cannot use the store"):
        Store.open(str(tmp_path / "home/thesis.txt"))
    for number, (content, message) in enumerate(
        [('{"schema":3}', "knows 2"), ("{", "damaged"), ("[]", "damaged")]
    ):
        path = Store.open(str(tmp_path / f"store{number}")).path
        Path(path, "elfuse.json").write_text(content)
        with pytest.raises(StoreError, match=message):
            Store.open(path)


def test_a_half_made_store_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "store"
    (path / "tmp").mkdir(parents=True)
    (path / "locks").mkdir()
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    assert Store.open(str(path)).pins() == []


def descriptor(number: int = 1) -> Descriptor:
    return Descriptor(MANIFEST, f"sha256:{number:064x}", number)


def test_pins_replace_by_name_and_leave_others_alone(store: Store) -> None:
    foreign = {"mediaType": "application/x", "digest": "sha256:" + "f" * 64, "size": 1, "extra": [1]}
    index = json.loads(Path(store.path, "index.json").read_text())
    index["manifests"].append(foreign)
    Path(store.path, "index.json").write_text(json.dumps(index))
    store.set_pin("r.io/a:1", descriptor(1), None)
    store.set_pin("r.io/a__b:1", descriptor(2), digest_of(b"index"))
    store.set_pin("r.io/a:1", descriptor(3), None)
    assert [(pin.name, pin.manifest.size) for pin in store.pins()] == [("r.io/a__b:1", 2), ("r.io/a:1", 3)]
    assert [pin.index for pin in store.pins()] == [digest_of(b"index"), None]
    assert json.loads(Path(store.path, "index.json").read_text())["manifests"][0] == foreign


def test_writers_of_the_index_do_not_lose_each_other(store: Store) -> None:
    code = (
        "import sys\n"
        "from elfuse.oci.layout import Store\n"
        "from elfuse.oci.image import Descriptor\n"
        "store = Store.open(sys.argv[1])\n"
        f"manifest = Descriptor({MANIFEST!r}, 'sha256:' + '1' * 64, 1)\n"
        "for i in range(15):\n"
        "    store.set_pin(f'r.io/{sys.argv[2]}:{i}', manifest, None)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    many = [
        subprocess.Popen([sys.executable, "-c", code, store.path, name], env=env) for name in ("a", "b", "c")
    ]
    assert [process.wait(60) for process in many] == [0, 0, 0]
    assert len(store.pins()) == 45


def test_a_damaged_index_is_named(store: Store) -> None:
    Path(store.path, "index.json").write_text('{"manifests":')
    with pytest.raises(StoreError, match=r"index\.json is not valid JSON"):
        store.pins()


def test_blobs_appear_whole_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"some bytes"
    digest = digest_of(data)
    with store.partial_blob(digest, len(data)) as partial:
        partial.write(data[:4])
        assert not store.has_blob(digest, len(data))
        partial.write(data[4:])
        partial.commit()
    assert store.has_blob(digest, len(data)) and store.read_document(digest, "x") == data
    with store.partial_blob(digest, len(data)) as partial:
        assert partial.complete
    other = digest_of(b"other")
    with store.partial_blob(other, 5) as partial:
        partial.write(b"OTHER")
        with pytest.raises(ContentMismatch, match="wrong content"):
            partial.commit()
    with store.partial_blob(other, 5) as partial, pytest.raises(ContentMismatch, match="more than the 5"):
        partial.write(b"otherX")
    with store.partial_blob(other, 5) as partial:
        partial.write(b"oth")
        with pytest.raises(ContentMismatch, match="truncated: 3 bytes instead of 5"):
            partial.commit()
    assert os.listdir(store.join("tmp")) == []
    monkeypatch.setattr(blobs, "KEEP_PARTIAL_FROM", 2)
    with store.partial_blob(other, 5) as partial:
        partial.write(b"oth")
    with store.partial_blob(other, 5) as partial:
        assert partial.offset == 3
        partial.write(b"er")
        partial.commit()
    assert store.read_document(other, "x") == b"other"


def test_a_blob_arrives_in_any_order(store: Store) -> None:
    data = os.urandom(40_000)
    digest, step = digest_of(data), 1000
    starts = list(range(0, len(data), step))
    random.Random(5).shuffle(starts)
    with store.partial_blob(digest, len(data)) as partial, ThreadPoolExecutor(4) as pool:
        assert partial.missing() == [(0, len(data))]
        list(pool.map(lambda at: partial.write_at(at, data[at : at + step]), starts))
        assert partial.missing() == [] and partial.offset == len(data)
        partial.commit()
    assert store.read_document(digest, "x") == data


def test_islands_survive_the_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "KEEP_PARTIAL_FROM", 2)
    data = os.urandom(9000)
    digest = digest_of(data)
    path = Path(store.join("tmp", digest.replace(":", "-") + ".part"))
    with store.partial_blob(digest, len(data)) as partial:
        for start, end in ((6000, 7000), (0, 1000), (3000, 4000), (4000, 5000)):
            partial.write_at(start, data[start:end])
        assert partial.missing() == [(1000, 3000), (5000, 6000), (7000, 9000)]
    left = path.read_bytes()
    with store.partial_blob(digest, len(data)) as partial:
        assert partial.missing() == [(1000, 3000), (5000, 6000), (7000, 9000)]
        assert (partial.offset, partial.present) == (1000, 4000)
        for start, end in partial.missing():
            partial.write_at(start, data[start:end])
        partial.commit()
    assert Path(store.blob_path(digest)).read_bytes() == data
    # Who has it in order needs no islands.
    os.unlink(store.blob_path(digest))
    path.write_bytes(left)
    with store.partial_blob(digest, len(data)) as partial:
        for start in range(partial.offset, len(data), 500):
            partial.write(data[start : start + 500])
        partial.commit()
    # A record that is damaged or cut short says nothing: from the start, never a hole for content.
    for damaged in (left[:-1], left[:-9] + b"?" * 9, left[: len(data) + 3], left + b"\0" * 16):
        os.unlink(store.blob_path(digest))
        path.write_bytes(damaged)
        with store.partial_blob(digest, len(data)) as partial:
            assert partial.missing() == [(0, len(data))]
            partial.write(data)
            partial.commit()


def test_a_blob_has_one_writer(store: Store) -> None:
    digest = digest_of(b"abc")
    with store.partial_blob(digest, 3), pytest.raises(InterruptedError):
        store.partial_blob(digest, 3, cancelled=lambda: True).__enter__()


def test_a_damaged_document_is_noticed(store: Store) -> None:
    digest = store.put_document(b"{}")
    Path(store.blob_path(digest)).write_bytes(b"{ ")
    with pytest.raises(ContentMismatch, match="damaged in the store"):
        store.read_document(digest, "config")
    assert store.put_document(b"{}") == digest and store.read_document(digest, "config") == b"{}"
    with pytest.raises(StoreError, match="missing"):
        store.read_document(digest_of(b"?"), "config")


def test_a_run_lives_as_long_as_its_lock(store: Store) -> None:
    run = create_run(store)
    assert sorted(os.listdir(run.path)) == ["lock", "run.json"]
    store.sweep()
    assert os.path.isdir(run.path)
    copy = os.dup(run.lock_fd)  # what elfuse-vm inherits
    run.release()
    store.sweep()
    assert os.path.isdir(run.path)
    os.close(copy)
    store.sweep()
    assert not os.path.exists(run.path) and os.listdir(store.join("trash")) == []


def test_run_names(store: Store) -> None:
    run = create_run(store, "web")
    with pytest.raises(RunError, match="a run named 'web' exists"):
        create_run(store, "web")
    run.release()
    kept = create_run(store, "web", keep=True)  # the first has ended
    kept.release()
    store.sweep()
    assert os.path.isdir(kept.path)
    with pytest.raises(RunError, match="exists"):
        create_run(store, "web")
    for bad in ("", "../x", ".hidden", "a/b", "x" * 129):
        with pytest.raises(RunError):
            create_run(store, bad)
    store.sweep()
    assert os.listdir(store.join("tmp")) == []


def test_sweep_leaves_what_is_in_use_and_what_resumes(store: Store) -> None:
    staged = store.staging_directory("stack")
    os.mkdir(os.path.join(staged, "rootfs"), 0)
    part = Path(store.join("tmp", "sha256-aa.part"))
    part.write_bytes(b"x")
    with store.activity():
        store.sweep()
        assert os.path.isdir(staged)
    store.sweep()
    assert os.listdir(store.join("tmp")) == ["sha256-aa.part"] and os.listdir(store.join("trash")) == []
    old = part.stat().st_mtime - 8 * 24 * 3600
    os.utime(part, (old, old))
    store.sweep()
    assert os.listdir(store.join("tmp")) == []


def test_locks_are_let_go_with_their_process(store: Store) -> None:
    with store.activity():
        fd = os.open(store.join("locks/activity"), os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)

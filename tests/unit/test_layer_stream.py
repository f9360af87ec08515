"""Blobs as they come: compressions, members and frames, truncation, digests, cancellation, privileges."""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse import _core
from tests.unit.layer_tar import Tree, compress, digest, directory, entry, hardlink, header, symlink, tar

# Hardly compressible, so that compressed streams are longer than any buffer.
NOISE = b"".join(digest(b"%d" % i).encode() for i in range(12000))
LAYER = tar(directory("d"), entry("d/noise", data=NOISE), entry("zeros", data=bytes(700_000)))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "root")


def zstd(data: bytes, *options: str) -> bytes:
    return subprocess.run(
        ["zstd", "-q", "-c", *options], input=data, check=True, stdout=subprocess.PIPE
    ).stdout


def members(data: bytes, size: int) -> bytes:
    return b"".join(compress(data[at : at + size]) for at in range(0, len(data), size))


def blobs() -> dict[str, bytes]:
    skippable = b"\x5a\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"skipped"
    return {
        "plain": LAYER,
        "gzip": compress(LAYER),
        "gzip-members": members(LAYER, 50_000),
        "gzip-many-members": members(LAYER[:40_000], 97) + compress(LAYER[40_000:]),
        "gzip-empty-member": compress(b"") + compress(LAYER) + compress(b""),
        "gzip-padded": compress(LAYER) + bytes(700),
        "zstd": zstd(LAYER),
        "zstd-frames": zstd(LAYER[:300_000]) + skippable + zstd(LAYER[300_000:]) + skippable,
        "zstd-skippable-first": skippable + zstd(LAYER),
        "zstd-long": zstd(LAYER, "--long=27", "--check"),
    }


@pytest.mark.parametrize("name", list(blobs()))
def test_each_compression(tree: Tree, name: str) -> None:
    blob = blobs()[name]
    stats = tree.apply_blob(blob, blob_digest=digest(blob), blob_size=len(blob), diff_id=digest(LAYER))
    assert stats["blob_digest"] == digest(blob)
    assert stats["diff_id"] == digest(LAYER)
    assert (stats["blob_size"], stats["tar_size"]) == (len(blob), len(LAYER))
    assert tree.read("d/noise") == NOISE
    assert tree.read("zeros") == bytes(700_000)


def feed(write_fd: int, blob: bytes, sizes: Callable[[], int]) -> None:
    at = 0
    while at < len(blob):
        at += os.write(write_fd, blob[at : at + sizes()])
    os.close(write_fd)


@pytest.mark.parametrize(
    "name", ["gzip-members", "gzip-many-members", "zstd-frames", "zstd-skippable-first", "plain"]
)
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_blob_in_small_pieces(tree: Tree, name: str, piece: int) -> None:
    """Headers, trailers and magics cut anywhere."""
    small = tar(entry("a", data=NOISE[:3000]), entry("b"))
    blob = {
        "plain": small,
        "gzip-members": members(small, 1500),
        "gzip-many-members": members(small, 13),
        "zstd-frames": zstd(small[:2000]) + zstd(small[2000:]),
        "zstd-skippable-first": b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd(small),
    }[name]
    read_fd, write_fd = os.pipe()
    feeder = threading.Thread(target=feed, args=(write_fd, blob, lambda: piece))
    feeder.start()
    try:
        tree.apply_fd(read_fd, blob_digest=digest(blob), diff_id=digest(small))
    finally:
        feeder.join()
        os.close(read_fd)
    assert tree.read("a") == NOISE[:3000]


@pytest.mark.parametrize(
    ("blob", "match"),
    [
        (compress(LAYER)[:-1], "gzip stream is truncated"),
        (compress(LAYER)[:-9], "gzip stream is truncated|ends in"),
        (compress(LAYER)[:5000], "truncated"),
        (compress(LAYER)[:12], "truncated"),
        (compress(LAYER)[:4], "truncated"),
        (compress(LAYER)[:-6] + b"\0\0" + compress(LAYER)[-4:], "corrupt"),
        (compress(LAYER)[:6000] + b"\xff" * 64 + compress(LAYER)[6064:], "corrupt|checksum"),
        (compress(LAYER) + b"trailing", "followed by other data"),
        (compress(LAYER) + bytes(10) + compress(LAYER), "followed by other data"),
        (b"\x1f\x8b\x07" + compress(LAYER)[3:], "corrupt"),
        (zstd(LAYER)[:-1], "zstd stream is truncated"),
        (zstd(LAYER)[:5000], "truncated"),
        (zstd(LAYER)[:6], "truncated"),
        (zstd(LAYER) + b"trailing", "corrupt"),
        (zstd(LAYER, "--check")[:-2] + b"\0\0", "corrupt"),
        (b"\x28\xb5\x2f\xfd\0\xb0" + zstd(LAYER)[6:], "corrupt"),
        (LAYER[:5000], "ends inside"),
        (b"BZh9" + bytes(600), "checksum"),
    ],
)
def test_damaged_streams(tree: Tree, blob: bytes, match: str) -> None:
    with pytest.raises(_core.LayerError, match=match):
        tree.apply_blob(blob)


def test_window_limit(tree: Tree) -> None:
    """A frame that asks for a window of 512 MiB (its descriptor 0x98): refused before any is allocated."""
    with pytest.raises(_core.LayerError, match=r"zstd stream is corrupt \(.*memory"):
        tree.apply_blob(b"\x28\xb5\x2f\xfd\x00\x98" + bytes(64))


def test_bytes_after_the_end_belong_to_the_diff_id(tree: Tree) -> None:
    for trailing in (bytes(9728), b"anything at all", bytes(100) + entry("hidden")):
        padded = LAYER + trailing
        tree.apply_blob(compress(padded), diff_id=digest(padded))
        with pytest.raises(_core.DigestMismatch):
            tree.apply_blob(compress(padded), diff_id=digest(LAYER))
    assert "hidden" not in tree.listing()


def test_digests_and_sizes_are_demanded(tree: Tree) -> None:
    blob = compress(LAYER)
    wrong = digest(b"something else")
    for options, match in [
        ({"blob_digest": wrong}, f"the blob's digest is {digest(blob)}, not {wrong}"),
        ({"blob_size": len(blob) - 1}, "longer than the"),
        ({"blob_size": len(blob) + 1}, f"has {len(blob)} bytes, not the {len(blob) + 1}"),
        ({"blob_size": 0}, "longer than the 0"),
        ({"diff_id": wrong}, f"diffID is {digest(LAYER)}, not {wrong}"),
    ]:
        with pytest.raises(_core.DigestMismatch, match=match):
            tree.apply_blob(blob, **options)


def test_a_wrong_blob_is_named_rather_than_its_damage(tree: Tree) -> None:
    blob = compress(LAYER)
    for damaged in (blob[:7000], b"not a layer" * 100):
        with pytest.raises(_core.DigestMismatch, match="the blob"):
            tree.apply_blob(damaged, blob_digest=digest(blob), blob_size=len(blob))
    with pytest.raises(_core.LayerError, match="truncated") as error:
        tree.apply_blob(blob[:7000], blob_digest=digest(blob[:7000]), blob_size=7000)
    assert not isinstance(error.value, _core.DigestMismatch)


def test_sha512(tree: Tree) -> None:
    blob = compress(LAYER)
    stats = tree.apply_blob(blob, blob_digest=digest(blob, "sha512"), diff_id=digest(LAYER, "sha512"))
    assert stats["diff_id"] == digest(LAYER, "sha512")
    with pytest.raises(_core.DigestMismatch):
        tree.apply_blob(blob, blob_digest=digest(LAYER, "sha512"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "md5:" + "0" * 32,
        "sha256:" + "0" * 63,
        "sha256:" + "0" * 65,
        "sha256:" + "A" * 64,
        "SHA256:" + "0" * 64,
        "sha256:../" + "0" * 61,
    ],
)
def test_digest_grammar(tree: Tree, text: str) -> None:
    for key in ("blob_digest", "diff_id"):
        with pytest.raises(_core.LayerError, match="neither a sha256 nor a sha512"):
            tree.apply_blob(LAYER, **{key: text})


def test_a_bomb_is_stopped(tree: Tree) -> None:
    """16 GiB of zeros in few kilobytes: refused soon after the first GiB, with little of it written."""
    size = 16 << 30
    name = b"bomb"
    head = header(name, size=b"%011o" % size if size < 8 << 30 else b"\x80" + size.to_bytes(11, "big"))
    chunk = zstd(bytes(64 << 20))
    blob = zstd(head) + chunk * 256
    began = time.monotonic()
    with pytest.raises(_core.LayerError, match="expands more than 4096 times"):
        tree.apply_blob(blob)
    assert time.monotonic() - began < 60
    assert (tree.path / "bomb").stat().st_size < 2 << 30
    (tree.path / "bomb").unlink()


def test_ctrl_c_ends_an_extraction(tree: Tree) -> None:
    read_fd, write_fd = os.pipe()

    def endless() -> None:
        try:
            os.write(write_fd, header(b"x", size=b"77777777777"))
            while True:
                os.write(write_fd, bytes(65536))
        except BrokenPipeError:
            pass

    feeder = threading.Thread(target=endless)
    old = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    feeder.start()
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            tree.apply_fd(read_fd)
    finally:
        signal.signal(signal.SIGALRM, old)
        os.close(read_fd)
        feeder.join()
        os.close(write_fd)


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


@pytest.mark.parametrize("size", [0, 2, 5000, 400_000])
def test_ctrl_c_while_the_writer_stalls(tree: Tree, size: int) -> None:
    """Before and after the stages have threads: nothing is left waiting for bytes that do not come."""
    blob = compress(LAYER)
    assert len(blob) > 400_000
    read_fd, write_fd = os.pipe()
    feeder = threading.Thread(target=os.write, args=(write_fd, blob[:size]))
    old = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    before = threads()
    feeder.start()
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            tree.apply_fd(read_fd)
        assert time.monotonic() - began < 20
    finally:
        signal.signal(signal.SIGALRM, old)
        feeder.join()
        os.close(read_fd)
        os.close(write_fd)
    assert threads() == before


def test_no_thread_is_left(tree: Tree) -> None:
    before = threads()
    refused = tar(entry("noise", data=NOISE), entry("../out"), entry("more", data=NOISE))
    for blob in (LAYER[:-5000], compress(LAYER)[:-9], zstd(LAYER)[:-9], refused, compress(refused)):
        assert len(blob) > 300_000
        with pytest.raises(_core.LayerError):
            tree.apply_blob(blob)
    with pytest.raises(_core.DigestMismatch):
        tree.apply_blob(compress(LAYER), diff_id=digest(b""))
    tree.apply_blob(compress(LAYER))
    assert threads() == before


def test_a_digest_that_nobody_demands_is_not_computed(tree: Tree) -> None:
    stats = tree.apply_blob(compress(LAYER))
    assert (stats["blob_digest"], stats["diff_id"]) == ("", digest(LAYER))


def test_the_gil_is_free_during_an_extraction(tree: Tree) -> None:
    read_fd, write_fd = os.pipe()
    thread = threading.Thread(target=tree.apply_fd, args=(read_fd,))
    thread.start()
    os.write(write_fd, LAYER[:1000])  # would hang here if the extractor kept the lock while it waits
    feed(write_fd, LAYER[1000:], lambda: 65536)
    thread.join()
    os.close(read_fd)
    assert tree.read("d/noise") == NOISE


def test_full_disk_is_an_oserror(tree: Tree) -> None:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            read_fd, write_fd = os.pipe()
            threading.Thread(target=feed, args=(write_fd, LAYER, lambda: 4096), daemon=True).start()
            tree.apply_fd(read_fd)
        except OSError as error:
            code = 0 if error.errno == errno.EFBIG and '"d/noise"' in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def as_ordinary_user(top: Path, work: Callable[[], Any]) -> Any:
    """Runs work in a child without privilege, in a directory of its own."""
    read_fd, write_fd = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(54321, 54321, 54321)
            os.setresuid(54321, 54321, 54321)
            result: Any = work()
        except BaseException as error:
            result = error
        os.write(write_fd, pickle.dumps(result))
        os._exit(0)
    os.close(write_fd)
    with os.fdopen(read_fd, "rb") as pipe:
        result = pickle.loads(pipe.read())
    os.waitpid(pid, 0)
    if isinstance(result, BaseException):
        raise result
    return result


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become a user without threads to spare")
def test_a_host_without_a_thread_to_spare() -> None:
    top = Path(tempfile.mkdtemp())
    top.chmod(0o777)

    def work() -> list[Any]:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        with pytest.raises(RuntimeError):
            threading.Thread(target=int).start()
        tree = Tree(top / "root")
        return [tree.apply_blob(compress(LAYER))["diff_id"], tree.read("d/noise") == NOISE]

    try:
        assert as_ordinary_user(top, work) == [digest(LAYER), True]
    finally:
        shutil.rmtree(top)


@pytest.mark.skipif(os.geteuid() != 0, reason="as an ordinary user all other tests are this one")
def test_an_ordinary_user_gets_the_same_tree() -> None:
    layers = [
        [
            directory("d", mode=0),
            entry("d/x", uid=33, gid=44, mode=0o4000),
            directory("ro", mode=0o555),
            entry("ro/f"),
            symlink("l", "d"),
            entry("gone/deep/x", mode=0),
        ],
        [entry("ro/g"), hardlink("d/y", "l/x"), entry(".wh.gone"), directory("d", mode=0o100)],
    ]

    def build(path: Path) -> list[tuple[str, int, str | None]]:
        tree = Tree(path)
        for layer in layers:
            tree.apply(*layer)
        rows = []
        for name in tree.listing():
            link = (path / name).is_symlink()
            rows.append((name, (path / name).lstat().st_mode, None if link else tree.override(name)))
        root = os.open(path.parent, os.O_RDONLY)
        _core.remove_tree(root, path.name)
        return rows

    top = Path(tempfile.mkdtemp())
    try:
        mine = build(top / "mine")
        top.chmod(0o777)
        assert as_ordinary_user(top, lambda: build(top / "theirs")) == mine
        assert {row[0]: row[2] for row in mine}["d/y"] == "33:44:04000"
    finally:
        shutil.rmtree(top)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_never_crashes(data: st.DataObject) -> None:
    """Any bytes flipped anywhere: applied or refused, and nothing but the tree is touched."""
    kind = data.draw(st.sampled_from(["plain", "gzip", "zstd"]))
    base = tar(
        directory("d"),
        entry("d/x" * 60, data=b"abc" * 300),
        symlink("l", "d"),
        hardlink("h", "d/x" * 60),
        entry("l/.wh.x"),
        entry("p", pax={"SCHILY.xattr.user.x": "1", "mtime": "1.5"}),
    )
    blob = bytearray({"plain": base, "gzip": compress(base), "zstd": zstd(base)}[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as top:
        tree = Tree(Path(top, "root"))
        with contextlib.suppress(_core.LayerError, OSError):
            tree.apply_blob(bytes(blob))
        assert os.listdir(top) == ["root"]

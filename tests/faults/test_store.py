"""A store that cannot be written, is full, is another's, or is used by many at once.

Each failure is one line that names the store or the file and the cause, with the documented exit status, and
leaves nothing behind. Kills and failing disks during a pull: tests/oci/test_crash.py.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elfuse.oci.layout import Store
from tests.oci.conftest import Result, assert_store_is_sound
from tests.oci.images import Image, a64_program, sample, tar, write_layout
from tests.oci.programs import LOOP
from tests.oci.test_ordinary_user import NOBODY, environment, interpreter
from tests.oci.test_run import assert_no_run_left

Elfuse = Callable[..., Result]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system, or becomes another user")


@pytest.fixture
def image(tmp_path: Path) -> str:
    return f"oci:{write_layout(tmp_path / 'layout', {'x': [sample()]})}:x"


def one_line(done: Result, code: int, *words: str) -> None:
    assert done.code == code, done
    errors = [line for line in done.err.splitlines() if line.startswith("elfuse: ")]
    assert len(errors) == 1 and "Traceback" not in done.err, done.err
    for word in words:
        assert word in errors[0], done.err


@pytest.fixture
def small(store_path: Path) -> Iterator[Path]:
    """The store on a file system of its own, of 4 MiB."""
    store_path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", store_path], check=True)
    yield store_path
    subprocess.run(["umount", "-l", store_path], check=True)


@needs_root
@pytest.mark.parametrize("unpacked", [True, False])
def test_a_read_only_store(
    small: Path, image: str, elfuse: Elfuse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unpacked: bool
) -> None:
    """It can be looked at and run from: what a run writes lies in $XDG_RUNTIME_DIR."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert elfuse("oci", "pull", image).code == 0
    if unpacked:
        assert elfuse("oci", "unpack", image).code == 0
    before = sorted(str(path) for path in small.rglob("*"))
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    assert elfuse("oci", "run", image).out == "hello\n"
    assert elfuse("oci", "run", "--keep", "--name", "kept", image).out == "hello\n"
    assert elfuse("oci", "ps", "-aq").out == "kept\n"
    for words in (("list",), ("status",), ("prune",), ("verify",), ("inspect", image)):
        done = elfuse("oci", *words)
        assert (done.code == 0 and "sha256:" in done.out) or words != ("inspect", image), done
    one_line(elfuse("oci", "pull", image.replace(":x", ":y")), 1, ":y")
    one_line(elfuse("oci", "rm", image), 1, str(small), "Read-only file system")
    one_line(elfuse("oci", "prune", "--commit"), 1, str(small), "Read-only file system")
    assert elfuse("oci", "rm", "--run", "kept").code == 0
    assert sorted(str(path) for path in small.rglob("*")) == before
    Store.open(str(small)).sweep()
    (scratch,) = runtime.glob("elfuse-*/runs-*")
    assert os.listdir(scratch / "runs") == [] and len(os.listdir(scratch / "stacks/sha256")) == (not unpacked)
    subprocess.run(["mount", "-o", "remount,rw", small], check=True)
    assert elfuse("oci", "run", image).out == "hello\n"
    assert_no_run_left(small)


@needs_root
def test_a_scratch_place_of_another_user(
    small: Path, image: str, elfuse: Elfuse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "runtime"
    (runtime / "elfuse-0").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert elfuse("oci", "pull", image).code == 0
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    os.chown(runtime / "elfuse-0", NOBODY, NOBODY)
    one_line(elfuse("oci", "run", image), 125, "belongs to somebody else", "XDG_RUNTIME_DIR")
    os.chown(runtime / "elfuse-0", 0, 0)
    os.chmod(runtime / "elfuse-0", 0o770)
    one_line(elfuse("oci", "run", image), 125, "belongs to somebody else")
    (runtime / "elfuse-0").rmdir()
    (runtime / "elfuse-0").symlink_to(tmp_path)
    one_line(elfuse("oci", "run", image), 125, "belongs to somebody else")


@needs_root
def test_a_full_store(small: Path, image: str, tmp_path: Path, elfuse: Elfuse) -> None:
    """Full while fetching, while unpacking, and when a run begins; with room again, all works."""
    huge = tar([(f"f{i}", os.urandom(1 << 20)) for i in range(6)])
    too_large = f"oci:{write_layout(tmp_path / 'large', {'x': [Image([huge])]})}:x"
    one_line(elfuse("oci", "pull", too_large), 1, str(small))
    # Zeros pack well: the blob fits, its tree does not.
    zeros = tar([(f"z{i}", bytes(2 << 20)) for i in range(4)])
    packed = f"oci:{write_layout(tmp_path / 'packed', {'x': [Image([zeros])]})}:x"
    assert elfuse("oci", "pull", packed).code in (0, 1)
    one_line(elfuse("oci", "run", packed, "/bin/x"), 125, "No space left on device")
    assert os.listdir(small / "stacks/sha256") == []
    with open(small / "filler", "wb", buffering=0) as filler:
        while True:
            try:
                filler.write(bytes(4096))
            except OSError:
                break
    done = elfuse("oci", "run", image)
    one_line(done, 125, str(small))
    (small / "filler").unlink()
    Store.open(str(small)).sweep()
    assert elfuse("oci", "run", image).out == "hello\n"
    assert_store_is_sound(small)
    assert_no_run_left(small)


@needs_root
def test_a_store_of_another_user(image: str) -> None:
    python = interpreter()
    if python is None:
        pytest.skip("no interpreter that an ordinary user may start")
    mine = Path(f"/tmp/elfuse-others-{os.getpid()}")
    mine.mkdir(mode=0o700)
    try:
        for words, code in (("pull", 1), ("run", 125)):
            done = subprocess.run(
                [python, "-m", "elfuse", "oci", words, image],
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                env=environment("/", ELFUSE_STORE=str(mine / "store")),
                cwd="/",
                capture_output=True,
                text=True,
                timeout=60,
            )
            one_line(Result(done.returncode, done.stdout, done.stderr), code, str(mine), "Permission denied")
        assert list(mine.iterdir()) == []
    finally:
        mine.rmdir()


def start(*words: str) -> "subprocess.Popen[bytes]":
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "elfuse", *words]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_many_runs_at_once_of_an_image_not_yet_there(image: str, store_path: Path) -> None:
    runs = [start("oci", "run", image) for _ in range(4)]
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert (run.returncode, out) == (0, b"hello\n"), err
    assert len(os.listdir(store_path / "stacks/sha256")) <= 2
    assert_store_is_sound(store_path)
    assert_no_run_left(store_path)


def test_many_unpacks_at_once(image: str, store_path: Path, tmp_path: Path, elfuse: Elfuse) -> None:
    assert elfuse("oci", "pull", image).code == 0
    targets = [tmp_path / f"tree{i}" for i in range(3)]
    unpacks = [start("oci", "unpack", image, str(target)) for target in targets]
    for unpack in unpacks:
        _, err = unpack.communicate(timeout=120)
        assert unpack.returncode == 0, err
    listings = [sorted(str(p.relative_to(t)) for p in t.rglob("*")) for t in targets]
    assert listings[0] and listings[0] == listings[1] == listings[2]
    assert_store_is_sound(store_path)


def test_a_killed_run_is_cleared_by_the_next(store_path: Path, tmp_path: Path, elfuse: Elfuse) -> None:
    """SIGKILL ends a run without a word; its directory goes with the next run's sweep, a live one's stays."""
    loop = Image([tar([("bin/loop", LOOP, 0o755), ("bin/end", a64_program(END), 0o755)])])
    image = f"oci:{write_layout(tmp_path / 'layout', {'x': [loop]})}:x"
    guests = [start("oci", "run", "--name", name, image, "/bin/loop") for name in ("dead", "live")]
    try:
        deadline = time.monotonic() + 60
        while not all(b"elfuse-vm" in Path(f"/proc/{g.pid}/cmdline").read_bytes() for g in guests):
            assert time.monotonic() < deadline and all(g.poll() is None for g in guests)
            time.sleep(0.05)
        guests[0].send_signal(signal.SIGKILL)
        guests[0].wait(30)
        assert elfuse("oci", "run", image, "/bin/end").code == 3
        Store.open(str(store_path)).sweep()
        assert os.listdir(store_path / "runs") == ["live"]
        assert (store_path / "runs/live/upper").is_dir()
    finally:
        for guest in guests:
            guest.kill()
            guest.communicate(timeout=30)
    assert_no_run_left(store_path)


END = [0xD2800060, 0xD2800BC8, 0xD4000001]  # exit_group(3)

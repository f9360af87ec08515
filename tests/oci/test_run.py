"""Runs: the command becomes the guest, the API waits for it. Small programs, all of our own making."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import elfuse as api
from elfuse.oci.layout import Store
from tests.oci.conftest import Registry, Result
from tests.oci.images import sample
from tests.oci.programs import program_layout

Elfuse = Callable[..., Result]


@pytest.fixture
def image(tmp_path: Path, store_path: Path) -> str:
    return program_layout(tmp_path / "layout")


def assert_no_run_left(store: Path) -> None:
    """A sweep clears what the ended runs left; one in the background may be at it."""
    deadline = time.monotonic() + 10
    while True:
        Store.open(str(store)).sweep()
        left = [name for part in ("runs", "trash", "tmp") for name in os.listdir(store / part)]
        if not left:
            return
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_run_pulls_what_is_missing(registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    ref = registry.push("run/hello:1", sample(b"hello from the guest\n"))
    done = elfuse("oci", "run", ref)
    assert (done.code, done.out) == (0, "hello from the guest\n"), done.err
    again = elfuse("oci", "run", "--pull=never", ref)
    assert (again.code, again.out, again.err) == (0, "hello from the guest\n", "")
    assert_no_run_left(store_path)


def test_exit_status_is_the_programs(elfuse: Elfuse, image: str) -> None:
    assert elfuse("oci", "run", image, "exit7").code == 7
    assert elfuse("oci", "run", "--entrypoint", "/bin/exit7", image).code == 7
    assert elfuse("oci", "run", image, "illegal").code == 128 + 4
    assert elfuse("oci", "run", image, "script").out == "hello\n"


def test_an_init_is_process_1(elfuse: Elfuse, image: str) -> None:
    assert elfuse("oci", "run", image, "pid").code == 1
    assert elfuse("oci", "run", "--init", image, "pid").code == 2
    assert elfuse("oci", "run", "--init", "-q", image, "nothing").code == 127
    assert api.run(image, ["pid"], init=True).returncode == 2


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("nothing", 127),
        ("/bin/nothing", 127),
        ("plain", 126),
        ("text", 126),
        ("amd64", 126),
        ("corrupt", 126),
        ("short", 126),
        ("/bin", 126),
    ],
)
def test_programs_that_cannot_run(
    elfuse: Elfuse, image: str, store_path: Path, program: str, code: int
) -> None:
    done = elfuse("oci", "run", "-q", image, program)
    assert (done.code, done.out) == (code, ""), done.err
    lines = done.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("elfuse: ") and program in lines[0]
    assert_no_run_left(store_path)


def test_standard_input_is_passed_on_only_when_asked(image: str, store_path: Path) -> None:
    command = [sys.executable, "-m", "elfuse", "oci", "run", "-q"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for flags, expected in (["-i"], b"typed"), ([], b""):
        done = subprocess.run(
            [*command, *flags, image, "echo"], input=b"typed", capture_output=True, env=env, timeout=60
        )
        assert (done.returncode, done.stdout) == (0, expected), done.stderr


def test_closed_standard_streams(image: str, store_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    shell = f'"{sys.executable}" -m elfuse oci run -q {image} exit7 <&- >&- 2>&-'
    assert subprocess.run(shell, shell=True, env=env, timeout=60).returncode == 7


def test_writes_go_to_the_run_alone(elfuse: Elfuse, image: str, store_path: Path) -> None:
    done = elfuse("oci", "run", "--keep", "--name", "mine", image, "mkdir")
    assert done.code == 0 and str(store_path / "runs/mine") in done.err
    assert (store_path / "runs/mine/upper/made").is_dir()
    assert not (Path(api.unpack(image)) / "made").exists()
    assert elfuse("oci", "run", image, "mkdir").code == 0  # another run does not see it
    assert elfuse("oci", "run", "--read-only", image, "mkdir").code == 30  # EROFS


def test_a_run_is_not_swept_while_it_lives(image: str, store_path: Path) -> None:
    api.pull(image)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "elfuse", "oci", "run", "--name", "live", image, "loop"]
    guest = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while b"elfuse-vm" not in Path(f"/proc/{guest.pid}/cmdline").read_bytes():
            assert guest.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        Store.open().sweep()
        assert (store_path / "runs/live/upper").is_dir()
    finally:
        guest.kill()
        guest.wait()
    assert_no_run_left(store_path)


def test_api(image: str, store_path: Path) -> None:
    done = api.run(image, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello\n", b"")
    assert api.run(image, ["echo"], input=b"from here", capture_output=True).stdout == b"from here"
    assert api.run(image, ["exit7"]).returncode == 7
    assert api.run(image, ["illegal"], capture_output=True).returncode == 132
    with pytest.raises(subprocess.CalledProcessError) as caught:
        api.run(image, ["exit7"], check=True)
    assert caught.value.returncode == 7
    with pytest.raises(subprocess.TimeoutExpired):
        api.run(image, ["loop"], timeout=0.5)
    with pytest.raises(api.ElfuseError, match="no user"):
        api.run(image, user="nobody")
    assert_no_run_left(store_path)


def test_program_in_a_sysroot(elfuse: Elfuse, image: str, tmp_path: Path) -> None:
    api.pull(image)
    root = tmp_path / "root"
    api.unpack(image, str(root))
    done = elfuse("run", "--sysroot", str(root), "/bin/hello")
    assert (done.code, done.out) == (0, "hello\n"), done.err
    assert elfuse("run", str(root / "bin/exit7")).code == 7
    assert elfuse("run", "./root/bin/exit7").code == 7
    assert elfuse("run", "--sysroot", str(root), "/bin/nothing").code == 127
    assert elfuse("run", "/nowhere").code == 127


def test_a_spec_of_a_dry_run_is_what_the_launcher_takes(elfuse: Elfuse, image: str, tmp_path: Path) -> None:
    from elfuse.runtime.process import launcher

    spec = json.loads(elfuse("oci", "run", "--dry-run", image).out)
    spec["keep_fds"] = []
    root = spec["root"]
    for name in ("upper", "work"):
        root[name] = str(tmp_path / name)
        (tmp_path / name).mkdir()
    spec["mounts"] = [mount for mount in spec["mounts"] if mount["type"] != "bind"]
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    done = subprocess.run(
        [launcher(), "--spec", str(tmp_path / "spec.json")], capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, b"hello\n"), done.stderr

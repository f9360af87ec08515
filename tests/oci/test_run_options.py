"""The options of `elfuse oci run`, as the guest sees them. Those of the launch spec: test_command.py."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import elfuse as api
from tests.oci.conftest import Result
from tests.oci.programs import program_layout

Elfuse = Callable[..., Result]
RUN = [sys.executable, "-m", "elfuse", "oci", "run", "-q"]


def env() -> dict[str, str]:
    """Asked for when a test runs: its store is among the variables."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def image(tmp_path: Path, store_path: Path) -> str:
    return program_layout(tmp_path / "layout")


def test_mounts(elfuse: Elfuse, image: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("of the host\n")
    (tmp_path / "data/hosts").write_text("192.0.2.5 mine\n")
    words = ["--mount", f"type=bind,source={tmp_path}/data,target=/a/b,ro", "--tmpfs", "/a:mode=700,size=1m"]
    done = elfuse("oci", "run", *words, image, "cat", "/a/b/file")
    assert (done.code, done.out) == (0, "of the host\n")
    assert (
        done.err.splitlines()[-1] == "elfuse: the tmpfs /a is a directory of the run: size=1m is not enforced"
    )
    shown = elfuse(
        "oci", "run", "-q", *words, "--mount", "type=tmpfs,dst=/c,ro", image, "cat", "/proc/mounts"
    )
    kinds = {line.split()[1]: line.split()[2:4] for line in shown.out.splitlines()}
    assert shown.err == "" and kinds["/a"][0] == "tmpfs"
    assert kinds["/a/b"][1].startswith("ro") and kinds["/c"][1].startswith("ro")
    # The user's own file is in the place of the one that is made for every run.
    words = ["-v", f"{tmp_path}/data/hosts:/etc/hosts:ro"]
    assert elfuse("oci", "run", *words, image, "cat", "/etc/hosts").out == "192.0.2.5 mine\n"


def test_hosts_and_limits(elfuse: Elfuse, image: str) -> None:
    words = ["--add-host", "db;cache:192.0.2.7", "--add-host=host.docker.internal:host-gateway"]
    lines = elfuse("oci", "run", *words, image, "cat", "/etc/hosts").out.splitlines()
    assert lines[:2] == ["192.0.2.7\tdb cache", "127.0.0.1\thost.docker.internal"]
    words = ["--ulimit", "nofile=77:99", "--ulimit=core=-1", "--ulimit", "nproc=12345"]
    text = elfuse("oci", "run", *words, image, "cat", "/proc/self/limits").out
    limits = {line[:26].strip(): line[26:].split()[:2] for line in text.splitlines()}
    assert limits["Max open files"] == ["77", "99"]
    assert limits["Max core file size"] == ["unlimited", "unlimited"]
    assert limits["Max processes"] == ["12345", "12345"]


def test_environment_files(elfuse: Elfuse, image: str, tmp_path: Path) -> None:
    (tmp_path / "vars").write_text('A=1\n# no\nFROM_HOST\nB="2"\n')
    done = elfuse(
        *["oci", "run", "--dry-run", "--env-file", str(tmp_path / "vars"), "-e", "A=2", "-e", "FROM_*"],
        image,
        FROM_HOST="h",
        FROM_THERE="t",
    )
    shown = json.loads(done.out)["env"]
    assert {"A=2", "FROM_HOST=h", 'B="2"', "FROM_THERE=t"} <= set(shown)


def test_pull_newer(elfuse: Elfuse, image: str, tmp_path: Path) -> None:
    assert elfuse("oci", "run", "--pull=newer", image).out == "hello\n"
    # A registry that is not there: what is in the store will do.
    from elfuse.oci.layout import Store

    store = Store.open()
    pin = store.pins()[0]
    store.set_pin("127.0.0.1:1/app:latest", pin.manifest, pin.index)
    done = elfuse("oci", "run", "--pull=newer", "127.0.0.1:1/app")
    assert (done.code, done.out) == (0, "hello\n"), done.err
    for words in (["--pull=always", "127.0.0.1:1/app"], ["--pull=newer", "127.0.0.1:1/other"]):
        done = elfuse("oci", "run", *words)
        assert done.code == 125 and "127.0.0.1:1" in done.err


def test_platform(elfuse: Elfuse, image: str) -> None:
    for platform in ("linux/arm64", "arm64", "linux/arm64/v8", "linux/aarch64"):
        assert elfuse("oci", "run", "--platform", platform, image).out == "hello\n"
    done = elfuse("oci", "run", "--platform", "linux/amd64", image)
    assert (done.code, done.err) == (125, "elfuse: elfuse runs linux/arm64, not linux/amd64\n")


def test_id_file(elfuse: Elfuse, image: str, tmp_path: Path) -> None:
    path = tmp_path / "id"
    assert elfuse("oci", "run", "--cidfile", str(path), "--name", "me", image).code == 0
    assert path.read_text() == "me"
    done = elfuse("oci", "run", "--cidfile", str(path), image)
    assert done.code == 125 and f"the ID file {path} exists" in done.err
    path.unlink()
    # Nothing has run, so there is no ID.
    assert elfuse("oci", "run", "--dry-run", "--cidfile", str(path), image).code == 0
    assert elfuse("oci", "run", "--cidfile", str(path), "-u", "nobody", image).code == 125
    assert not path.exists()
    done = elfuse("oci", "run", "--cidfile", str(tmp_path / "none/id"), image)
    assert done.code == 125 and "cannot write the ID file" in done.err
    assert os.listdir(tmp_path / "store/runs") == []


def processes_with(word: str) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in words:
                found.append(int(entry))
    return found


def wait_until_gone(word: str) -> None:
    deadline = time.monotonic() + 10
    while left := processes_with(word):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


@pytest.mark.parametrize("pidfd", [True, False])
def test_timeout(image: str, store_path: Path, pidfd: bool) -> None:
    """SIGKILL after that time: 137 for a shell. The watcher has none of the guest's descriptors, and goes
    when the guest does."""
    api.pull(image)
    name = f"timed-{os.getpid()}-{pidfd}"
    code = "import os, sys; sys.argv[0] = 'elfuse'\n"
    if not pidfd:  # as on a host without them
        code += "del os.pidfd_open\n"
    code += "from elfuse.cli.main import main; main()"
    command = [sys.executable, "-c", code, "oci", "run", "-q", "--name", name]
    started = time.monotonic()
    done = subprocess.run(
        [*command, "--timeout", "1", image, "loop"], env=env(), capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (-9, b"")
    assert 1 <= time.monotonic() - started < 30
    wait_until_gone(name)
    started = time.monotonic()
    done = subprocess.run([*command, "--timeout", "50", image], env=env(), capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"hello\n") and time.monotonic() - started < 30
    wait_until_gone(name)


def test_a_shell_sees_137(image: str, store_path: Path) -> None:
    script = f"{' '.join(RUN)} --timeout 1 {image} loop; echo $?"
    done = subprocess.run(["sh", "-c", script], env=env(), capture_output=True, timeout=60)
    assert done.stdout == b"137\n"


def test_signals_reach_the_guest(image: str, store_path: Path) -> None:
    """As a child of a shell: what kill sends ends the guest, which has no handler, and 128+N is seen."""
    api.pull(image)
    for number in (15, 2, 1):
        guest = subprocess.Popen([*RUN, "--name", f"s{number}", image, "loop"], env=env())
        deadline = time.monotonic() + 30
        while b"elfuse-vm" not in Path(f"/proc/{guest.pid}/cmdline").read_bytes():
            assert guest.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.1)
        guest.send_signal(number)
        assert guest.wait(30) == 128 + number

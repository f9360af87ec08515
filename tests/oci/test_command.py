"""The command: usage, exit codes, the launch spec, and what a run may cost."""

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

import elfuse as api
from tests.oci.conftest import Result
from tests.oci.images import AMD64, Image, sample, tar, write_layout

Elfuse = Callable[..., Result]


@pytest.fixture
def image(tmp_path: Path, store_path: Path) -> str:
    """A present image, by its name."""
    layout = write_layout(tmp_path / "layout", {"app": [sample(), sample(platform=AMD64)]})
    api.pull(f"oci:{layout}:app")
    return f"oci:{layout}:app"


def spec_of(elfuse: Elfuse, *words: str, **env: str) -> dict[str, object]:
    done = elfuse("oci", "run", "--dry-run", *words, **env)
    assert done.code == 0, done.err
    document: dict[str, object] = json.loads(done.out)
    return document


def test_version_and_help(elfuse: Elfuse) -> None:
    assert elfuse("--version").out == f"elfuse {api.__version__}\n"
    for words in (["-h"], ["oci", "--help"], ["oci", "run", "-h"], ["run", "--help"]):
        done = elfuse(*words)
        assert done.code == 0 and "Usage: elfuse" in done.out and done.err == ""


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["oci", "nonsense"],
        ["oci", "pull"],
        ["oci", "pull", "--nonsense", "x"],
        ["oci", "pull", "--tls-verify=maybe", "x"],
        ["oci", "inspect", "a", "b"],
    ],
)
def test_wrong_usage_is_2(elfuse: Elfuse, words: list[str]) -> None:
    done = elfuse(*words)
    assert done.code == 2 and done.out == "" and "Usage: elfuse" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["oci", "run"],
        ["oci", "run", "--pull=sometimes", "x"],
        ["oci", "run", "--nonsense", "x"],
        ["oci", "run", "--timeout=-1", "x"],
        ["run"],
        ["run", "--sysroot", "/nonexistent", "x"],
    ],
)
def test_wrong_usage_of_a_run_is_125(elfuse: Elfuse, words: list[str]) -> None:
    """As podman and docker: 2 is a code that the guest may have."""
    done = elfuse(*words)
    assert done.code == 125 and done.out == "" and "Usage: elfuse" in done.err


def test_failures_are_1_and_125_for_a_run(elfuse: Elfuse) -> None:
    for words, code in (
        (["oci", "pull", "Bad/Name"], 1),
        (["oci", "inspect", "nothing"], 1),
        (["oci", "run", "Bad/Name"], 125),
        (["oci", "run", "--pull=never", "nothing"], 125),
        (["run", "-w", "relative", "x"], 125),
    ):
        done = elfuse(*words)
        assert done.code == code and done.out == "", words
        assert done.err.startswith("elfuse: ") and len(done.err.splitlines()) == 1
    assert "Traceback" in elfuse("oci", "inspect", "nothing", ELFUSE_DEBUG="1").err


def test_launch_spec(elfuse: Elfuse, image: str, store_path: Path) -> None:
    spec = spec_of(elfuse, image)
    assert spec["version"] == 1
    assert spec["argv"] == ["/bin/hello", "world"]
    assert spec["cwd"] == "/srv/app"
    assert spec["user"] == {"uid": 1001, "gid": 1002, "groups": [50, 63]}
    env = spec["env"]
    assert isinstance(env, list)
    assert {"PATH=/bin", "LANG=C.UTF-8", "HOME=/srv/app", "container=elfuse"} < set(env)
    assert f"HOSTNAME={spec['hostname']}" in env and not any(e.startswith("TERM=") for e in env)
    root, mounts = spec["root"], spec["mounts"]
    assert isinstance(root, dict) and isinstance(mounts, list)
    assert root["type"] == "overlay" and root["lower"] == [api.unpack(image)]
    assert [m["target"] for m in mounts] == [
        "/proc",
        "/dev",
        "/sys",
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/hostname",
    ]
    # A dry run gives its directory back.
    assert os.listdir(store_path / "runs") == []


def test_run_options(elfuse: Elfuse, image: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    spec = spec_of(
        elfuse,
        *["-e", "A=1", "-eFROM_HOST", "-w", "/tmp", "-u", "root:staff", "-v", f"{tmp_path}/data:/d:ro"],
        *["--hostname", "box", "--read-only", "--strace", "--verbose"],
        *["--entrypoint", "/bin/x", image, "-e", "--", "y"],
        FROM_HOST="h",
    )
    assert spec["argv"] == ["/bin/x", "-e", "--", "y"]
    assert spec["cwd"] == "/tmp" and spec["hostname"] == "box"
    assert spec["user"] == {"uid": 0, "gid": 50, "groups": []}
    assert spec["read_only"] is True and spec["strace"] is True and spec["verbose"] is True
    env, mounts = spec["env"], spec["mounts"]
    assert isinstance(env, list) and isinstance(mounts, list)
    assert {"A=1", "FROM_HOST=h", "HOSTNAME=box", "HOME=/root"} < set(env)
    assert mounts[-1] == {"type": "bind", "source": f"{tmp_path}/data", "target": "/d", "read_only": True}
    assert [m["target"] for m in mounts if m["type"] == "tmpfs"] == ["/run", "/tmp", "/var/tmp"]


def test_run_refuses_what_it_cannot_do(elfuse: Elfuse, image: str, store_path: Path) -> None:
    for words, message in (
        (["-u", "nobody", image], "no user 'nobody' in the image's /etc/passwd"),
        (["-t", image], "-t needs a terminal"),
        (["-v", "vol:/x", image], "name of a volume"),
        (["--hostname", "a_b", image], "no host name"),
        (["--entrypoint", "", image], "no Entrypoint or Cmd"),
    ):
        done = elfuse("oci", "run", *words)
        assert done.code == 125 and message in done.err and len(done.err.splitlines()) == 1
    assert os.listdir(store_path / "runs") == []


def test_a_program_without_an_image(elfuse: Elfuse, tmp_path: Path) -> None:
    done = elfuse("run", "--dry-run", "-e", "X=1", "./prog", "--flag")
    spec = json.loads(done.out)
    assert spec["root"] == {"type": "plain", "path": "/"} and spec["cwd"] == str(tmp_path)
    assert spec["argv"] == ["./prog", "--flag"] and "X=1" in spec["env"]
    assert (spec["user"]["uid"], spec["user"]["gid"]) == (os.getuid(), os.getgid())
    spec = json.loads(elfuse("run", "--dry-run", "--sysroot", str(tmp_path), "prog").out)
    assert spec["root"]["path"] == str(tmp_path) and spec["cwd"] == "/"


def test_keep_and_name(elfuse: Elfuse, image: str, store_path: Path) -> None:
    assert spec_of(elfuse, "--name", "web_1", image)["hostname"] == "web-1"
    kept = store_path / "runs" / "old"
    (kept / "upper").mkdir(parents=True)
    (kept / "lock").touch()
    (kept / "keep").touch()
    done = elfuse("oci", "run", "--dry-run", "--name", "old", image)
    assert done.code == 125 and "a run named 'old' exists" in done.err
    # Without `keep`, an ended run is cleared away behind the back of the next one.
    (kept / "keep").unlink()
    spec_of(elfuse, image)
    for _ in range(100):
        if not kept.exists():
            return
        time.sleep(0.05)
    raise AssertionError("an ended run is still there")


def test_import_budget(elfuse: Elfuse, image: str, store_path: Path) -> None:
    """What is loaded when the command becomes the guest: no network, terminal or packaging code, nor what
    only other options and commands need. The same for the version."""
    heavy = {
        *("pycurl", "rich", "ssl", "yaml", "cryptography", "platformdirs", "tomllib", "logging"),
        *("asyncio", "concurrent", "subprocess", "select", "selectors", "tempfile", "shutil", "pathlib"),
        *(
            "urllib",
            "http",
            "email",
            "secrets",
            "random",
            "ctypes",
            "csv",
            "ipaddress",
            "resource",
            "logging",
        ),
        *("elfuse.aio", "elfuse.api.process", "elfuse.api.store", "elfuse.api.aio", "elfuse.cli.completion"),
        *("elfuse.oci.registry", "elfuse.oci.http", "elfuse.oci.pull", "elfuse.runtime.timeout"),
        *("click.shell_completion", "hypothesis"),
    }
    api.unpack(image)
    code = (
        "import os, sys\n"
        "def loaded(*_): print(*sys.modules, file=sys.stderr); os._exit(0)\n"
        "os.execve = loaded\n"
        "from elfuse.cli.main import _run; code = _run(sys.argv[1:])\n"
        "assert '--version' in sys.argv; loaded()\n"
    )
    from elfuse.oci.layout import Store

    store = Store.open()
    pin = store.pins()[0]
    pinned = "registry.example.com/app:1"
    store.set_pin(pinned, pin.manifest, pin.index)
    # -S: an editable install's finder, which users do not have, imports a lot.
    site = Path(click.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": f"{Path(__file__).parents[2]}:{site}"}
    words = ["oci", "run", "-e", "A=1", "-v", "/tmp:/t:ro", "--tmpfs=/x", "--env-file=/dev/null", pinned, "x"]
    for command in (["--version"], words):
        done = subprocess.run(
            [sys.executable, "-S", "-c", code, *command], capture_output=True, env=env, check=True
        )
        loaded = set(done.stderr.decode().split())
        loaded |= {name.partition(".")[0] for name in loaded}
        assert "click" in loaded and not loaded & heavy, loaded & heavy


def test_labels_do_not_drive_the_terminal(elfuse: Elfuse, tmp_path: Path) -> None:
    config = {"Labels": {"evil": "\x1b[31mred\nName: other"}, "Cmd": ["\x1b]0;title\x07"]}
    layout = write_layout(tmp_path / "layout", {"x": [Image([tar([("a", b"a")])], config)]})
    elfuse("oci", "pull", f"oci:{layout}:x")
    text = elfuse("oci", "inspect", f"oci:{layout}:x").out
    assert "Label:      evil=?[31mred?Name: other\n" in text
    assert text.replace("\n", "").isprintable()


def test_bars_at_a_terminal(tmp_path: Path, store_path: Path) -> None:
    """At a terminal the bars go to standard error, and the result alone to standard output."""
    layout = write_layout(tmp_path / "layout", {"big": [Image([tar([("f", os.urandom(1 << 20))])])]})
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "elfuse", "oci", "pull", f"oci:{layout}:big"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # Linux's way to say that the other side is closed
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and out.startswith(b"oci:") and out.count(b"\n") == 1
    assert b"layer" in shown and b"MB" in shown and b"\x1b[" in shown

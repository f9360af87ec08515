"""What a pull shows: bars at a terminal, lines elsewhere, JSON for programs, nothing with -q."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.oci.conftest import Registry, Result
from tests.oci.images import Image, sample, tar

Elfuse = Callable[..., Result]


def at_terminal(*words: str, **env: str) -> tuple[int, str]:
    """The command with a terminal for its standard error and output."""
    controller, terminal = pty.openpty()
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "TERM": "xterm-256color",
        **env,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "elfuse", *words],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
    )
    os.close(terminal)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([controller], [], [], 0.2)[0]:
            try:
                piece = os.read(controller, 65536)
            except OSError:  # Linux: the last writer closed it
                break
            shown += piece
        elif process.poll() is not None:
            break
    os.close(controller)
    return process.wait(10), shown.decode()


@pytest.fixture
def image(registry: Registry) -> str:
    return registry.push("progress/app:1", Image([tar([("noise", os.urandom(3 << 20))]), tar([("a", b"a")])]))


def test_lines_and_a_summary(registry: Registry, elfuse: Elfuse) -> None:
    ref = registry.push("progress/lines:1", sample())
    done = elfuse("oci", "pull", ref)
    lines = done.err.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["config", "layer", "layer", "manifest"]
    assert lines[-1].startswith("fetched 4 blobs, ") and "; reused 0 B; " in lines[-1]
    again = elfuse("oci", "pull", ref).err.splitlines()
    assert again[-1].startswith("up to date; reused ") and again[-1].endswith(" s")


def test_bars_at_a_terminal(image: str, store_path: Path) -> None:
    code, shown = at_terminal("oci", "pull", image)
    assert code == 0 and "━" in shown and "\x1b[" in shown
    assert "MB/s" in shown or "kB/s" in shown
    assert "fetched 4 blobs, 3.1 MB; reused 0 B" in shown
    code, shown = at_terminal("oci", "pull", image)
    assert code == 0 and "━" not in shown and "up to date" in shown


def test_no_colour_where_none_is_wanted(image: str, store_path: Path) -> None:
    code, shown = at_terminal("oci", "pull", image, NO_COLOR="1")
    assert code == 0 and "━" in shown
    assert "\x1b[3" not in shown.replace("\x1b[3A", "")  # no foreground; cursor movements stay


def test_plain_and_json_at_a_terminal(image: str, store_path: Path) -> None:
    code, shown = at_terminal("oci", "pull", image, ELFUSE_OCI_PROGRESS="plain")
    assert code == 0 and "\x1b" not in shown and " fetched" in shown
    code, shown = at_terminal("oci", "pull", "-q", image)
    assert code == 0 and len(shown.splitlines()) == 1


def test_json_lines(image: str, elfuse: Elfuse) -> None:
    done = elfuse("oci", "pull", image, ELFUSE_OCI_PROGRESS="json")
    events = [json.loads(line) for line in done.err.splitlines()]
    assert {event["event"] for event in events} >= {"begin", "finish", "summary"}
    finished = [event for event in events if event["event"] == "finish"]
    assert sorted(event["kind"] for event in finished) == ["config", "layer", "layer", "manifest"]
    assert all(event["fetched"] and event["digest"].startswith("sha256:") for event in finished)
    summary = events[-1]
    assert summary["event"] == "summary" and summary["blobsFetched"] == 4
    assert summary["bytesFetched"] == sum(event["size"] for event in finished)
    assert elfuse("oci", "pull", image, ELFUSE_OCI_PROGRESS="rich").code == 0


def test_the_json_document(image: str, registry: Registry, elfuse: Elfuse) -> None:
    missing = f"{registry.address}/progress/none:1"
    done = elfuse("oci", "pull", "-q", "--json", image, missing)
    document = json.loads(done.out)
    assert done.code == 1 and document["schemaVersion"] == 1
    assert document["summary"]["blobsFetched"] == 4 and document["summary"]["bytesReused"] == 0
    assert [part["reference"] for part in document["images"]] == [image]
    assert document["failed"][0]["reference"] == missing and "no such image" in document["failed"][0]["error"]


def test_a_pull_without_a_terminal_loads_no_rich(image: str, store_path: Path) -> None:
    code = (
        "import sys, elfuse.cli.main as m\n"
        f"assert m._run(['oci', 'pull', {image!r}]) == 0\n"
        "loaded = {'rich', 'cryptography', 'yaml', 'concurrent.futures', 'logging', 'asyncio'}\n"
        "assert not loaded & set(sys.modules), loaded & set(sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

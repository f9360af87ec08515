"""The commands that only look, in their plain form: the whole command's output, without what that loads."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import elfuse as api
from elfuse.api.store import Store
from elfuse.oci import summary
from elfuse.oci.layout import Store as Layout
from tests.oci.images import Image, sample, tar, write_layout

ROOT = str(Path(__file__).parents[2])
WHOLE = "import sys; from elfuse.cli.main import main; main(sys.argv[1:])"


def run(*command: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": ROOT, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def image(tmp_path: Path, store_path: Path) -> str:
    layout = write_layout(tmp_path / "with space", {"app": [sample()], "b": [Image([tar([("b", b"1")])])]})
    api.pull(f"oci:{layout}:app")
    api.unpack(f"oci:{layout}:app")
    api.pull(f"oci:{layout}:b")
    return f"oci:{layout}:app"


@pytest.mark.parametrize("words", [["list"], ["ls"], ["status"], ["prune"], ["list", "--store=X"]])
def test_the_same_output(image: str, store_path: Path, words: list[str]) -> None:
    words = [word.replace("X", str(store_path)) for word in words]
    Store(str(store_path)).status()
    time.sleep(0.1)
    whole = run("-c", WHOLE, "oci", *words)
    for _ in range(2):  # with and without the summary
        quick = run("-m", "elfuse", "oci", *words)
        assert (quick.returncode, quick.stdout, quick.stderr) == (0, whole.stdout, whole.stderr)
    assert whole.stdout


def test_what_is_loaded(image: str) -> None:
    """Neither click nor msgspec nor OpenSSL nor the extension: each takes longer than the command."""
    code = (
        "import sys; from elfuse.cli.quick import answer\n"
        "assert all(answer([word]) for word in ('list', 'status', 'prune'))\n"
        "print([name for name in ('click', 'msgspec', 'hashlib', 'rich', 'subprocess', 'inspect',\n"
        "       'elfuse._core', 'elfuse.oci.image') if name in sys.modules])"
    )
    time.sleep(0.1)
    Store().status()
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words", [["list", "x"], ["list", "--store"], ["prune", "--older-than", "x"], ["status", "-x"]]
)
def test_the_rest_is_left_to_the_whole_command(image: str, words: list[str]) -> None:
    done = run("-m", "elfuse", "oci", *words)
    assert done.returncode == 2 and done.stdout == "" and "Error: " in done.stderr


def test_errors_are_those_of_the_whole_command(image: str, store_path: Path) -> None:
    (store_path / "index.json").write_text("{")
    for word in ("list", "status", "prune"):
        quick, whole = run("-m", "elfuse", "oci", word), run("-c", WHOLE, "oci", word)
        assert (quick.returncode, quick.stderr, quick.stdout) == (1, whole.stderr, whole.stdout)
        assert len(quick.stderr.splitlines()) == 1 and "index.json" in quick.stderr


def settled(store: Layout) -> summary.Summary | None:
    time.sleep(0.1)
    Store(store.path).status()
    return summary.load(store)


def test_the_summary_is_only_of_the_store_as_it_is(image: str, store_path: Path) -> None:
    store = Layout(str(store_path))
    found = settled(store)
    assert found is not None and next(pin.name for pin in found.pins) == image
    assert (found.blobs, found.others, found.unneeded) == (7, 0, [])
    # A blob more, a blob less, another index: each is noticed.
    extra = store.put_document(b"nobody names me")
    assert summary.load(store) is None
    again = settled(store)
    assert again is not None and again.unneeded == [extra[7:]]
    assert [item.name for item in Store(store.path).prune().blobs.going] == [extra[7:]]
    (store_path / "blobs/sha256" / extra[7:]).unlink()
    assert summary.load(store) is None
    assert settled(store) is not None
    Store(store.path).tag(image, "other:1")
    assert summary.load(store) is None
    assert len(Store(store.path).images()) == 3
    assert settled(store) is not None
    layer = api.inspect(image).layers[0].digest[7:]
    (store_path / "blobs/sha256" / layer).unlink()
    assert settled(store) is None  # nothing is kept of a store in which something is missing
    assert Store(store.path).status().pins[0].image.status == "missing 1 layers"


def test_a_damaged_summary_is_not_believed(image: str, store_path: Path) -> None:
    store = Layout(str(store_path))
    good = settled(store)
    path = store_path / "cache/summary"
    data = path.read_bytes()
    for bad in (b"", data[:-1], data.replace(b"linux", b"lunix"), b"elfuse 1 0 00000000\n", b"\x00" * 99):
        path.write_bytes(bad)
        assert summary.load(store) is None
        assert Store(store.path).images()[0].platform == "linux/arm64/v8"
    assert settled(store) == good


def test_names_that_a_line_cannot_hold(image: str, store_path: Path) -> None:
    index = json.loads((store_path / "index.json").read_text())
    index["manifests"][0]["annotations"]["io.containerd.image.name"] = "two\nlines"
    (store_path / "index.json").write_text(json.dumps(index))
    assert settled(Layout(str(store_path))) is None
    assert next(found.name for found in Store(str(store_path)).images()) == "two\nlines"
    assert "two?lines" in run("-m", "elfuse", "oci", "list").stdout

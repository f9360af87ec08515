"""The Python API: subprocess's words and rules, for guests."""

import contextlib
import doctest
import gc
import io
import os
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

import elfuse as api
from elfuse.api.arguments import RunArguments
from elfuse.oci.layout import Store as RawStore
from elfuse.runtime.prepare import RunOptions
from tests.oci.programs import program_layout
from tests.oci.test_run import assert_no_run_left

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def image(tmp_path: Path, store_path: Path) -> str:
    return program_layout(tmp_path / "layout")


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """Whatever a test did: no run's directory, and no guest, not even as a zombie."""
    yield
    gc.collect()
    if (tmp_path / "store").exists():
        assert_no_run_left(tmp_path / "store")
    for thread in Path("/proc/self/task").iterdir():
        for child in (thread / "children").read_text().split():
            assert Path(f"/proc/{child}/comm").read_text() != "elfuse-vm\n"


def test_text_and_streams(image: str, tmp_path: Path) -> None:
    assert api.run(image, ["copy"], input="\N{SNOWMAN}\r\n", capture_output=True, text=True).stdout == (
        "\N{SNOWMAN}\n"  # as subprocess has it: universal newlines
    )
    assert api.run(image, ["copy"], input="\xe4", encoding="latin-1", stdout=subprocess.PIPE).stdout == "\xe4"
    done = api.run(image, ["copy"], input=b"\xff", capture_output=True)
    assert (done.stdout, done.stderr) == (b"\xff", b"")
    assert api.run(image, ["cat", "/bin/none"], capture_output=True, encoding="ascii").stdout == ""
    with (tmp_path / "out").open("wb") as out, (tmp_path / "in").open("w+b") as given:
        given.write(b"from a file")
        given.seek(0)
        assert api.run(image, ["copy"], stdin=given, stdout=out).stdout is None
    assert (tmp_path / "out").read_bytes() == b"from a file"
    both = api.run(image, ["nothing"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert both.returncode == 127 and both.stdout is not None and "nothing" in both.stdout
    assert api.run(image, ["copy"], stdout=subprocess.PIPE).stdout == b""  # and not what pytest's stdin has
    for wrong in ({"input": b"", "stdin": 0}, {"capture_output": True, "stdout": 1}):
        with pytest.raises(ValueError):
            api.run(image, **wrong)  # type: ignore[call-overload]


def test_options(image: str, tmp_path: Path) -> None:
    (tmp_path / "vars").write_text("A=1\n")
    done = api.run(
        image,
        ["/proc/self/environ"],
        entrypoint="cat",
        env={"B": "2 3"},
        env_files=[str(tmp_path / "vars")],
        hostname="box",
        tmpfs=["/t"],
        volumes=[f"{tmp_path}:/v:ro"],
        capture_output=True,
        text=True,
    )
    assert done.args == ["cat", "/proc/self/environ"] and done.stdout is not None
    assert {"A=1", "B=2 3", "HOSTNAME=box"} < set(done.stdout.split("\0"))
    hosts = api.run(image, ["cat", "/etc/hosts"], add_hosts={"a": "::1"}, capture_output=True, text=True)
    assert hosts.stdout is not None and hosts.stdout.startswith("::1\ta\n")
    limits = {"nofile": (30, 40), "core": -1}
    text = api.run(image, ["cat", "/proc/self/limits"], ulimits=limits, capture_output=True).stdout
    assert text is not None and b"30                   40" in text
    assert api.run(image, entrypoint=["/bin/exit7", "x"]).returncode == 7
    with pytest.raises(api.ElfuseError, match="not linux/amd64"):
        api.run(image, platform="linux/amd64")
    with pytest.raises(api.ElfuseError, match="no such image"):
        api.run("oci:nowhere", pull="never")
    with pytest.raises(TypeError, match="colour"):
        api.run(image, colour="red")  # type: ignore[call-overload]


def test_the_arguments_are_those_of_the_command() -> None:
    """A field that RunOptions gains is an argument of the API, unless the command alone has it."""
    ours = set(typing.get_type_hints(RunArguments))
    elsewhere = {"pull", "platform", "tls_verify", "creds", "authfile", "cert_dir", "store", "progress"}
    assert ours - elsewhere == set(RunOptions.__struct_fields__) - {"args", "cidfile", "term"}


def test_a_run_that_is_kept(image: str, store_path: Path) -> None:
    assert api.run(image, ["mkdir"], keep=True, name="mine").returncode == 0
    assert (store_path / "runs/mine/upper/made").is_dir()
    with pytest.raises(api.ElfuseError, match="a run named 'mine' exists"):
        api.run(image, name="mine")
    (store_path / "runs/mine/keep").unlink()


def test_timeout_has_what_came(image: str) -> None:
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        api.run(image, ["loop"], timeout=0.3, capture_output=True)
    assert caught.value.cmd == ["loop"] and caught.value.timeout == 0.3


def test_popen(image: str) -> None:
    with api.Popen(image, ["copy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.poll() is None and process.returncode is None and process.pid > 0
        assert process.stdin is not None and process.stdout is not None and process.stderr is None
        for line in ("one\n", "two\n"):
            process.stdin.write(line)
            process.stdin.flush()
            assert process.stdout.readline() == line
        assert process.id in repr(process) and process.args == ["copy"]
    assert process.returncode == 0 and process.poll() == 0 and process.wait() == 0
    process.kill()  # long over, and no error

    process2 = api.Popen(
        image, ["copy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process2.communicate(b"x" * 200_000) == (b"x" * 200_000, b"")
    assert process2.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_popen_signals(image: str, store_path: Path, number: int) -> None:
    process = api.Popen(image, ["loop"], stdout=subprocess.DEVNULL)
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        process.wait(0.3)
    assert caught.value.cmd == ["loop"]
    RawStore.open().sweep()
    assert (store_path / "runs" / process.id / "upper").is_dir()  # it lives, so it is not swept
    {signal.SIGTERM: process.terminate, signal.SIGKILL: process.kill}.get(
        signal.Signals(number), lambda: process.send_signal(number)
    )()
    assert process.wait(30) == 128 + number
    assert process.returncode == 128 + number
    assert os.listdir(store_path / "runs") == []


def test_popen_that_is_forgotten(image: str, store_path: Path) -> None:
    """Without wait() the directory goes when the object does."""
    process = api.Popen(image, ["exit7"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert os.listdir(store_path / "runs") == [process.id]
    del process
    gc.collect()
    assert os.listdir(store_path / "runs") == []


def test_popen_that_cannot_start(image: str, store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api.pull(image)
    with pytest.raises(api.ElfuseError, match="NUL"):
        api.Popen(image, ["a\0b"])
    with pytest.raises(AttributeError):
        api.Popen(image, stdout="nonsense")  # type: ignore[call-overload]
    monkeypatch.setattr("elfuse.runtime.process.launcher", lambda: "/nowhere/elfuse-vm")
    with pytest.raises(api.ElfuseError, match="cannot start the guest: No such file"):
        api.Popen(image)
    assert os.listdir(store_path / "runs") == []


def test_interruption_ends_the_guest(image: str, store_path: Path) -> None:
    """Ctrl-C in a program that waits in run()."""
    code = (
        "import elfuse, sys\n"
        "try: elfuse.run(sys.argv[1], ['loop'], name='interrupted')\n"
        "except KeyboardInterrupt: print('seen'); sys.exit(3)\n"
    )
    api.pull(image)
    env = {**os.environ, "PYTHONPATH": str(DOCS.parent)}
    program = subprocess.Popen([sys.executable, "-c", code, image], env=env, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not (store_path / "runs/interrupted").is_dir():
        assert program.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)
    program.send_signal(signal.SIGINT)
    out, _ = program.communicate(timeout=30)
    assert (program.returncode, out) == (3, b"seen\n")


def test_store_and_image(image: str, tmp_path: Path, store_path: Path) -> None:
    store = api.Store.open()
    assert store.path == str(store_path) and store.images() == []
    with pytest.raises(api.ElfuseError, match="no such image"):
        store.image("nothing")
    pulled = store.pull(image)
    assert [found.name for found in store.images()] == [pulled.reference] == [image]
    found = store.image(image)
    assert found.digest == pulled.digest == api.inspect(image).digest
    assert found.config["config"]["Cmd"] == ["/bin/hello"] and found.platform == "linux/arm64/v8"
    assert found.manifest["layers"][0]["digest"] == found.layers[0].digest
    assert found.size == found.layers[0].size
    assert found.run(capture_output=True).stdout == b"hello\n"
    assert found.run(capture_output=True, text=True).stdout == "hello\n"
    with found.popen(["copy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.communicate(b"x") == (b"x", None)
    assert os.path.isdir(found.unpack())
    assert (Path(found.unpack(tmp_path / "tree")) / "bin/hello").exists()
    assert repr(found) == f"Image({image!r}, store={str(store_path)!r})"
    other = api.Store(tmp_path / "other")
    assert other.images() == [] and other.path == str(tmp_path / "other")


def test_public_names() -> None:
    """What __all__ says can be had, and nothing else is promised; each has a docstring."""
    for name in set(api.__all__) - {"__version__"}:
        assert getattr(api, name).__doc__, name
    assert set(api.__all__) <= set(dir(api))
    with pytest.raises(AttributeError):
        _ = api.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", ["api.md"])
def test_examples(page: str, tmp_path: Path, store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples of docs/, as doctests, with the image that they name in the store."""
    monkeypatch.chdir(tmp_path)
    api.pull(program_layout(tmp_path / "layout"))
    store = RawStore.open()
    pin = store.pins()[0]
    store.set_pin("docker.io/library/tools:latest", pin.manifest, pin.index)
    text = (DOCS / page).read_text()
    test = doctest.DocTestParser().get_doctest(text, {}, page, str(DOCS / page), 0)
    assert len(test.examples) > 20
    said = io.StringIO()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags)
    with contextlib.redirect_stderr(said):
        runner.run(test, out=said.write)
    assert runner.summarize(verbose=False).failed == 0, said.getvalue()

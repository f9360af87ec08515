"""elfuse.aio: asyncio's words for guests, and what cancelling does."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, CalledProcessError

import pytest

import elfuse as api
from elfuse import aio
from elfuse.oci.digest import Digest
from elfuse.oci.layout import Store
from elfuse.oci.progress import Silent
from tests.oci.images import Image, tar, write_layout
from tests.oci.programs import program_layout
from tests.oci.test_run import assert_no_run_left


@pytest.fixture
def image(tmp_path: Path, store_path: Path) -> Iterator[str]:
    yield program_layout(tmp_path / "layout")
    assert_no_run_left(store_path)
    assert [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()] == []


def test_run(image: str) -> None:
    async def main() -> None:
        done = await aio.run(image, ["copy"], input=b"x" * 200_000, capture_output=True)
        assert (done.returncode, done.stdout, done.stderr, done.args) == (0, b"x" * 200_000, b"", ["copy"])
        with pytest.raises(CalledProcessError):
            await aio.run(image, ["exit7"], check=True)
        with pytest.raises(api.ElfuseError, match="no user"):
            await aio.run(image, user="nobody")
        # Many at once, with one event loop.
        several = await asyncio.gather(
            *(aio.run(image, ["echo"], input=b"%d" % n, stdout=PIPE) for n in range(8))
        )
        assert [done.stdout for done in several] == [b"%d" % n for n in range(8)]

    asyncio.run(main())


def test_streams(image: str) -> None:
    async def main() -> None:
        async with await aio.popen(image, ["copy"], stdin=PIPE, stdout=PIPE) as process:
            assert process.returncode is None and process.stderr is None
            assert process.stdin is not None and process.stdout is not None
            for line in (b"one\n", b"two\n"):
                process.stdin.write(line)
                await process.stdin.drain()
                assert await process.stdout.readline() == line
        assert process.returncode == 0 and process.id in repr(process)
        process.kill()  # long over, and no error

        looping = await aio.popen(image, ["loop"])
        looping.terminate()
        assert await looping.wait() == 143 and looping.returncode == 143

    asyncio.run(main())


def test_cancelling_kills_the_guest(image: str, store_path: Path) -> None:
    api.pull(image)

    async def main() -> None:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await aio.run(image, ["loop"], name="one")
        assert time.monotonic() - started < 20
        assert os.listdir(store_path / "runs") == []
        with pytest.raises(RuntimeError):
            async with await aio.popen(image, ["loop"]) as process:
                raise RuntimeError
        assert process.returncode == 137
        assert os.listdir(store_path / "runs") == []

    asyncio.run(main())


class Slow(Silent):
    """A pull that takes its time, and says when it has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.pieces = 0

    def advance(self, digest: Digest, count: int) -> None:
        self.begun.set()
        self.pieces += 1
        time.sleep(0.05)


def test_cancelling_ends_a_pull(tmp_path: Path, image: str, store_path: Path) -> None:
    """A run's pull as well. What has arrived stays, and the next pull finishes."""
    layer = tar([("big", os.urandom(24 << 20)), ("bin/hello", b"")])
    layout = write_layout(tmp_path / "big", {"x": [Image([layer], {"Cmd": ["/bin/hello"]})]})
    name = f"oci:{layout}:x"

    async def main() -> None:
        for start in (aio.pull, aio.run):
            slow = Slow()
            task = asyncio.create_task(start(name, progress=slow))
            assert await asyncio.to_thread(slow.begun.wait, 30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert 0 < slow.pieces < 20 and Store.open().pins() == []
        assert any(path.name.endswith(".part") for path in (store_path / "tmp").iterdir())
        pulled = await aio.pull(name)
        assert pulled.reference == name
        with pytest.raises(api.ElfuseError, match="no OCI image layout"):
            await aio.pull("oci:nowhere")

    asyncio.run(main())


def test_cancelling_before_the_start_gives_the_run_back(
    image: str, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run was prepared when the cancellation came."""
    from elfuse.api import aio as inside

    prepared = threading.Event()
    real = inside.prepare

    def prepare(*args: object) -> object:
        run = real(*args)  # type: ignore[arg-type]
        prepared.set()
        time.sleep(0.3)
        return run

    monkeypatch.setattr(inside, "prepare", prepare)

    async def main() -> None:
        task = asyncio.create_task(aio.popen(image))
        assert await asyncio.to_thread(prepared.wait, 30)
        assert len(os.listdir(store_path / "runs")) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert os.listdir(store_path / "runs") == []

    asyncio.run(main())

"""The API for asyncio: what takes long is awaited. Cancelling what is awaited ends the guest, or the pull."""

import asyncio
import contextlib
import signal
import subprocess
import threading
from asyncio.subprocess import Process as HostProcess
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from elfuse.api import pulling
from elfuse.api.arguments import PullArguments, RunArguments, Stream
from elfuse.api.process import Ending, exit_status, pipes_for
from elfuse.api.running import CompletedRun, prepare
from elfuse.errors import ElfuseError
from elfuse.oci.digest import Digest
from elfuse.oci.progress import Progress, Silent
from elfuse.oci.runs import set_pid
from elfuse.runtime.prepare import PreparedRun
from elfuse.runtime.process import starting

T = TypeVar("T")
# asyncio.subprocess's: how much a StreamReader keeps before the guest has to wait.
_LIMIT = 1 << 16


class Process:
    """A run that was started by popen(), like asyncio.subprocess.Process.

    `returncode` is 128+N when signal N ended the guest. Leaving an `async with` block waits for the end;
    leaving it by an exception, a cancellation among them, kills the guest first.
    """

    def __init__(self, process: HostProcess, prepared: PreparedRun) -> None:
        self._process = process
        self._ending = Ending(prepared)
        self.args = prepared.spec.argv
        self.id = prepared.run.id

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stdin(self) -> asyncio.StreamWriter | None:
        return self._process.stdin

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        return self._process.stdout

    @property
    def stderr(self) -> asyncio.StreamReader | None:
        return self._process.stderr

    @property
    def returncode(self) -> int | None:
        code = self._process.returncode
        return None if code is None else exit_status(code)

    async def wait(self) -> int:
        code = await self._process.wait()
        await asyncio.to_thread(self._ending.clear)
        return exit_status(code)

    async def communicate(
        self,
        input: bytes | None = None,  # noqa: A002 - asyncio's name for it
    ) -> tuple[bytes | None, bytes | None]:
        """Send `input`, read both outputs to their end, and wait."""
        found = await self._process.communicate(input)
        await self.wait()
        return found

    def send_signal(self, number: int) -> None:
        """Nothing, once the guest has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.kill()
        if self.stdin is not None:
            self.stdin.close()
        await self.wait()

    def __repr__(self) -> str:
        return f"<Process: {self.id} pid: {self.pid} returncode: {self.returncode} args: {self.args!r}>"


async def popen(
    image: str,
    args: Sequence[str] = (),
    *,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    limit: int = _LIMIT,
    **options: Unpack[RunArguments],
) -> Process:
    """Start a program from an image, as asyncio.create_subprocess_exec does: with PIPE for a stream, the
    process has a StreamWriter or StreamReader of that name. Without `stdin` the guest reads nothing.

    Cancelled while the image is being pulled, it ends the pull.
    """
    async with _Cancellable(options.get("progress")) as watched:
        options["progress"] = watched.progress
        prepared = await watched.call(lambda: prepare(image, args, options), PreparedRun.abandon)
    with starting(prepared) as (command, descriptors):
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=stdout,
            stderr=stderr,
            limit=limit,
            pass_fds=descriptors,
        )
        set_pid(prepared.run, process.pid)  # while the lock is ours as well
    return Process(process, prepared)


async def run(
    image: str,
    args: Sequence[str] = (),
    *,
    input: bytes | None = None,  # noqa: A002 - subprocess.run's name for it
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    check: bool = False,
    **options: Unpack[RunArguments],
) -> CompletedRun[bytes]:
    """elfuse.run, awaited. There is no `timeout`: asyncio.timeout() and any other cancellation kill the
    guest and take its directory away."""
    stdin, stdout, stderr = pipes_for(input, stdin, stdout, stderr, capture_output)
    process = await popen(image, args, stdin=stdin, stdout=stdout, stderr=stderr, **options)
    async with process:
        out, err = await process.communicate(input)
    done = CompletedRun(process.args, await process.wait(), out, err)
    if check:
        done.check_returncode()
    return done


async def pull(
    image: str, *, progress: Progress | None = None, **options: Unpack[PullArguments]
) -> pulling.PulledImage:
    """elfuse.pull, awaited. Cancelling it ends the transfers; what has arrived is kept for the next pull."""
    async with _Cancellable(progress) as watched:
        return await watched.call(lambda: pulling.pull(image, progress=watched.progress, **options))


class PullCancelled(ElfuseError):
    """Raised in the thread of a pull whose task has been cancelled."""


class _Cancellable:
    """Work in a thread that may pull. Its progress is where a cancelled task makes it stop: each piece of
    a blob that arrives is told to it."""

    def __init__(self, progress: Progress | None) -> None:
        self._stop = threading.Event()
        self.progress: Progress = _Stopping(progress or Silent(), self._stop)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()

    async def call(self, work: Callable[[], T], undo: Callable[[T], Any] = lambda _: None) -> T:
        """What `work` returns. When the task is cancelled, work is told to stop and waited for, and what
        it made nevertheless is undone."""

        def guarded() -> T:
            made = work()
            if self._stop.is_set():  # perhaps nobody waits any more
                undo(made)
                raise PullCancelled("the pull was cancelled")
            return made

        job = asyncio.ensure_future(asyncio.to_thread(guarded))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            self._stop.set()
            await asyncio.wait([job])
            if job.exception() is None:
                undo(job.result())
            raise


class _Stopping:
    def __init__(self, inner: Progress, stop: threading.Event) -> None:
        self._inner = inner
        self._stop = stop

    def _check(self) -> None:
        if self._stop.is_set():
            raise PullCancelled("the pull was cancelled")

    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        self._check()
        self._inner.begin(kind, digest, size, present)

    def advance(self, digest: Digest, count: int) -> None:
        self._check()
        self._inner.advance(digest, count)

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        self._check()
        self._inner.finish(kind, digest, size, fetched)

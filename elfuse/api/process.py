"""A run as a child process, in subprocess.Popen's words."""

import contextlib
import signal
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Any, AnyStr, Generic, Literal, Self, Unpack, overload

from elfuse.api.arguments import RunArguments, Stream
from elfuse.api.running import prepare
from elfuse.oci.layout import Store
from elfuse.oci.runs import retire_if_ended, set_pid
from elfuse.runtime.prepare import PreparedRun
from elfuse.runtime.process import starting


class Popen(Generic[AnyStr]):
    """A program from an image that runs, like subprocess.Popen of a program on the host.

    Streams, `pid`, `poll`, `wait`, `communicate`, signals and the context manager behave as there. What
    differs: without `stdin` the guest reads nothing, `returncode` is 128+N when signal N ended the guest,
    and `args` are the guest's own. `id` is the run's; its writable root goes when the end has been seen
    here, or else with the next run of the store.
    """

    @overload
    def __init__(
        self: "Popen[bytes]",
        image: str,
        args: Sequence[str] = ...,
        *,
        stdin: Stream = ...,
        stdout: Stream = ...,
        stderr: Stream = ...,
        text: Literal[False] | None = ...,
        encoding: None = ...,
        errors: None = ...,
        bufsize: int = ...,
        **options: Unpack[RunArguments],
    ) -> None: ...
    @overload
    def __init__(
        self: "Popen[str]",
        image: str,
        args: Sequence[str] = ...,
        *,
        stdin: Stream = ...,
        stdout: Stream = ...,
        stderr: Stream = ...,
        text: bool | None = ...,
        encoding: str | None = ...,
        errors: str | None = ...,
        bufsize: int = ...,
        **options: Unpack[RunArguments],
    ) -> None: ...
    def __init__(
        self,
        image: str,
        args: Sequence[str] = (),
        *,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        bufsize: int = -1,
        **options: Unpack[RunArguments],
    ) -> None:
        prepared = prepare(image, args, options)
        with starting(prepared) as (command, descriptors):
            self._process: subprocess.Popen[AnyStr] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=stdout,
                stderr=stderr,
                text=text,
                encoding=encoding,
                errors=errors,
                bufsize=bufsize,
                pass_fds=descriptors,
            )
            set_pid(prepared.run, self._process.pid)  # while the lock is ours as well
        self._ending = Ending(prepared)
        self.args = prepared.spec.argv
        self.id = prepared.run.id
        # What subprocess.TimeoutExpired shows.
        self._process.args = self.args

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stdin(self) -> IO[AnyStr] | None:
        return self._process.stdin

    @property
    def stdout(self) -> IO[AnyStr] | None:
        return self._process.stdout

    @property
    def stderr(self) -> IO[AnyStr] | None:
        return self._process.stderr

    @property
    def returncode(self) -> int | None:
        """None until poll(), wait() or communicate() has seen the end."""
        code = self._process.returncode
        return None if code is None else exit_status(code)

    def poll(self) -> int | None:
        self._process.poll()
        return self._ended()

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        code = self._process.wait(timeout)
        self._ended()
        return exit_status(code)

    def communicate(
        self,
        input: AnyStr | None = None,  # noqa: A002 - subprocess.Popen's name for it
        timeout: float | None = None,
    ) -> tuple[AnyStr | None, AnyStr | None]:
        """Send `input`, read both outputs to their end, and wait. Raises subprocess.TimeoutExpired."""
        found = self._process.communicate(input, timeout)
        self._ended()
        return found

    def send_signal(self, number: int) -> None:
        """Nothing, once the guest has ended."""
        self._process.send_signal(number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the streams and wait."""
        self._process.__exit__(kind, error, trace)
        self._ended()

    def __del__(self) -> None:
        # A run that goes on warns in subprocess, and is left to the next run of the store.
        if hasattr(self, "_ending") and self._process.poll() is not None:
            self._ending.clear()

    def __repr__(self) -> str:
        return f"<Popen: {self.id} pid: {self.pid} returncode: {self.returncode} args: {self.args!r}>"

    def _ended(self) -> int | None:
        if self._process.returncode is not None:
            self._ending.clear()
        return self.returncode


class Ending:
    """What is left to do when a run is over. Starting it has handed its lock to the guest."""

    def __init__(self, prepared: PreparedRun) -> None:
        self._store: Store | None = prepared.run.home
        self._id = prepared.run.id

    def clear(self) -> None:
        """Take the run's directory away. Only the first call does anything."""
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(OSError):
                retire_if_ended(store, self._id)
                store.sweep()


def exit_status(code: int) -> int:
    """subprocess has -N for signal N, a shell and podman 128+N."""
    return 128 - code if code < 0 else code


def pipes_for(
    data: Any, stdin: Stream, stdout: Stream, stderr: Stream, capture_output: bool
) -> tuple[Stream, Stream, Stream]:
    """What subprocess.run makes of `input` (the data) and `capture_output`. Raises ValueError as it does."""
    if data is not None:
        if stdin is not None:
            raise ValueError("stdin and input may not both be used")
        stdin = subprocess.PIPE
    if capture_output:
        if stdout is not None or stderr is not None:
            raise ValueError("stdout and stderr may not be used with capture_output")
        stdout = stderr = subprocess.PIPE
    return stdin, stdout, stderr

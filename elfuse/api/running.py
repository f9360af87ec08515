"""Running programs from images: preparing a run, and waiting for its end. Popen is in process.py."""

import os
from collections.abc import Sequence
from typing import Any, AnyStr, Generic, Literal, Unpack, overload

import msgspec

from elfuse.api.arguments import RunArguments, Stream
from elfuse.api.resolving import check_platform, image_to_run
from elfuse.oci.access import AccessOptions
from elfuse.oci.layout import Store
from elfuse.runtime.prepare import PreparedRun, RunOptions, plan_run, prepare_run


class CompletedRun(msgspec.Struct, Generic[AnyStr], frozen=True):
    """An ended run, like subprocess.CompletedProcess. Killed by signal N: returncode is 128+N."""

    args: list[str]
    returncode: int
    stdout: AnyStr | None
    stderr: AnyStr | None

    def check_returncode(self) -> None:
        """Raise subprocess.CalledProcessError unless the guest ended with 0."""
        if self.returncode:
            import subprocess

            raise subprocess.CalledProcessError(self.returncode, self.args, self.stdout, self.stderr)


@overload
def run(
    image: str,
    args: Sequence[str] = ...,
    *,
    input: bytes | None = ...,
    stdin: Stream = ...,
    stdout: Stream = ...,
    stderr: Stream = ...,
    capture_output: bool = ...,
    text: Literal[False] | None = ...,
    encoding: None = ...,
    errors: None = ...,
    timeout: float | None = ...,
    check: bool = ...,
    **options: Unpack[RunArguments],
) -> CompletedRun[bytes]: ...
@overload
def run(
    image: str,
    args: Sequence[str] = ...,
    *,
    input: str | None = ...,
    stdin: Stream = ...,
    stdout: Stream = ...,
    stderr: Stream = ...,
    capture_output: bool = ...,
    text: bool | None = ...,
    encoding: str | None = ...,
    errors: str | None = ...,
    timeout: float | None = ...,
    check: bool = ...,
    **options: Unpack[RunArguments],
) -> CompletedRun[str]: ...
def run(
    image: str,
    args: Sequence[str] = (),
    *,
    input: Any = None,  # noqa: A002 - subprocess.run's name for it
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    capture_output: bool = False,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    timeout: float | None = None,
    check: bool = False,
    **options: Unpack[RunArguments],
) -> CompletedRun[Any]:
    """Run a program from an image and wait for it, as subprocess.run does.

    Without `input` or `stdin` the guest reads nothing. Raises subprocess.TimeoutExpired and, with
    `check`, subprocess.CalledProcessError; ElfuseError when the run cannot be prepared. The run's
    writable root is gone afterwards, unless `keep` is set.
    """
    from elfuse.api.process import Popen, pipes_for

    stdin, stdout, stderr = pipes_for(input, stdin, stdout, stderr, capture_output)
    with Popen(
        image,
        args,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        text=text,
        encoding=encoding,
        errors=errors,
        **options,
    ) as process:
        try:
            out, err = process.communicate(input, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = CompletedRun(process.args, process.wait(), out, err)
    if check:
        done.check_returncode()
    return done


def prepare(image: str, args: Sequence[str], arguments: RunArguments) -> PreparedRun:
    """Check the arguments, find or pull the image, and claim a run directory. Made for a thread: it may
    take as long as a pull."""
    options = arguments.copy()
    store = options.pop("store", None)
    policy = options.pop("pull", "missing")
    platform = options.pop("platform", None)
    progress = options.pop("progress", None)
    access = AccessOptions(
        tls_verify=options.pop("tls_verify", None),
        creds=options.pop("creds", None),
        authfile=options.pop("authfile", None),
        cert_dir=options.pop("cert_dir", None),
    )
    plan = plan_run(_run_options(args, options))
    check_platform(platform)
    opened = Store.open(store)
    with opened.activity():  # what a pull brought stays until the run is made of it
        found = image_to_run(
            opened, image, policy=policy, platform=platform, access=access, progress=progress
        )
        return prepare_run(opened, found, plan, os.environ)


def _run_options(args: Sequence[str], options: RunArguments) -> RunOptions:
    """The command's own words for what Python has better types for."""
    words: dict[str, Any] = dict(options)
    entrypoint = words.pop("entrypoint", None)
    limits = {
        name: value if isinstance(value, tuple) else (value, value)
        for name, value in words.pop("ulimits", {}).items()
    }
    return RunOptions(
        args=list(args),
        entrypoint=[entrypoint] if isinstance(entrypoint, str) else entrypoint and list(entrypoint),
        env=[f"{key}={value}" for key, value in words.pop("env", {}).items()],
        add_hosts=[f"{name}:{address}" for name, address in words.pop("add_hosts", {}).items()],
        ulimits=[f"{name}={soft}:{hard}" for name, (soft, hard) in limits.items()],
        **words,
    )

"""Running programs from images."""

import os
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from elfuse.api.pulling import PullPolicy, resolve_image
from elfuse.oci.access import AccessOptions
from elfuse.oci.layout import Store

Engine = Literal["auto", "jit", "interp"]


class CompletedRun(msgspec.Struct, frozen=True):
    """An ended run, like subprocess.CompletedProcess. Killed by signal N: returncode is 128+N."""

    args: list[str]
    returncode: int
    stdout: bytes | None
    stderr: bytes | None

    def check_returncode(self) -> None:
        """Raise subprocess.CalledProcessError unless the guest ended with 0."""
        if self.returncode:
            import subprocess

            raise subprocess.CalledProcessError(self.returncode, self.args, self.stdout, self.stderr)


def run(
    image: str,
    args: Sequence[str] = (),
    *,
    entrypoint: Sequence[str] | str | None = None,
    env: Mapping[str, str] | None = None,
    workdir: str | None = None,
    user: str | None = None,
    volumes: Sequence[str] = (),
    hostname: str | None = None,
    read_only: bool = False,
    strace: bool = False,
    verbose: bool = False,
    engine: Engine = "auto",
    pull: PullPolicy = "missing",
    tls_verify: bool | None = None,
    input: bytes | None = None,  # noqa: A002 - subprocess.run's name for it
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    store: str | None = None,
) -> CompletedRun:
    """Run a program from an image and wait for it.

    Raises subprocess.TimeoutExpired and, with `check`, subprocess.CalledProcessError, as
    subprocess.run does. The run's writable root is gone afterwards.
    """
    from elfuse.runtime.prepare import RunOptions, prepare_run
    from elfuse.runtime.process import run_guest

    opened = Store.open(store)
    options = RunOptions(
        args=list(args),
        entrypoint=[entrypoint] if isinstance(entrypoint, str) else _listed(entrypoint),
        env=[f"{key}={value}" for key, value in (env or {}).items()],
        workdir=workdir,
        user=user,
        volumes=list(volumes),
        hostname=hostname,
        read_only=read_only,
        strace=strace,
        verbose=verbose,
        engine=engine,
    )
    found = resolve_image(opened, image, policy=pull, access=AccessOptions(tls_verify))
    prepared = prepare_run(opened, found, options, os.environ)
    try:
        ended = run_guest(prepared.spec, capture_output=capture_output, input_data=input, timeout=timeout)
    finally:
        prepared.abandon()
        opened.sweep()
    code = ended.returncode if ended.returncode >= 0 else 128 - ended.returncode
    done = CompletedRun(prepared.spec.argv, code, ended.stdout, ended.stderr)
    if check:
        done.check_returncode()
    return done


def _listed(words: Sequence[str] | None) -> list[str] | None:
    return list(words) if words is not None else None

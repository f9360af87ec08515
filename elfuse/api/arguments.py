"""Keyword arguments that several functions of the API take."""

from collections.abc import Mapping, Sequence
from typing import IO, Any, Literal, TypedDict

from elfuse.api.resolving import RunPullPolicy
from elfuse.oci.progress import Progress

Engine = Literal["auto", "jit", "interp"]
# What subprocess takes for a standard stream: PIPE, DEVNULL, STDOUT, a descriptor, a file, or None.
Stream = int | IO[Any] | None


class RunArguments(TypedDict, total=False):
    """What run(), Popen() and their asynchronous forms take beside the image and the program's words.

    They are the options of `elfuse oci run`; docs/api.md says what each does.
    """

    entrypoint: Sequence[str] | str | None
    env: Mapping[str, str]
    env_files: Sequence[str]
    workdir: str | None
    user: str | None
    volumes: Sequence[str]
    mounts: Sequence[str]
    tmpfs: Sequence[str]
    hostname: str | None
    add_hosts: Mapping[str, str]
    ulimits: Mapping[str, int | tuple[int, int]]
    name: str | None
    keep: bool
    init: bool
    read_only: bool
    strace: bool
    verbose: bool
    engine: Engine
    pull: RunPullPolicy
    platform: str | None
    tls_verify: bool | None
    creds: str | None
    authfile: str | None
    cert_dir: str | None
    store: str | None
    progress: Progress | None


class WaitedArguments(RunArguments, total=False):
    """What run() takes beside those and the three that choose between bytes and text."""

    input: Any
    stdin: Stream
    stdout: Stream
    stderr: Stream
    capture_output: bool
    timeout: float | None
    check: bool


class PullArguments(TypedDict, total=False):
    """What pull() takes beside the image and its progress."""

    platform: str | None
    all_platforms: bool
    refresh: bool
    unpack: bool
    jobs: int | None
    tls_verify: bool | None
    creds: str | None
    authfile: str | None
    cert_dir: str | None
    store: str | None

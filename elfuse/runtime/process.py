"""Starting elfuse-vm: by becoming it (the command), or as a child (the API)."""

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from elfuse import _core
from elfuse.errors import RunError
from elfuse.runtime.spec import LaunchSpec

if TYPE_CHECKING:
    import subprocess


def launcher() -> str:
    path = _core.vm_path()
    if not os.access(path, os.X_OK):
        raise RunError(f"the launcher {path} is missing", hint="install elfuse again")
    return path


def become_guest(spec: LaunchSpec, *, stdin: bool) -> NoReturn:
    """execve: from here on the process is the guest, and its exit status ours. Without `stdin` the
    guest reads nothing."""
    path = launcher()
    spec_fd = _spec_file(spec)
    for fd in (spec_fd, *spec.keep_fds):
        os.set_inheritable(fd, True)
    if not stdin:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
    sys.stdout.flush()
    sys.stderr.flush()
    # Python ignores these two, and an ignored signal stays ignored across execve.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execve(path, ["elfuse-vm", "--spec-fd", str(spec_fd)], os.environ)  # noqa: S606
    except OSError as error:
        raise RunError(f"cannot start {path}: {error.strerror}") from None


def run_guest(
    spec: LaunchSpec, *, capture_output: bool, input_data: bytes | None, timeout: float | None
) -> "subprocess.CompletedProcess[bytes]":
    """Start the guest as a child and wait, with subprocess.run's rules for input and timeout."""
    import subprocess  # the command, which becomes the guest, has no use for it

    spec_fd = _spec_file(spec)
    try:
        return subprocess.run(
            [launcher(), "--spec-fd", str(spec_fd)],
            input=input_data,
            stdin=None if input_data is not None else subprocess.DEVNULL,
            capture_output=capture_output,
            timeout=timeout,
            pass_fds=(spec_fd, *spec.keep_fds),
            check=False,
        )
    except OSError as error:
        raise RunError(f"cannot start the guest: {error.strerror}") from None
    finally:
        os.close(spec_fd)


def _spec_file(spec: LaunchSpec) -> int:
    """The spec in an anonymous file, which unlike a pipe takes any length, positioned at its start."""
    data = spec.encode()
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("elfuse-spec", os.MFD_CLOEXEC)
    else:
        import tempfile

        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd

"""Starting elfuse-vm: by becoming it (the command), or as a child (the API)."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from elfuse import _core
from elfuse.errors import RunError
from elfuse.runtime.spec import LaunchSpec

if TYPE_CHECKING:
    from elfuse.runtime.prepare import PreparedRun


def launcher() -> str:
    path = _core.vm_path()
    if not os.access(path, os.X_OK):
        raise RunError(f"the launcher {path} is missing", hint="install elfuse again")
    return path


def become_guest(spec: LaunchSpec, *, stdin: bool, timeout: int = 0, lock: str = "") -> NoReturn:
    """execve: from here on the process is the guest, and its exit status ours. Without `stdin` the
    guest reads nothing. A `timeout` in seconds other than 0 ends it with SIGKILL; `lock` is the path of
    its run's lock."""
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
    if timeout:
        from elfuse.runtime.timeout import kill_after

        kill_after(timeout, lock)
    # Python ignores these two, and an ignored signal stays ignored across execve.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execve(path, ["elfuse-vm", "--spec-fd", str(spec_fd)], os.environ)  # noqa: S606
    except OSError as error:
        raise RunError(f"cannot start {path}: {error.strerror}") from None


@contextlib.contextmanager
def starting(prepared: "PreparedRun") -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """The command that becomes the guest, and the descriptors to pass to it; the body starts it.

    Afterwards the run's lock is the guest's alone. If the body raises, the run is given back.
    """
    spec_fd = -1
    try:
        spec_fd = _spec_file(prepared.spec)
        yield [launcher(), "--spec-fd", str(spec_fd)], (spec_fd, *prepared.spec.keep_fds)
    except BaseException as error:
        prepared.abandon()
        if isinstance(error, OSError):
            raise RunError(f"cannot start the guest: {error.strerror or error}") from None
        raise
    else:
        prepared.run.release()
    finally:
        if spec_fd >= 0:
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

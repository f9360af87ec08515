"""Which engine runs arm64 code here: the launcher knows, and says so."""

import os

from elfuse.errors import RunError

_SAID_LIMIT = 4096


def launcher_path() -> str:
    """As elfuse._core.vm_path, without loading the extension, which takes longer than asking."""
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    return os.path.join(package, "bin", "elfuse-vm")


def ask_engine() -> tuple[str, str]:
    """("jit" or "interp", why). Raises RunError when the launcher cannot be started."""
    path = launcher_path()
    reading, writing = os.pipe()
    try:
        try:
            # Without subprocess, which takes longer to import than the launcher takes to answer.
            pid = os.posix_spawn(
                path,
                [os.path.basename(path), "--engine"],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)],
            )
        except OSError as error:
            raise RunError(
                f"the launcher cannot be started: {error.strerror}", hint="install elfuse again"
            ) from error
        finally:
            os.close(writing)
        said = b""
        while chunk := os.read(reading, _SAID_LIMIT):
            said += chunk
    finally:
        os.close(reading)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise RunError(f"the launcher {path} ended with status {status}", hint="install elfuse again")
    engine, _, reason = said.decode("utf-8", "replace").strip().partition(": ")
    return engine, reason


def default_engine() -> str:
    """Its name; "none" where the launcher does not start."""
    try:
        return ask_engine()[0]
    except RunError:
        return "none"

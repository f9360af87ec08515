"""Which engine runs arm64 code here: the launcher knows, and says so."""

import os

from elfuse.errors import RunError
from elfuse.runtime.process import launcher

_SAID_LIMIT = 4096


def ask_engine() -> tuple[str, str]:
    """("jit" or "interp", why). Raises RunError when the launcher cannot be started."""
    path = launcher()
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

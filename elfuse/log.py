"""Warnings: what went wrong, though the work goes on. They go to the logger `elfuse` of the standard library.

Without a configuration of logging they appear on standard error, a line each. The command prints them itself
(`say_by`), as loading logging takes longer than much of what it does.
"""

from collections.abc import Callable

from elfuse.text import printable

_sinks: list[Callable[[str], None]] = []


def warn(message: str) -> None:
    line = printable(message)
    if _sinks:
        _sinks[-1](line)
        return
    import logging

    logging.getLogger("elfuse").warning("%s", line)


def say_by(sink: Callable[[str], None]) -> None:
    """Have this process's warnings said by `sink`, a line each, from now on."""
    _sinks[:] = [sink]

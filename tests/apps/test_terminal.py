"""Programs that a person talks to: line editors, interruption and window sizes at a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator

import pytest

from tests.apps.conftest import ImageCommand

INTERRUPT, END = "\x03", "\x04"


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, command: list[str]) -> None:
        self.ours, theirs = pty.openpty()
        self.resize(30, 100)
        self.seen = ""
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(theirs)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def expect(self, text: str, timeout: float = 60) -> str:
        """Read until text appears; what came up to its end."""
        end = time.monotonic() + timeout
        while text not in self.seen:
            left = end - time.monotonic()
            assert left > 0, f"waited for {text!r}; saw {self.seen!r}"
            if select.select([self.ours], [], [], left)[0]:
                try:
                    self.seen += os.read(self.ours, 65536).decode()
                except OSError:  # EIO: the program is gone
                    raise AssertionError(f"ended before {text!r}: {self.seen!r}") from None
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def close(self) -> int:
        """Wait for the end; the exit status."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"does not end: {self.seen!r}"
            if select.select([self.ours], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    self.seen += os.read(self.ours, 65536).decode()
        return self.process.returncode


Start = Callable[..., Terminal]


@pytest.fixture
def start(image_command: ImageCommand) -> Iterator[Start]:
    """start("bash"): the program of the python image at a terminal."""
    started: list[Terminal] = []

    def at_terminal(*words: str) -> Terminal:
        started.append(Terminal(image_command("python", *words, options=("-it",))))
        return started[-1]

    yield at_terminal
    for terminal in started:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.ours)


def test_python_at_a_terminal(start: Start) -> None:
    """Its own line editor: raw mode, history, a window that changes its size, Ctrl-C and the end of input."""
    python = start("python3", "-q")
    python.expect(">>> ")
    python.type("6 * 7\n")
    python.expect("42\r\n")
    python.expect(">>> ")
    python.type("\x1bOA\x7f8\n")  # the line before, its end changed
    python.expect("48\r\n")
    python.expect(">>> ")
    python.type("import os, time; os.isatty(0), *os.get_terminal_size()\n")
    python.expect("(True, 100, 30)")
    python.expect(">>> ")
    python.resize(40, 120)
    python.type("os.get_terminal_size().columns + 1000\n")
    python.expect("1120\r\n")
    python.expect(">>> ")
    python.type("print('in' + 'side'); time.sleep(1000)\n")
    python.expect("inside")
    python.type(INTERRUPT)
    python.expect("KeyboardInterrupt")
    python.expect(">>> ")
    python.type("raise SystemExit(5)\n")
    assert python.close() == 5


def test_bash_at_a_terminal(start: Start) -> None:
    """Completion, a loop that Ctrl-C ends, and another program in its place that asks for a password."""
    bash = start("bash", "--norc")
    bash.expect("$ ")
    bash.type("echo $((6 * 7)) ${COLUMNS}x$LINES $TERM\n")
    bash.expect("42 100x30 xterm\r\n")
    bash.expect("$ ")
    bash.type("echo /etc/debian_ver\t\n")
    bash.expect("\r/etc/debian_version\r\n")
    bash.expect("$ ")
    bash.type("while :; do ((n++ == 10)) && echo spin'ning'; done\n")
    bash.expect("spinning\r\n")
    bash.type(INTERRUPT)
    bash.expect("^C")
    bash.expect("$ ")
    bash.type("exec python3 -c 'import getpass, sys; print(getpass.getpass()[::-1], sorted(sys.stdin))'\n")
    bash.expect("Password: ")
    bash.type("silent\n")
    bash.expect("\r\n")
    bash.type("b\na\n" + END)
    assert "silent" not in bash.expect("tnelis ['a\\n', 'b\\n']\r\n")
    assert bash.close() == 0

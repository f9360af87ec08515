"""Programs that a person talks to: line editors, interruption and window sizes at a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.apps.conftest import ImageCommand
from tests.terminal import Terminal

INTERRUPT, END = "\x03", "\x04"


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

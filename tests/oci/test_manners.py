"""The command's manners, as a person at a shell meets them: help, near names, terminals, pipes, Ctrl-C."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

import elfuse as api
from elfuse.cli.main import cli
from tests.oci.conftest import Result
from tests.oci.images import sample, write_layout
from tests.oci.programs import program_layout
from tests.terminal import Terminal

Elfuse = Callable[..., Result]
ELFUSE = [sys.executable, "-m", "elfuse"]
PATH = {"PYTHONPATH": str(Path(__file__).parents[2])}
INTERRUPT, END = "\x03", "\x04"


@pytest.fixture
def image(tmp_path: Path, store_path: Path) -> str:
    return program_layout(tmp_path / "layout")


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """terminal("oci", "run", ...): the command at a terminal of its own."""
    started: list[Terminal] = []

    def start(*words: str, **env: str) -> Terminal:
        started.append(Terminal([*ELFUSE, *words], {**PATH, **env}))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        os.close(one.ours)


def test_alone_it_shows_its_commands(elfuse: Elfuse) -> None:
    for words in ([], ["oci"], ["cache"]):
        done = elfuse(*words)
        assert (done.code, done.out) == (2, "") and "Commands:" in done.err


def every_command(command: click.Command, context: click.Context, path: str) -> Iterator[str]:
    yield path
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from every_command(below, context, f"{path} {name}")


EVERY = list(every_command(cli, click.Context(cli), "elfuse"))


@pytest.mark.parametrize("path", EVERY)
def test_every_command_has_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """-h and --help, on standard output; a command's has an example, and no line is too long to read."""
    for flag in ("-h", "--help"):
        words = [*path.split()[1:], flag]
        assert not cli.main(words, prog_name="elfuse", standalone_mode=False)
        shown = capsys.readouterr()
        assert shown.out.startswith(f"Usage: {path} [OPTIONS]") and shown.err == ""
        assert "Example:" in shown.out or "Commands:" in shown.out
        assert max(map(len, shown.out.splitlines())) <= 110


def test_help_as_a_command(elfuse: Elfuse) -> None:
    assert elfuse("oci", "help", "run") == elfuse("oci", "run", "--help")
    assert elfuse("help", "oci", "run") == elfuse("oci", "run", "--help")
    assert elfuse("help") == elfuse("--help")
    assert "No such command 'inspekt'. Did you mean 'inspect'?" in elfuse("oci", "help", "inspekt").err


def test_near_names(elfuse: Elfuse) -> None:
    for words, wanted in (
        (["oci", "pul"], "No such command 'pul'. Did you mean 'pull'"),
        (["oc"], "No such command 'oc'. Did you mean 'oci'"),
        (["oci", "xyzzy"], "No such command 'xyzzy'."),
    ):
        done = elfuse(*words)
        assert done.code == 2 and wanted in done.err
    done = elfuse("oci", "run", "--entry-point", "x")
    assert done.code == 125 and "--entrypoint" in done.err


def test_options_that_are_not_there_have_a_reason(elfuse: Elfuse) -> None:
    for words, wanted in (
        (["-d"], "There is no -d: a run is a process of yours"),
        (["-itp", "80:80"], "There is no -p: the guest has the host's network"),
        (["--memory=1g"], "There is no --memory: there are no cgroups"),
    ):
        done = elfuse("oci", "run", *words, "image")
        assert (done.code, done.out) == (125, "") and wanted in done.err, done.err


def test_a_reader_that_goes_away(image: str, store_path: Path) -> None:
    api.pull(image)
    for words in (["oci", "run", "--help"], ["oci", "inspect", image]):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [*ELFUSE, *words], env={**os.environ, **PATH}, stdout=write, stderr=subprocess.PIPE, timeout=60
        )
        os.close(write)
        assert (done.returncode, done.stderr) == (1, b"")


def test_a_program_at_a_terminal(terminal: Callable[..., Terminal], image: str) -> None:
    """-it: what is typed reaches the program, which ends at the end of input or by Ctrl-C."""
    api.pull(image)
    program = terminal("oci", "run", "-it", image, "copy")
    program.type("typed\n")
    program.expect("typed\r\ntyped\r\n")
    program.type(END)
    assert program.close() == 0
    program = terminal("oci", "run", "-it", image, "copy")
    program.type("ready\n")
    program.expect("ready\r\nready\r\n")
    program.type(INTERRUPT)
    assert program.close() == 130
    program = terminal("oci", "run", "-it", image, "cat", "/proc/self/environ", TERM="vt220")
    program.expect("TERM=vt220")
    assert program.close() == 0
    # Without -i there is nothing to read, and without -t no TERM.
    program = terminal("oci", "run", "-t", image, "copy")
    assert program.close() == 0
    program = terminal("oci", "run", image, "cat", "/proc/self/environ")
    assert program.close() == 0 and "TERM=" not in program.seen and "HOME=" in program.seen


def test_a_missing_image_at_a_terminal(
    terminal: Callable[..., Terminal], tmp_path: Path, store_path: Path
) -> None:
    """Bars while it is pulled, and then the program's own words."""
    layout = write_layout(tmp_path / "layout", {"app": [sample(b"here I am\n")]})
    program = terminal("oci", "run", "-it", f"oci:{layout}:app")
    shown = program.expect("here I am\r\n")
    assert "layer" in shown and "\x1b[" in shown
    assert program.close() == 0
    quiet = terminal(
        "oci", "run", "-q", "-it", "--pull=always", f"oci:{layout}:app", ELFUSE_STORE=f"{tmp_path}/2"
    )
    assert quiet.close() == 0 and quiet.seen == "here I am\r\n"


def test_no_color(terminal: Callable[..., Terminal], tmp_path: Path, store_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"app": [sample()]})
    colour = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|38;|9[0-7])[0-9;]*m")
    for number, env, coloured in ((1, {}, True), (2, {"NO_COLOR": "1"}, False)):
        program = terminal("oci", "pull", f"oci:{layout}:app", ELFUSE_STORE=f"{tmp_path}/{number}", **env)
        assert program.close() == 0
        assert bool(colour.search(program.seen)) == coloured, program.seen


def test_dashes_end_the_options(elfuse: Elfuse, image: str) -> None:
    assert elfuse("oci", "run", "-q", "--", image, "hello").out == "hello\n"
    assert elfuse("oci", "run", "-q", image, "cat", "--", "x").code != 125

"""`elfuse`: the entry point, how errors become one line, and which exit code they get."""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

import click

from elfuse import __version__
from elfuse.cli.group import LazyGroup
from elfuse.errors import ElfuseError
from elfuse.text import printable

EXIT_FAILURE = 1
EXIT_RUN_FAILURE = 125  # podman's and docker's "the runtime itself failed"
EXIT_INTERRUPTED = 130  # where SIGINT cannot end the process


class CommandLine(NamedTuple):
    """What click has as `obj`: the words, and when the command began (ns since the epoch)."""

    words: tuple[str, ...]
    began: int


@click.group(
    cls=LazyGroup,
    lazy={
        "run": "elfuse.cli.run:run",
        "oci": "elfuse.cli.oci:oci",
        "cache": "elfuse.cli.cache:cache",
        "doctor": "elfuse.cli.doctor:doctor",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="elfuse %(version)s")
def cli() -> None:
    """Run linux/arm64 programs and OCI images as ordinary processes."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0, 1 on failure, 2 on wrong usage, a run's own codes."""
    _fill_standard_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "_ELFUSE_COMPLETE" in os.environ:
        from elfuse.cli.completion import install

        install()
    try:
        sys.exit(_run(words))
    except KeyboardInterrupt:
        _die_of_interrupt()


def _fill_standard_streams() -> None:
    """A stream that the caller closed becomes /dev/null: the next file must not get its number, and
    Python has None for it."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def _run(words: list[str]) -> int:
    try:
        code = cli.main(
            words, prog_name="elfuse", standalone_mode=False, obj=CommandLine(tuple(words), time.time_ns())
        )
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.ClickException as error:
        error.show()
        # As podman and docker: what a run's own code 2 means is the program's to say.
        return EXIT_RUN_FAILURE if _is_run(words) else error.exit_code
    except click.Abort as abort:
        if isinstance(abort.__cause__, KeyboardInterrupt):  # click has ended the line with ^C
            raise KeyboardInterrupt from None
        report("aborted")
        return EXIT_FAILURE
    except BrokenPipeError:
        # The reader went away. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except ElfuseError as error:
        _trace()
        report(str(error))
    except ImportError as error:
        # An unbuilt tree or a missing library: the message says which and what to do.
        _trace()
        report(str(error))
    except OSError as error:
        _trace()
        report(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:
        _trace()
        report(f"internal error: {type(error).__name__}: {error}; ELFUSE_DEBUG=1 shows where")
    return EXIT_RUN_FAILURE if _is_run(words) else EXIT_FAILURE


def _die_of_interrupt() -> NoReturn:
    """A shell ends its script or loop only when the program has died of the signal."""
    report("interrupted")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(5)  # transfers that put away what they have
    os.kill(os.getpid(), signal.SIGINT)
    sys.exit(EXIT_INTERRUPTED)


def _is_run(words: list[str]) -> bool:
    commands = [word for word in words if not word.startswith("-")]
    return commands[:1] == ["run"] or commands[:2] == ["oci", "run"]


def _trace() -> None:
    if os.environ.get("ELFUSE_DEBUG"):
        import traceback

        traceback.print_exc()


def report(message: str) -> None:
    """One line on standard error, whatever a stranger put into the message."""
    print(f"elfuse: {printable(message)}", file=sys.stderr)

"""The library's warnings (elfuse.log) as lines of the command."""

from elfuse import log
from elfuse.cli.main import report


def show() -> None:
    """Print them on standard error as errors are printed. Called by commands that talk to registries."""
    log.say_by(lambda line: report(f"warning: {line}"))

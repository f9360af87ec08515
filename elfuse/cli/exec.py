"""`elfuse oci exec`: refused, with the reason."""

import click

from elfuse.cli import options
from elfuse.cli.main import EXIT_RUN_FAILURE, report


@click.command(
    "exec", context_settings={**options.PASS_THROUGH, "ignore_unknown_options": True}, add_help_option=True
)
@click.argument("words", metavar="RUN COMMAND [ARG]...", nargs=-1, type=click.UNPROCESSED)
def refuse(words: tuple[str, ...]) -> int:
    """Says why no program can be started in a run that lives. Exit status 125.

    A run is a process of yours and its children, with a guest kernel inside of it, and not a container that
    another process can enter. Start a shell in the run and the programs from there, share a directory with
    -v, or look at its files: `elfuse oci ps` says where a run is.

    \b
    Example:
        elfuse oci run -it debian:trixie-slim bash
    """
    report(
        "exec is not possible: a run is a process with its own guest kernel, which no other process enters; "
        "start a shell with elfuse oci run -it IMAGE sh, or share files with -v"
    )
    return EXIT_RUN_FAILURE

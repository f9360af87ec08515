"""Questions to the user: asked on standard error, and only where a terminal is there to answer."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from elfuse.oci.reference import Reference
    from elfuse.oci.short_names import Ask


def asked(what: str, option: str, *, hidden: bool = False) -> str:
    """The user's answer. Without a terminal a usage error that names the option to give instead."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"Missing option '{option}': there is no terminal to ask at.")
    answer: str = click.prompt(what, hide_input=hidden, err=True)
    return answer


def completed_creds(creds: str | None) -> str | None:
    """The value of --creds, with the password asked for when USER stands alone, as podman does."""
    if creds is None or ":" in creds or not sys.stdin.isatty():
        return creds
    return f"{creds}:{asked('Password', '--creds', hidden=True)}"


def asker() -> "Ask | None":
    """Who chooses between the registries of a short name. None unless stdin and stdout are a terminal."""
    return choose if sys.stdin.isatty() and sys.stdout.isatty() else None


def choose(text: str, candidates: "Sequence[Reference]") -> "Reference":
    """One of `candidates`, by its number."""
    click.echo(f"{text} may be any of", err=True)
    for number, candidate in enumerate(candidates, 1):
        click.echo(f"  {number}  {candidate}", err=True)
    number = click.prompt("Which one", type=click.IntRange(1, len(candidates)), err=True)
    return candidates[number - 1]

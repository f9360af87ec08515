"""`elfuse oci tag`: another name for an image."""

import click

from elfuse.cli import options
from elfuse.cli.output import Document, Output


class TagDocument(Document, frozen=True, kw_only=True):
    """The new names, in full."""

    names: list[str]


@click.command()
@options.store
@options.output
@click.argument("image")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def tag(store: str | None, output: Output, image: str, names: tuple[str, ...]) -> None:
    """Give an image of the store more names.

    \b
    Example:
        elfuse oci tag debian:trixie-slim localhost/base:1
    """
    from elfuse.api.store import Store

    full = Store(store).tag(image, *names)
    if output.as_json:
        output.document(TagDocument(names=full))
        return
    for name in full:
        output.say(name)

"""`elfuse oci clone`: a private copy of an image's tree."""

import click

from elfuse.cli import options


@click.command()
@click.option("--name", metavar="NAME", help="The copy's ID [default: twelve random hex digits].")
@options.store
@click.argument("image")
def clone(name: str | None, store: str | None, image: str) -> None:
    """Make a private, writable copy of an image's tree and print its path.

    It is a kept run, so `elfuse oci ps -a` lists it and `elfuse oci rm --run` removes it. Where the file
    system can (btrfs, xfs), the copy shares its data with the store.

    \b
    Example:
        elfuse run --sysroot "$(elfuse oci clone debian:trixie-slim)" /bin/sh
    """
    from elfuse.api.unpacking import clone as make_clone

    click.echo(make_clone(image, name, store=store))

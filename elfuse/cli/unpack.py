"""`elfuse oci unpack`: an image's tree."""

import click

from elfuse.cli import options


@click.command()
@click.option("-f", "--force", is_flag=True, help="Make the tree anew, and replace what DESTINATION holds.")
@options.store
@click.argument("image")
@click.argument("destination", required=False)
def unpack(force: bool, store: str | None, image: str, destination: str | None) -> None:
    """Unpack an image of the store and print the tree's path.

    Without DESTINATION it is the store's own tree, which all runs share: only read it.

    \b
    Example:
        elfuse oci unpack debian:trixie-slim ./rootfs
    """
    import elfuse

    click.echo(elfuse.unpack(image, destination, force=force, store=store))

"""`elfuse oci push`: copies of images of the store."""

from typing import TYPE_CHECKING

import click

from elfuse.cli import options, warnings
from elfuse.cli.output import Document, Output

if TYPE_CHECKING:
    from elfuse.oci.access import AccessOptions


class PushDocument(Document, frozen=True, kw_only=True):
    """What was copied; `digest` is that of the manifest or index at the destination."""

    reference: str
    destination: str
    digest: str


@click.command()
@click.option("--all", "whole_index", is_flag=True, help="The whole index of the image, where it has one.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["oci", "v2s2"]),
    help="The manifest's media types [default: as it is; oci for an image layout].",
)
@click.option("--digestfile", metavar="FILE", help="Write the digest there, too.")
@options.registry_access
@options.store
@options.output
@click.argument("image")
@click.argument("destination", required=False)
def push(
    whole_index: bool,
    form: str | None,
    digestfile: str | None,
    access: "AccessOptions | None",
    store: str | None,
    output: Output,
    image: str,
    destination: str | None,
) -> None:
    """Copy an image of the store to a registry, or to a path: oci:, oci-archive:, docker-archive:, dir:.

    Without DESTINATION it goes where its name says. Manifests are copied byte for byte, so that digests
    stay; blobs that are there are not sent. Prints the digest.

    \b
    Example:
        elfuse oci push debian:trixie-slim registry.example.com/base/debian:trixie
    """
    import elfuse
    from elfuse.cli.progress import watch

    warnings.show()
    with watch(quiet=output.quiet, done="sent") as progress:
        done = elfuse.push(
            image,
            destination,
            all_platforms=whole_index,
            format=form,  # type: ignore[arg-type]
            access=access,
            store=store,
            progress=progress,
        )
    if digestfile is not None:
        with open(digestfile, "w", encoding="ascii") as file:
            file.write(done.digest)
    if output.as_json:
        output.document(
            PushDocument(reference=done.reference, destination=done.destination, digest=done.digest)
        )
    else:
        click.echo(done.digest)

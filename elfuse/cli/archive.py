"""`elfuse oci save` and `elfuse oci load`: images to and from archives."""

import click

from elfuse.cli import options
from elfuse.cli.output import Document, Output, Part

FORMATS = ("docker-archive", "oci-archive", "oci-dir", "docker-dir")


class LoadedPart(Part, frozen=True, kw_only=True):
    """One image that is in the store now, and its names."""

    names: list[str]
    digest: str
    image_id: str
    platform: str


class LoadDocument(Document, frozen=True, kw_only=True):
    images: list[LoadedPart]


@click.command()
@click.option("-o", "--output", "path", metavar="FILE", help="Write there instead of to standard output.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="docker-archive",
    show_default=True,
    help="What docker load takes, a tar of an OCI layout, or either as a directory.",
)
@click.option("--all", "whole_index", is_flag=True, help="The whole index of each image, where it has one.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
@options.store
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
def save(
    path: str | None, form: str, whole_index: bool, quiet: bool, store: str | None, images: tuple[str, ...]
) -> None:
    """Save images of the store to an archive that docker, podman, skopeo and elfuse load.

    The file appears when it is whole. The same images give the same bytes.

    \b
    Example:
        elfuse oci save -o images.tar --format oci-archive debian:trixie-slim python:3.13
    """
    import elfuse
    from elfuse.cli.progress import watch

    with watch(quiet=quiet, present=False, done="saved") as progress:
        elfuse.save(
            images,
            path,
            format=form,  # type: ignore[arg-type]
            all_platforms=whole_index,
            store=store,
            progress=progress,
        )


@click.command()
@click.option("-i", "--input", "path", metavar="FILE", help="Read there instead of from standard input.")
@options.store
@options.output
def load(path: str | None, store: str | None, output: Output) -> None:
    """Load the images of an archive, or of a directory, into the store, under the names they carry.

    It takes what save writes, and docker save, podman save and skopeo; compressed with gzip or zstd, too.
    An image without a name becomes localhost/loaded@DIGEST.

    \b
    Example:
        elfuse oci load -i images.tar
    """
    import sys

    import elfuse
    from elfuse.cli.progress import watch

    if path is None and sys.stdin.isatty():
        raise click.UsageError("standard input is a terminal: name an archive with -i FILE")
    with watch(quiet=output.quiet, present=False, done="loaded") as progress:
        loaded = elfuse.load(path, store=store, progress=progress)
    if output.as_json:
        parts = [
            LoadedPart(
                names=image.names, digest=image.digest, image_id=image.config_digest, platform=image.platform
            )
            for image in loaded
        ]
        output.document(LoadDocument(images=parts))
        return
    for image in loaded:
        for name in image.names:
            click.echo(f"Loaded image: {name}")

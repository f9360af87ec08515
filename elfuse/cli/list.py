"""`elfuse oci list`: the images of the store."""

import copy

import click

from elfuse.cli import options, views
from elfuse.cli.output import Document, Output, Part


class ListedPart(Part, frozen=True, kw_only=True):
    """size: compressed bytes of the layers. status: "ok", or what is wrong with the image."""

    name: str
    digest: str
    platform: str
    size: int
    created: str
    unpacked: bool
    status: str


class ListDocument(Document, frozen=True, kw_only=True):
    images: list[ListedPart]


@click.command("list")
@options.store
@options.output
def list_images(store: str | None, output: Output) -> None:
    """List the images of the store; with -q their digests only. `ls` is the same.

    \b
    Example:
        elfuse oci list
    """
    from elfuse.api.store import Store

    images = Store(store).images()
    if output.as_json:
        output.document(
            ListDocument(
                images=[
                    ListedPart(
                        name=image.name,
                        digest=image.digest,
                        platform=image.platform,
                        size=image.size,
                        created=image.created,
                        unpacked=image.unpacked,
                        status=image.status,
                    )
                    for image in images
                ]
            )
        )
        return
    if output.quiet:
        print("\n".join(image.digest for image in images), end="\n" if images else "")
        return
    table = views.images_table(images)
    output.table(table.columns, table.rows, right=table.right)


ls = copy.copy(list_images)
ls.name, ls.hidden = "ls", True

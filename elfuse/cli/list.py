"""`elfuse oci list`: the images of the store."""

import copy

import click

from elfuse.cli import options
from elfuse.cli.output import Document, Output, Part, human_size


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
    output.table(
        ("name", "digest", "platform", "size", "created", "state"),
        [
            (
                image.name,
                image.digest[7:19],
                image.platform,
                human_size(image.size),
                image.created[:16].replace("T", " "),
                image.status if image.status != "ok" else "unpacked" if image.unpacked else "",
            )
            for image in images
        ],
        right=("size",),
    )


ls = copy.copy(list_images)
ls.name, ls.hidden = "ls", True

"""`elfuse oci rebuild-cache`: the trees of all images."""

import click

from elfuse.cli import options
from elfuse.cli.main import EXIT_FAILURE
from elfuse.cli.output import Document, Output, Part


class RebuiltPart(Part, frozen=True, kw_only=True):
    """state: "unpacked" (already), "missing" (would be unpacked), "rebuilt", or "failed" with the error."""

    image: str
    chain: str
    state: str
    error: str | None


class RebuildDocument(Document, frozen=True, kw_only=True):
    committed: bool
    images: list[RebuiltPart]


@click.command("rebuild-cache")
@click.option("--commit", is_flag=True, help="Unpack them; else only say which.")
@options.store
@options.output
def rebuild_cache(commit: bool, store: str | None, output: Output) -> int:
    """Unpack each image of the store that is not unpacked, so that its first run starts at once.

    Without --commit it says which those are. Exit status 1 when one cannot be unpacked; the others are.

    \b
    Example:
        elfuse oci rebuild-cache --commit
    """
    from elfuse.api.store import Store

    images = Store(store).rebuild_cache(commit=commit)
    failed = [image for image in images if image.state == "failed"]
    if output.as_json:
        parts = [
            RebuiltPart(image=image.image, chain=image.chain, state=image.state, error=image.error)
            for image in images
        ]
        output.document(RebuildDocument(committed=commit, images=parts))
        return EXIT_FAILURE if failed else 0
    words = {"missing": "would be unpacked", "rebuilt": "unpacked", "unpacked": "is unpacked already"}
    for image in images:
        output.say(f"{image.image}: {words.get(image.state) or image.error}")
    if not commit and any(image.state == "missing" for image in images):
        output.note("nothing was unpacked (dry run; --commit does it)")
    return EXIT_FAILURE if failed else 0

"""`elfuse oci pull`: images into the store."""

import click

from elfuse.cli import options
from elfuse.cli.main import EXIT_FAILURE, report
from elfuse.cli.output import Document, Output, Part
from elfuse.errors import ElfuseError


class PulledPart(Part, frozen=True, kw_only=True):
    """One image that is in the store now."""

    reference: str
    digest: str
    image_id: str
    platform: str
    size: int


class PullDocument(Document, frozen=True, kw_only=True):
    images: list[PulledPart]


@click.command()
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="[default: linux/arm64]")
@options.tls_verify
@options.store
@options.output
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
def pull(
    platform: str | None, tls_verify: bool, store: str | None, output: Output, images: tuple[str, ...]
) -> int:
    """Pull images into the store. Prints name@digest of each.

    \b
    Example:
        elfuse oci pull debian:trixie-slim ghcr.io/org/tool:1.2
    """
    import elfuse
    from elfuse.cli.progress import watch

    failed = 0
    documents: list[PulledPart] = []
    for image in images:
        try:
            with watch(quiet=output.quiet) as progress:
                pulled = elfuse.pull(
                    image, platform=platform, tls_verify=tls_verify, store=store, progress=progress
                )
        except ElfuseError as error:
            if len(images) == 1:
                raise
            report(str(error))
            failed = EXIT_FAILURE
            continue
        documents.append(
            PulledPart(
                reference=pulled.reference,
                digest=pulled.digest,
                image_id=pulled.config_digest,
                platform=pulled.platform,
                size=pulled.size,
            )
        )
        if not output.as_json:
            click.echo(pulled.pinned)
    if output.as_json:
        output.document(PullDocument(images=documents))
    return failed

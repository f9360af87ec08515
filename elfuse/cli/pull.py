"""`elfuse oci pull`: images into the store."""

import time
from typing import TYPE_CHECKING

import click

from elfuse.cli import options, warnings
from elfuse.cli.main import EXIT_FAILURE, CommandLine, report
from elfuse.cli.output import Document, Output, Part

if TYPE_CHECKING:
    from elfuse.api.pulling import PulledImage
    from elfuse.oci.access import AccessOptions
    from elfuse.oci.question import Question


class PulledPart(Part, frozen=True, kw_only=True):
    """One image that is in the store now, and what it took."""

    reference: str
    digest: str
    index: str | None
    image_id: str
    platform: str
    size: int
    blobs_fetched: int
    bytes_fetched: int
    bytes_reused: int
    seconds: float


class FailedPart(Part, frozen=True, kw_only=True):
    """One image that could not be pulled."""

    reference: str
    error: str


class PullSummary(Part, frozen=True, kw_only=True):
    """All images together. Reused is what the store had before, of these images or of others."""

    blobs_fetched: int
    bytes_fetched: int
    bytes_reused: int
    seconds: float


class PullDocument(Document, frozen=True, kw_only=True):
    images: list[PulledPart]
    failed: list[FailedPart]
    summary: PullSummary


@click.command()
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="[default: linux/arm64]")
@click.option("--all-platforms", is_flag=True, help="The index and the images of all its platforms.")
@click.option("--refresh", is_flag=True, help="Ask the registry even about a digest that is here.")
@click.option(
    "--unpack", is_flag=True, help="Unpack the image too, while it arrives: its first run is quick."
)
@options.registry_access
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=None,
    metavar="N",
    help="How many blobs to bring at once [default: config.toml's, else 6].",
)
@options.store
@options.output
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.pass_obj
def pull(
    line: CommandLine,
    /,
    platform: str | None,
    all_platforms: bool,
    refresh: bool,
    unpack: bool,
    access: "AccessOptions | None",
    jobs: int | None,
    store: str | None,
    output: Output,
    images: tuple[str, ...],
) -> int:
    """Pull images into the store. Prints name@digest of each.

    What the store has is not fetched again, and what an interrupted pull left is continued. With
    several images, one that fails does not stop the others.

    \b
    Example:
        elfuse oci pull debian:trixie-slim ghcr.io/org/tool:1.2
        elfuse oci pull --all-platforms --jobs 3 quay.io/org/app:latest
    """
    from elfuse.api.pulling import PulledImage, pull_all
    from elfuse.cli.progress import watch
    from elfuse.cli.questions import asker

    warnings.show()
    begun = time.monotonic()
    asked: list[Question] = []
    with watch(quiet=output.quiet) as progress:
        outcomes = pull_all(
            images,
            platform=platform,
            all_platforms=all_platforms,
            refresh=refresh,
            unpack=unpack,
            jobs=jobs,
            access=access,
            store=store,
            progress=progress,
            ask=asker(),
            unchanged=asked.append,
        )
        pulled = [outcome for outcome in outcomes if isinstance(outcome, PulledImage)]
        summary = PullSummary(
            blobs_fetched=sum(image.blobs_fetched for image in pulled),
            bytes_fetched=sum(image.bytes_fetched for image in pulled),
            bytes_reused=sum(image.bytes_reused for image in pulled),
            seconds=round(time.monotonic() - begun, 3),
        )
        if pulled:
            progress.summary(
                summary.blobs_fetched, summary.bytes_fetched, summary.bytes_reused, summary.seconds
            )
    failed = []
    for name, outcome in zip(images, outcomes, strict=True):
        if not isinstance(outcome, PulledImage):
            report(str(outcome))
            failed.append(FailedPart(reference=name, error=str(outcome)))
        elif not output.as_json:
            click.echo(outcome.pinned)
    if output.quiet and len(images) == 1 and not summary.blobs_fetched:
        from elfuse.cli.front import keep_pull

        answer = "".join(f"{image.pinned}\n" for image in pulled)
        question = asked[0] if asked else None
        if answer:
            keep_pull(line, images[0], answer, store=store, access=access, question=question)
    if output.as_json and (pulled or len(images) > 1):
        parts = [_part(image) for image in pulled]
        output.document(PullDocument(images=parts, failed=failed, summary=summary))
    return EXIT_FAILURE if failed else 0


def _part(image: "PulledImage") -> PulledPart:
    return PulledPart(
        reference=image.reference,
        digest=image.digest,
        index=image.index,
        image_id=image.config_digest,
        platform=image.platform,
        size=image.size,
        blobs_fetched=image.blobs_fetched,
        bytes_fetched=image.bytes_fetched,
        bytes_reused=image.bytes_reused,
        seconds=round(image.seconds, 3),
    )

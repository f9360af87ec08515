"""`elfuse oci prune`: what nothing needs any more."""

from typing import TYPE_CHECKING

import click

from elfuse.cli import options, views
from elfuse.cli.output import Document, Output, Part
from elfuse.oci.units import parse_duration, parse_size

if TYPE_CHECKING:
    from elfuse.oci.gc import Family, Plan


def _duration(_context: click.Context, _option: click.Parameter, text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _size(_context: click.Context, _option: click.Parameter, text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


class FamilyPart(Part, frozen=True, kw_only=True):
    """One kind of things. items: names of what goes. spared: how many stay for their age or for
    --keep-bytes, although nothing needs them; needed: how many something needs."""

    items: list[str]
    bytes: int
    spared: int
    needed: int


class PruneDocument(Document, frozen=True, kw_only=True):
    """With committed false nothing was removed. bytes: of all but the images, whose are their blobs'."""

    committed: bool
    bytes: int
    images: FamilyPart
    blobs: FamilyPart
    layers: FamilyPart
    stacks: FamilyPart
    runs: FamilyPart
    temporary: FamilyPart
    quarantined: FamilyPart


@click.command()
@click.option(
    "--older-than",
    callback=_duration,
    default="0",
    metavar="DUR",
    help="Spare what is younger: 90s, 15m, 12h, 7d, 2w.",
)
@click.option(
    "--keep-bytes",
    callback=_size,
    default="0",
    metavar="SIZE",
    help="Of blobs, layers and trees, each, spare the youngest that fit into that: 500M, 2G.",
)
@click.option("--runs", is_flag=True, help="Also kept runs that have ended.")
@click.option("-a", "--all", "everything", is_flag=True, help="Also images that no run uses.")
@click.option("--commit", is_flag=True, help="Remove it; else only say what would go.")
@options.store
@options.output
def prune(
    older_than: int,
    keep_bytes: int,
    runs: bool,
    everything: bool,
    commit: bool,
    store: str | None,
    output: Output,
) -> None:
    """Remove from the store what nothing needs: blobs, layers, trees, and what crashed processes left.

    Without --commit it says what would go. When anything that names something cannot be read, nothing is
    removed. Pulls, unpacks and runs may go on meanwhile: what they use stays. -v names each item.

    \b
    Example:
        elfuse oci prune --all --older-than 7d --commit
    """
    from elfuse.api.store import Store

    plan = Store(store).prune(
        older_than=older_than, keep_bytes=keep_bytes, runs=runs, all=everything, commit=commit
    )
    if output.as_json:
        output.document(_document(plan, commit))
        return
    if output.verbose:
        for name, family in plan.families:
            for item in family.going:
                output.say(f"{views.title(name)}: {item.name}")
    if not output.quiet:
        table = views.prune_table(plan, commit=commit)
        output.table(table.columns, table.rows, right=table.right)
    output.say(views.prune_summary(plan, commit=commit))
    if not commit:
        output.note(views.DRY_RUN)


def _part(family: "Family") -> FamilyPart:
    return FamilyPart(
        items=[item.name for item in family.going],
        bytes=family.bytes,
        spared=len(family.spared),
        needed=family.needed,
    )


def _document(plan: "Plan", commit: bool) -> PruneDocument:
    return PruneDocument(
        committed=commit,
        bytes=plan.bytes,
        images=_part(plan.images),
        blobs=_part(plan.blobs),
        layers=_part(plan.layers),
        stacks=_part(plan.stacks),
        runs=_part(plan.runs),
        temporary=_part(plan.temporary),
        quarantined=_part(plan.quarantined),
    )

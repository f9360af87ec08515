"""`elfuse oci status`: what is in the store, and how much room it takes."""

from typing import TYPE_CHECKING

import click

from elfuse.cli import options, views
from elfuse.cli.output import Document, Output, Part

if TYPE_CHECKING:
    from elfuse.oci.status import StoreState


class PinPart(Part, frozen=True, kw_only=True):
    """A pinned image. size: compressed bytes of its layers. pulled: seconds since the epoch. status: "ok", or
    what is wrong: "missing manifest", "corrupt config", "missing 2 layers" and the like."""

    name: str
    digest: str
    platform: str
    layers: int
    size: int
    pulled: float
    unpacked: bool
    status: str


class TreePart(Part, frozen=True, kw_only=True):
    """An unpacked tree, the images and the runs that use it. bytes: null when it was not measured."""

    chain: str
    path: str
    bytes: int | None
    images: list[str]
    runs: list[str]


class TotalsPart(Part, frozen=True, kw_only=True):
    """Sizes on disk; null with --no-disk-usage. reclaimable: what a plain prune would remove; null when it
    would refuse, and `blocked` says why. layers: those unpacked. tree_bytes: of the trees merged of them,
    beside the layers' files. other_entries: those of index.json that are no images of ours."""

    images: int
    other_entries: int
    blobs: int
    layers: int
    trees: int
    runs: int
    live_runs: int
    quarantined: int
    blob_bytes: int | None
    layer_bytes: int | None
    tree_bytes: int | None
    run_bytes: int | None
    temporary_bytes: int | None
    reclaimable: int | None
    blocked: str | None


class StatusDocument(Document, frozen=True, kw_only=True):
    store: str
    snapshot_strategy: str
    snapshots_refused: dict[str, str]
    engine: str
    pins: list[PinPart]
    trees: list[TreePart]
    totals: TotalsPart


@click.command()
@click.option("--no-disk-usage", is_flag=True, help="Measure nothing.")
@options.store
@options.output
def status(no_disk_usage: bool, store: str | None, output: Output) -> None:
    """Show the store's images, unpacked trees and totals, what a prune would give back, and how a run gets
    its root.

    \b
    Example:
        elfuse oci status --json
    """
    from elfuse.api.store import Store
    from elfuse.runtime.engine import default_engine

    state = Store(store).status(disk_usage=not no_disk_usage)
    engine = default_engine()
    if output.as_json:
        output.document(_document(state, engine))
        return
    for table in views.status_tables(state) if not output.quiet else ():
        output.table(table.columns, table.rows, right=table.right)
        print()
    output.fields(views.status_fields(state, engine))


def _document(state: "StoreState", engine: str) -> StatusDocument:
    return StatusDocument(
        store=state.path,
        snapshot_strategy=state.snapshotter,
        snapshots_refused=state.snapshots_refused,
        engine=engine,
        pins=[
            PinPart(
                name=pin.image.name,
                digest=pin.image.digest,
                platform=pin.image.platform,
                layers=pin.layers,
                size=pin.image.size,
                pulled=pin.pulled,
                unpacked=pin.image.unpacked,
                status=pin.image.status,
            )
            for pin in state.pins
        ],
        trees=[
            TreePart(chain=tree.chain, path=tree.path, bytes=tree.bytes, images=tree.images, runs=tree.runs)
            for tree in state.trees
        ],
        totals=TotalsPart(
            images=len(state.pins),
            other_entries=state.others,
            blobs=state.blobs,
            trees=len(state.trees),
            runs=len(state.runs),
            live_runs=sum(run.live for run in state.runs),
            quarantined=state.quarantined,
            blob_bytes=state.blob_bytes,
            layers=state.layers,
            layer_bytes=state.layer_bytes,
            tree_bytes=state.stack_bytes,
            run_bytes=state.run_bytes,
            temporary_bytes=state.staged_bytes,
            reclaimable=state.reclaimable,
            blocked=state.blocked,
        ),
    )

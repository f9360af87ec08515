"""`elfuse oci status`: what is in the store, and how much room it takes."""

import sys
import time
from typing import TYPE_CHECKING

import click

from elfuse.cli import options
from elfuse.cli.output import Document, Output, Part, human_size, is_rich

if TYPE_CHECKING:
    from elfuse.oci.status import StoreState

_BAR = 20


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
    would refuse, and `blocked` says why. other_entries: those of index.json that are no images of ours."""

    images: int
    other_entries: int
    blobs: int
    trees: int
    runs: int
    live_runs: int
    quarantined: int
    blob_bytes: int | None
    tree_bytes: int | None
    run_bytes: int | None
    temporary_bytes: int | None
    reclaimable: int | None
    blocked: str | None


class StatusDocument(Document, frozen=True, kw_only=True):
    store: str
    snapshot_strategy: str
    engine: str
    pins: list[PinPart]
    trees: list[TreePart]
    totals: TotalsPart


@click.command()
@click.option("--no-disk-usage", is_flag=True, help="Measure nothing.")
@options.store
@options.output
def status(no_disk_usage: bool, store: str | None, output: Output) -> None:
    """Show the store's images, unpacked trees and totals, and what a prune would give back.

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
    _tables(state, output)
    rows = [
        ("Store", state.path),
        ("Images", str(len(state.pins)) + (f" and {state.others} other entries" if state.others else "")),
        *_usage(state),
        ("Reclaimable", _reclaimable(state)),
        ("Snapshots", state.snapshotter),
        ("Engine", engine),
    ]
    if state.quarantined:
        rows.insert(-3, ("Quarantined", f"{state.quarantined} damaged blobs"))
    output.fields(rows)


def _tables(state: "StoreState", output: Output) -> None:
    if state.pins and not output.quiet:
        output.table(
            ("pin", "digest", "layers", "size", "pulled", "state"),
            [
                (
                    pin.image.name,
                    pin.image.digest[7:19],
                    str(pin.layers),
                    human_size(pin.image.size),
                    time.strftime("%Y-%m-%d %H:%M", time.localtime(pin.pulled)) if pin.pulled else "",
                    pin.image.status
                    if pin.image.status != "ok"
                    else "unpacked"
                    if pin.image.unpacked
                    else "",
                )
                for pin in state.pins
            ],
            right=("layers", "size"),
        )
        print()
    if state.trees and not output.quiet:
        output.table(
            ("tree", "size", "images", "runs"),
            [
                (
                    tree.chain[7:19],
                    human_size(tree.bytes) if tree.bytes is not None else "",
                    ", ".join(tree.images) or "none",
                    ", ".join(tree.runs),
                )
                for tree in state.trees
            ],
            right=("size",),
        )
        print()


def _usage(state: "StoreState") -> list[tuple[str, str]]:
    live = sum(run.live for run in state.runs)
    parts = [
        ("Blobs", str(state.blobs), state.blob_bytes),
        ("Trees", str(len(state.trees)), state.stack_bytes),
        (
            "Runs",
            f"{len(state.runs)}, {live} of them live" if live else str(len(state.runs)),
            state.run_bytes,
        ),
        ("Temporary", "", state.staged_bytes),
    ]
    whole = sum(size or 0 for _, _, size in parts)
    bars = is_rich(sys.stdout.isatty()) and whole > 0
    rows = []
    for name, count, size in parts:
        words = [count] if count else []
        if size is None:
            words.append("(disk usage skipped)")
        else:
            words.append(f"({human_size(size)})" if count else human_size(size))
            if bars:
                words.insert(0, _bar(size / whole))
        rows.append((name, " ".join(words)))
    return rows


def _bar(share: float) -> str:
    full = round(share * _BAR)
    return "\u2588" * full + "\u2591" * (_BAR - full)


def _reclaimable(state: "StoreState") -> str:
    if state.reclaimable is None:
        return f"unknown: {state.blocked}"
    return human_size(state.reclaimable)


def _document(state: "StoreState", engine: str) -> StatusDocument:
    return StatusDocument(
        store=state.path,
        snapshot_strategy=state.snapshotter,
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
            tree_bytes=state.stack_bytes,
            run_bytes=state.run_bytes,
            temporary_bytes=state.staged_bytes,
            reclaimable=state.reclaimable,
            blocked=state.blocked,
        ),
    )

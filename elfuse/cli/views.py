"""What `list`, `status` and `prune` show, as tables and fields. Loads nothing, as plain.py."""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from elfuse.cli.plain import human_size, is_rich

if TYPE_CHECKING:
    from elfuse.oci.gc import Plan
    from elfuse.oci.status import ListedImage, StoreState

_BAR = 20
DRY_RUN = "nothing was removed (dry run; --commit removes it)"


class Table(NamedTuple):
    """What Output.table takes."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, ...]]
    right: Sequence[str] = ()


def images_table(images: "Iterable[ListedImage]") -> Table:
    return Table(
        ("name", "digest", "platform", "size", "created", "state"),
        [
            (
                image.name,
                image.digest[7:19],
                image.platform,
                human_size(image.size),
                image.created[:16].replace("T", " "),
                _state(image),
            )
            for image in images
        ],
        right=("size",),
    )


def _state(image: "ListedImage") -> str:
    if image.status != "ok":
        return image.status
    return "unpacked" if image.unpacked else ""


def title(family: str) -> str:
    """What people call a kind of things that a prune removes."""
    return {"stacks": "trees", "temporary": "temporary files", "quarantined": "damaged blobs"}.get(
        family, family
    )


def prune_table(plan: "Plan", *, commit: bool) -> Table:
    columns = ("kind", "removed" if commit else "to remove", "size", "spared", "needed")
    rows = [
        (
            title(name),
            str(len(family.going)),
            human_size(family.bytes) if name != "images" else "",
            str(len(family.spared)),
            str(family.needed) if name in ("blobs", "layers", "stacks", "runs") else "",
        )
        for name, family in plan.families
        if family.going or family.spared or name in ("blobs", "stacks")
    ]
    return Table(columns, rows, right=columns[1:])


def prune_summary(plan: "Plan", *, commit: bool) -> str:
    return f"{'reclaimed' if commit else 'reclaimable'}: {human_size(plan.bytes)}"


def status_tables(state: "StoreState") -> list[Table]:
    """Of pins and of trees, each only when there are any."""
    tables = []
    if state.pins:
        # Each minute once: images come in crowds, and localtime takes its time.
        minutes = {
            number: time.strftime("%Y-%m-%d %H:%M", time.localtime(number * 60)) if number else ""
            for number in {int(pin.pulled) // 60 for pin in state.pins}
        }
        rows = [
            (
                pin.image.name,
                pin.image.digest[7:19],
                str(pin.layers),
                human_size(pin.image.size),
                minutes[int(pin.pulled) // 60],
                _state(pin.image),
            )
            for pin in state.pins
        ]
        tables.append(Table(("pin", "digest", "layers", "size", "pulled", "state"), rows, ("layers", "size")))
    if state.trees:
        trees = [
            (
                tree.chain[7:19],
                human_size(tree.bytes) if tree.bytes is not None else "",
                ", ".join(tree.images) or "none",
                ", ".join(tree.runs),
            )
            for tree in state.trees
        ]
        tables.append(Table(("tree", "size", "images", "runs"), trees, ("size",)))
    return tables


def status_fields(state: "StoreState", engine: str) -> list[tuple[str, str]]:
    others = f" and {state.others} other entries" if state.others else ""
    damaged = [("Quarantined", f"{state.quarantined} damaged blobs")] if state.quarantined else []
    return [
        ("Store", state.path),
        ("Images", f"{len(state.pins)}{others}"),
        *_usage(state),
        *damaged,
        ("Reclaimable", _reclaimable(state)),
        ("Snapshots", "; ".join([state.snapshotter, *_refused(state)])),
        ("Engine", engine),
    ]


def _refused(state: "StoreState") -> list[str]:
    return [f"not {name}: {reason}" for name, reason in state.snapshots_refused.items()]


def _usage(state: "StoreState") -> list[tuple[str, str]]:
    live = sum(run.live for run in state.runs)
    parts = [
        ("Blobs", str(state.blobs), state.blob_bytes),
        ("Layers", str(state.layers), state.layer_bytes),
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

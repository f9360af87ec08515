"""Snapshots: from layers to a root that a run may write to.

A strategy makes one read-only tree for each stack of layers (by ChainID, shared by all runs) and gives
each run its own view of it. Which strategies fit depends on the file system beneath the store.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from elfuse.oci.layout import Store
    from elfuse.oci.runs import Run
    from elfuse.oci.stored import StoredImage

# The name of the strategy that default_snapshotter() gives.
DEFAULT = "overlay"


class Snapshotter(Protocol):
    """A way to give a run its root."""

    name: str

    def prepare(self, store: "Store", image: "StoredImage") -> str:
        """The image's read-only tree, unpacked now when it is not there yet. Safe in parallel."""

    def run_root(self, tree: str, run: "Run") -> dict[str, object]:
        """The launch spec's `root`: a private, writable view of `tree` that lives in `run`."""


def default_snapshotter() -> Snapshotter:
    from elfuse.oci.snapshot.overlay import OverlaySnapshotter

    return OverlaySnapshotter()

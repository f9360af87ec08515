"""Snapshots: from layers to a root that a run may write to.

A strategy gives each run its own view of an image's read-only tree, which all runs of the image share. Which
ones fit depends on the host's kernel and on the file system beneath the store, so each is tried there
(choice.py); ELFUSE_SNAPSHOT or `snapshot` of config.toml names one.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from elfuse.oci.layout import Store
    from elfuse.oci.runs import Run
    from elfuse.oci.stored import StoredImage

# In the order in which `auto` takes them (docs/adr/0010-snapshots.md).
NAMES = ("reflink", "runtime", "overlay", "copy")


class Snapshotter(Protocol):
    """A way to give a run its root."""

    name: str

    def why_not(self, directory: str) -> str | None:
        """Why it cannot be used in an empty directory of the store, which is the caller's to remove; None
        when it can."""

    def prepare(self, store: "Store", image: "StoredImage") -> list[str]:
        """The directories of the image's read-only tree, topmost first, unpacked now when they are not there
        yet. Safe in parallel."""

    def run_root(self, lower: list[str], run: "Run", *, keep: bool) -> dict[str, object]:
        """The launch spec's `root`: a private, writable view of `lower` that lies in `run`. `keep`: what the
        run writes outlives it."""


def snapshotter(name: str) -> Snapshotter:
    """That of NAMES."""
    if name == "overlay":
        from elfuse.oci.snapshot.overlay import OverlaySnapshotter

        return OverlaySnapshotter()
    if name == "copy":
        from elfuse.oci.snapshot.copied import CopySnapshotter

        return CopySnapshotter()
    from elfuse.oci.snapshot.runtime import ReflinkSnapshotter, RuntimeSnapshotter

    return ReflinkSnapshotter() if name == "reflink" else RuntimeSnapshotter()

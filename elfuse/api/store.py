"""The store as an object: what is in it, and keeping it small and sound."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from elfuse.api.image_store import ImageStore
from elfuse.oci.layout import Store as Layout

if TYPE_CHECKING:
    from elfuse.oci.fsck import Report
    from elfuse.oci.gc import Plan
    from elfuse.oci.runs import RunState
    from elfuse.oci.status import ListedImage, StoreState


class Store(ImageStore):
    """The image store at `path` (default: $ELFUSE_STORE, else the user's data directory), made if need be.

    Any number of processes may use one store at once, each with objects of its own.

    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> store.images()
    []
    >>> store.prune().bytes
    0
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._layout = Layout.open(os.fspath(path) if path is not None else None)

    @property
    def path(self) -> str:
        return self._layout.path

    def images(self) -> "list[ListedImage]":
        """The images that have a name, in the order in which they got it."""
        from elfuse.oci.status import list_images

        with self._reported("listing the images"):
            return list_images(self._layout)

    def status(self, *, disk_usage: bool = True) -> "StoreState":
        """Pins, trees, runs and totals. Without `disk_usage` nothing is measured."""
        from elfuse.oci.status import examine

        with self._reported("looking at the store"):
            return examine(self._layout, disk_usage=disk_usage)

    def prune(
        self,
        *,
        older_than: float = 0,
        keep_bytes: int = 0,
        runs: bool = False,
        all: bool = False,  # noqa: A002 - the option's name, as in podman
        commit: bool = False,
    ) -> "Plan":
        """What nothing needs any more: a plan, or with `commit` what has been removed.

        older_than: seconds; spares what is younger. keep_bytes: of blobs, layers and trees, each, spares the
        youngest that fit into that. runs: also kept runs that have ended. all: also images that no run
        uses. Raises StoreError, and removes nothing, when anything that names something cannot be read.
        """
        from elfuse.oci import gc

        options = gc.PruneOptions(older_than=older_than, keep_bytes=keep_bytes, runs=runs, all=all)
        with self._reported("the prune"):
            return gc.prune(self._layout, options) if commit else gc.make_plan(self._layout, options)

    def verify(
        self, *, repair: bool = False, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> "Report":
        """Hash every blob and check what needs what. `progress` gets bytes done and bytes in all."""
        from elfuse.oci.fsck import verify

        with self._reported("verifying"):
            return verify(self._layout, repair=repair, progress=progress)

    def remove(self, image: str) -> list[str]:
        """Unpin an image, by name or ID. Returns the names that it had; its blobs stay until a prune."""
        from elfuse.oci.naming import remove

        with self._reported(f"removing {image}"):
            return [pin.name for pin in remove(self._layout, image)]

    def tag(self, image: str, *names: str) -> list[str]:
        """Give an image more names. Returns them in full."""
        from elfuse.oci.naming import tag

        with self._reported(f"tagging {image}"):
            return tag(self._layout, image, names)

    def runs(self) -> "list[RunState]":
        """Runs that live, and those that have ended and are kept."""
        from elfuse.oci.runs import list_runs

        with self._reported("listing the runs"):
            return [run for run in list_runs(self._layout) if run.live or run.kept]

    def remove_run(self, run: str) -> None:
        """Remove a kept run that has ended."""
        from elfuse.oci.runs import remove_run

        with self._reported(f"removing the run {run}"):
            remove_run(self._layout, run)
            self._layout.sweep()

    def unpack(self, image: str, destination: str | None = None, *, force: bool = False) -> str:
        """As `elfuse.unpack`."""
        from elfuse.api.unpacking import unpack

        return unpack(image, destination, force=force, store=self.path)

    def clone(self, image: str, name: str | None = None) -> str:
        """As `elfuse.api.unpacking.clone`."""
        from elfuse.api.unpacking import clone

        return clone(image, name, store=self.path)

    def rebuild_cache(self, *, commit: bool = False) -> "list[Rebuilt]":
        """Unpack each image that is not unpacked; without `commit`, say which those are."""
        return [*self._rebuild(commit)]

    def _rebuild(self, commit: bool) -> "Iterator[Rebuilt]":
        from elfuse.api.unpacking import rebuild

        with self._reported("unpacking"):
            yield from rebuild(self._layout, commit=commit)

    def __repr__(self) -> str:
        return f"Store({self.path!r})"

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        from elfuse.oci import disk

        with disk.reported(what, self.path):
            yield


if TYPE_CHECKING:
    from elfuse.api.unpacking import Rebuilt

"""The store as an object."""

import os

from elfuse.api.image_store import ImageStore
from elfuse.oci.layout import Pin
from elfuse.oci.layout import Store as Layout


class Store(ImageStore):
    """The image store at `path` (default: $ELFUSE_STORE, else the user's data directory), made if need be.

    It holds nothing open, and any number of objects and processes may use one directory at once. Raises
    StoreError when the directory cannot be a store.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._layout = Layout.open(os.fspath(path) if path is not None else None)

    @property
    def path(self) -> str:
        return self._layout.path

    def images(self) -> list[Pin]:
        """The images that have a name. A damaged one is among them."""
        return self._layout.pins()

    def __repr__(self) -> str:
        return f"Store({self.path!r})"

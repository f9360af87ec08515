"""Trees of images."""

from elfuse.oci.layout import Store
from elfuse.oci.reference import parse
from elfuse.oci.stored import require_image


def unpack(image: str, destination: str | None = None, *, store: str | None = None) -> str:
    """The path of the image's unpacked tree.

    Without a destination it is the store's own, which every run of the image shares: read it only. A
    destination gets a tree of its own.
    """
    from elfuse.oci.snapshot import default_snapshotter
    from elfuse.oci.snapshot.stack import unpack_to

    opened = Store.open(store)
    found = require_image(opened, parse(image))
    if destination is None:
        return default_snapshotter().prepare(opened, found)
    return unpack_to(opened, found, destination)

"""Trees of images."""

from collections.abc import Iterator

import msgspec

from elfuse.errors import ElfuseError
from elfuse.oci.layout import Store
from elfuse.oci.naming import source_of
from elfuse.oci.stored import require_image


class Rebuilt(msgspec.Struct, frozen=True):
    """An image of `rebuild`. state: "unpacked" (already), "missing" (would be unpacked), "rebuilt", or
    "failed", with the reason in `error`."""

    image: str
    chain: str
    state: str
    error: str | None = None


def unpack(
    image: str, destination: str | None = None, *, force: bool = False, store: str | None = None
) -> str:
    """The path of the image's unpacked tree.

    Without a destination it is the store's own, which every run of the image shares: read it only. A
    destination gets a tree of its own. `force` makes the tree anew: the store's, unless a run uses it, or
    whatever directory the destination is.
    """
    from elfuse.oci.snapshot.stack import ensure_stack, renew_stack, unpack_to

    opened = Store.open(store)
    found = require_image(opened, source_of(opened, image))
    if destination is not None:
        return unpack_to(opened, found, destination, force=force)
    if force:
        renew_stack(opened, found)
    return ensure_stack(opened, found)


def clone(image: str, name: str | None = None, *, store: str | None = None) -> str:
    """A private, writable copy of the image's tree, as a kept run of that name. Returns the tree's path."""
    from elfuse.oci.snapshot.clone import clone_image

    opened = Store.open(store)
    return clone_image(opened, require_image(opened, source_of(opened, image)), name)


def rebuild(store: Store, *, commit: bool) -> Iterator[Rebuilt]:
    """Each pinned image, and whether it is unpacked, by now when `commit` says so. One that cannot be is
    reported, and the others go on."""
    from elfuse.oci.digest import chain_id
    from elfuse.oci.snapshot.stack import ensure_stack
    from elfuse.oci.stored import load_pin

    for pin in store.pins():
        chain = ""
        try:
            image = load_pin(store, pin)
            chain = chain_id(image.config.diff_ids)
            if store.claim_stack(chain):
                yield Rebuilt(pin.name, chain, "unpacked")
            elif not commit:
                yield Rebuilt(pin.name, chain, "missing")
            else:
                ensure_stack(store, image)
                yield Rebuilt(pin.name, chain, "rebuilt")
        except ElfuseError as error:
            yield Rebuilt(pin.name, chain, "failed", str(error))

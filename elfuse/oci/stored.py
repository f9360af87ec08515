"""An image of the store, ready for use. Apart from pull.py, so that a run loads no pull."""

import msgspec

from elfuse.errors import ImageNotFound, InvalidImage
from elfuse.oci import disk
from elfuse.oci.digest import Digest
from elfuse.oci.image import (
    Descriptor,
    ImageConfig,
    Manifest,
    parse_config,
    parse_document,
)
from elfuse.oci.layout import Pin, Store
from elfuse.oci.reference import ImageSource, Reference


class StoredImage(msgspec.Struct, frozen=True):
    """A pinned image of the store, its documents read and verified."""

    name: str
    descriptor: Descriptor
    index: Digest | None
    manifest: Manifest
    config: ImageConfig


def load_image(store: Store, image: ImageSource) -> StoredImage | None:
    """The image of this name, or None. A digest also finds what a tag of its repository pinned."""
    with disk.reported(f"reading {image}", store.path):
        pin = find_pin(store.pins(), image)
        return None if pin is None else load_pin(store, pin)


def load_pin(store: Store, pin: Pin) -> StoredImage:
    """The image that is pinned so. Raises StoreError or ContentMismatch when it is not all there."""
    what = f"manifest of {pin.name}"
    data = store.read_document(pin.manifest.digest, what)
    manifest = parse_document(data, pin.manifest.media_type, what)
    if not isinstance(manifest, Manifest):
        raise InvalidImage(f"{what} is an index")
    config_data = store.read_document(manifest.config.digest, f"config of {pin.name}")
    config = parse_config(config_data, manifest, f"config of {pin.name}")
    return StoredImage(pin.name, pin.manifest, pin.index, manifest, config)


def find_pin(pins: list[Pin], image: ImageSource) -> Pin | None:
    """The one that `image` names. A digest also finds what a tag of its repository pinned."""
    for pin in pins:
        if pin.name == image.pin:
            return pin
    if not isinstance(image, Reference) or image.digest is None:
        return None
    for pin in pins:
        inside = pin.name.startswith((f"{image.repository}:", f"{image.repository}@"))
        if inside and image.digest in (pin.manifest.digest, pin.index):
            return pin
    return None


def require_image(store: Store, source: ImageSource) -> StoredImage:
    found = load_image(store, source)
    if found is None:
        raise absent(source)
    return found


def absent(source: ImageSource) -> ImageNotFound:
    return ImageNotFound(f"no such image in the store: {source}", hint=f"elfuse oci pull {source}")

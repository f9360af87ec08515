"""An image of the store, ready for use. Apart from pull.py, so that a run loads no pull."""

import msgspec

from elfuse.errors import InvalidImage
from elfuse.oci.digest import Digest
from elfuse.oci.image import (
    Descriptor,
    ImageConfig,
    Manifest,
    parse_config,
    parse_document,
)
from elfuse.oci.layout import Store
from elfuse.oci.reference import ImageSource


class StoredImage(msgspec.Struct, frozen=True):
    """A pinned image of the store, its documents read and verified."""

    name: str
    descriptor: Descriptor
    index: Digest | None
    manifest: Manifest
    config: ImageConfig


def load_image(store: Store, image: ImageSource) -> StoredImage | None:
    """The image that is pinned under this name, or None."""
    pin = store.find(image.pin)
    if pin is None:
        return None
    what = f"manifest of {pin.name}"
    data = store.read_document(pin.manifest.digest, what)
    manifest = parse_document(data, pin.manifest.media_type, what)
    if not isinstance(manifest, Manifest):
        raise InvalidImage(f"{what} is an index")
    config_data = store.read_document(manifest.config.digest, f"config of {pin.name}")
    config = parse_config(config_data, manifest, f"config of {pin.name}")
    return StoredImage(pin.name, pin.manifest, pin.index, manifest, config)

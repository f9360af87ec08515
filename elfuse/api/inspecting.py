"""Looking at images of the store."""

import os

import msgspec

from elfuse.oci.digest import chain_id
from elfuse.oci.layout import Store
from elfuse.oci.reference import parse
from elfuse.oci.stored import require_image


class LayerDetails(msgspec.Struct, frozen=True):
    digest: str
    diff_id: str
    size: int
    media_type: str


class ImageDetails(msgspec.Struct, frozen=True):
    """An image of the store. `raw_manifest` and `raw_config` are the bytes that the digests name."""

    reference: str
    digest: str
    media_type: str
    index: str | None
    config_digest: str
    chain_id: str
    platform: str
    created: str | None
    user: str
    working_dir: str
    env: list[str]
    entrypoint: list[str]
    cmd: list[str]
    labels: dict[str, str]
    layers: list[LayerDetails]
    unpacked: bool
    raw_manifest: bytes
    raw_config: bytes


def inspect(image: str, *, store: str | None = None) -> ImageDetails:
    """What the store knows of an image. Asks no registry."""
    opened = Store.open(store)
    found = require_image(opened, parse(image))
    run_config = found.config.run
    chain = chain_id(found.config.diff_ids)
    return ImageDetails(
        reference=found.name,
        digest=found.descriptor.digest,
        media_type=found.descriptor.media_type,
        index=found.index,
        config_digest=found.manifest.config.digest,
        chain_id=chain,
        platform=str(found.config.platform),
        created=found.config.created,
        user=run_config.user or "",
        working_dir=run_config.working_dir or "/",
        env=run_config.env or [],
        entrypoint=run_config.entrypoint or [],
        cmd=run_config.cmd or [],
        labels=run_config.labels or {},
        layers=[
            LayerDetails(layer.digest, diff_id, layer.size, layer.media_type)
            for layer, diff_id in zip(found.manifest.layers, found.config.diff_ids, strict=True)
        ],
        unpacked=os.path.isdir(opened.stack_path(chain)),
        raw_manifest=opened.read_document(found.descriptor.digest, "manifest"),
        raw_config=opened.read_document(found.manifest.config.digest, "config"),
    )

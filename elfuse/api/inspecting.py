"""Looking at images: of the store, or where they come from."""

import os

import msgspec

from elfuse.oci import disk
from elfuse.oci.access import AccessOptions
from elfuse.oci.digest import chain_id
from elfuse.oci.image import Descriptor, Platform, parse_platform
from elfuse.oci.layout import Store, default_path
from elfuse.oci.lookup import IndexEntry, Lookup, look_at_source, look_in_store
from elfuse.oci.naming import source_of
from elfuse.oci.reuse import Reuse as Reuse
from elfuse.oci.reuse import reuse_of
from elfuse.oci.short_names import resolve


class LayerDetails(msgspec.Struct, frozen=True):
    digest: str
    diff_id: str
    size: int
    media_type: str


class PlatformDetails(msgspec.Struct, frozen=True):
    """A row of an image's index. `size` is that of its layers, where its manifest was read."""

    platform: str | None
    digest: str
    media_type: str
    chosen: bool
    artifact: bool  # an attestation or the like
    present: bool  # its manifest is in the store
    layers: int | None
    size: int | None


class ReferrerDetails(msgspec.Struct, frozen=True):
    """A signature, an SBOM or the like that refers to the manifest or to the index."""

    digest: str
    media_type: str
    artifact_type: str
    size: int
    annotations: dict[str, str]


class ImageDetails(msgspec.Struct, frozen=True):
    """An image. `raw_manifest`, `raw_config` and `raw_index` are the bytes that the digests name.

    `size` is that of the layers as they are stored and sent. `reuse` is None where there is no store to
    compare with, `referrers` where no registry was asked.
    """

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
    raw_index: bytes | None = None
    size: int = 0
    remote: bool = False
    platforms: list[PlatformDetails] = []
    reuse: Reuse | None = None
    referrers: list[ReferrerDetails] | None = None


def inspect(
    image: str,
    *,
    platform: str | None = None,
    all_platforms: bool = False,
    remote: bool = False,
    access: AccessOptions | None = None,
    store: str | None = None,
) -> ImageDetails:
    """What is known of an image: by the store, or with `remote` by the registry or path that it names.

    Without `remote` no registry is asked; with it, no layer is fetched. `all_platforms` reads the manifest
    of each row of `platforms`, too.
    """
    wanted = parse_platform(platform) if platform is not None else None
    if remote:
        return _inspect_remote(image, wanted, all_platforms, access, store)
    opened = Store.open(store)
    found = look_in_store(opened, source_of(opened, image), wanted, every=all_platforms)
    return _details(found, opened)


def _inspect_remote(
    image: str, platform: Platform | None, every: bool, access: AccessOptions | None, store: str | None
) -> ImageDetails:
    from elfuse.oci.source import RegistrySource, Session

    reference = resolve(image).source
    with disk.reported("inspecting", image), Session(access) as session:
        source = session.open(reference)
        found = look_at_source(source, reference, platform, every=every)
        referrers = None
        if isinstance(source, RegistrySource):
            digests = [found.descriptor.digest, *([found.index] if found.index else [])]
            referrers = [
                ReferrerDetails(
                    entry.digest, entry.media_type, entry.artifact_type, entry.size, entry.annotations or {}
                )
                for digest in digests
                for entry in source.referrers(digest)
            ]
    # Only a store that is there is compared with: a look at a registry must not make one.
    path = os.path.abspath(store) if store else default_path()
    opened = Store.open(store) if os.path.exists(os.path.join(path, "elfuse.json")) else None
    return msgspec.structs.replace(_details(found, opened), remote=True, referrers=referrers)


def _details(found: Lookup, store: Store | None) -> ImageDetails:
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
        unpacked=store is not None and os.path.isdir(store.stack_path(chain)),
        raw_manifest=found.manifest_data,
        raw_config=found.config_data,
        raw_index=found.index_data or None,
        size=_size_of(found.manifest.layers),
        platforms=[_row(entry, store) for entry in found.entries],
        reuse=reuse_of(store, found.descriptor.digest, found.manifest, found.config) if store else None,
    )


def _row(entry: IndexEntry, store: Store | None) -> PlatformDetails:
    described, manifest = entry.descriptor, entry.manifest
    return PlatformDetails(
        platform=str(described.platform) if described.platform is not None else None,
        digest=described.digest,
        media_type=described.media_type,
        chosen=entry.chosen,
        artifact=entry.artifact,
        present=store is not None and store.has_blob(described.digest, described.size),
        layers=len(manifest.layers) if manifest is not None else None,
        size=_size_of(manifest.layers) if manifest is not None else None,
    )


def _size_of(layers: list[Descriptor]) -> int:
    return sum(layer.size for layer in layers)

"""What an image has in common with the other images of a store: blobs, and stacks of unpacked layers."""

import os
from collections.abc import Iterator

import msgspec

from elfuse.errors import ElfuseError
from elfuse.oci.digest import Digest, chain_id
from elfuse.oci.image import ImageConfig, Manifest
from elfuse.oci.layout import Store
from elfuse.oci.reference import parse
from elfuse.oci.stored import load_image


class Reuse(msgspec.Struct, frozen=True):
    """`layers` of the image's `total` layers are blobs of `images` others too, `size` compressed bytes.

    The lowest `depth` layers, as a stack (`chain` is its ChainID), are also the lowest of the image
    `neighbour`; 0 when no image begins with the same layer. `unpacked`: that stack lies unpacked.
    `compared` is how many other images there are.
    """

    total: int
    compared: int
    layers: int
    images: int
    size: int
    depth: int
    chain: Digest | None
    neighbour: str | None
    unpacked: bool


def reuse_of(store: Store, digest: Digest, manifest: Manifest, config: ImageConfig) -> Reuse:
    """Compare with all stored images of another manifest. What cannot be read is left out."""
    chains = [chain_id(config.diff_ids[: depth + 1]) for depth in range(len(config.diff_ids))]
    ours = {layer.digest: layer.size for layer in manifest.layers}
    shared: set[Digest] = set()
    images = compared = depth = 0
    neighbour: str | None = None
    for name, theirs, their_config in _others(store, digest):
        compared += 1
        common = ours.keys() & {layer.digest for layer in theirs.layers}
        shared |= common
        images += bool(common)
        deep = _common_depth(config.diff_ids, their_config.diff_ids)
        if deep > depth:
            depth, neighbour = deep, name
    chain = chains[depth - 1] if depth else None
    return Reuse(
        total=len(manifest.layers),
        compared=compared,
        layers=sum(layer.digest in shared for layer in manifest.layers),
        images=images,
        size=sum(ours[digest] for digest in shared),
        depth=depth,
        chain=chain,
        neighbour=neighbour,
        unpacked=chain is not None and os.path.isdir(store.stack_path(chain)),
    )


def _common_depth(one: list[Digest], other: list[Digest]) -> int:
    """How many of the lowest layers are the same: stacks of equal ChainID have equal diffIDs."""
    depth = 0
    for ours, theirs in zip(one, other, strict=False):
        if ours != theirs:
            break
        depth += 1
    return depth


def _others(store: Store, digest: Digest) -> Iterator[tuple[str, Manifest, ImageConfig]]:
    seen = {digest}
    for pin in store.pins():
        if pin.manifest.digest in seen:
            continue
        seen.add(pin.manifest.digest)
        try:
            image = load_image(store, parse(pin.name))
        except ElfuseError:
            continue
        if image is not None:
            yield pin.name, image.manifest, image.config

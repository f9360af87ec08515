"""Copies of images of the store: archives, and registries."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from elfuse.oci.access import AccessOptions
from elfuse.oci.layout import Store
from elfuse.oci.naming import source_of
from elfuse.oci.progress import Progress, Silent
from elfuse.oci.reference import parse

SaveFormat = Literal["docker-archive", "oci-archive", "oci-dir", "docker-dir"]
ManifestFormat = Literal["oci", "v2s2"]


class LoadedImage(msgspec.Struct, frozen=True):
    """An image that load put into the store."""

    names: list[str]
    digest: str
    config_digest: str
    platform: str


class PushedImage(msgspec.Struct, frozen=True):
    """What push copied. `digest` is that of the manifest or index at the destination."""

    reference: str
    destination: str
    digest: str


def save(
    images: Sequence[str] | str,
    output: str | None = None,
    *,
    format: SaveFormat = "docker-archive",  # noqa: A002 - podman's word
    all_platforms: bool = False,
    store: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Write images of the store, with their names, to a file or directory, or to standard output.

    The file appears when it is whole. The same images give the same bytes.
    """
    from elfuse.oci.push import save_images

    words = [images] if isinstance(images, str) else list(images)
    opened = Store.open(store)
    save_images(
        opened,
        [source_of(opened, word) for word in words],
        output,
        format,
        progress or Silent(),
        whole_index=all_platforms,
    )


def load(
    path: str | None = None, *, store: str | None = None, progress: Progress | None = None
) -> list[LoadedImage]:
    """Bring all images of an archive, or of a directory, into the store. Without a path: standard input."""
    from elfuse.oci.load import load_images

    return [
        LoadedImage(
            found.names, found.digest, found.image.manifest.config.digest, str(found.image.config.platform)
        )
        for found in load_images(Store.open(store), path, progress or Silent())
    ]


def push(
    image: str,
    destination: str | None = None,
    *,
    all_platforms: bool = False,
    format: ManifestFormat | None = None,  # noqa: A002 - podman's word
    access: AccessOptions | None = None,
    store: str | None = None,
    progress: Progress | None = None,
) -> PushedImage:
    """Copy an image of the store to a registry or a local transport; without a destination, to where its
    name says.

    The manifest stays byte for byte, so its digest does, unless `format` asks for other media types or the
    destination is an image layout, which knows OCI's only.
    """
    from elfuse.oci.push import push_image

    opened = Store.open(store)
    source = source_of(opened, image)
    done = push_image(
        opened,
        source,
        source if destination is None else parse(destination),
        progress or Silent(),
        whole_index=all_platforms,
        form=format,
        access=access,
    )
    return PushedImage(done.reference, done.destination, done.digest)

"""Archives and directories of images into the store, under the names that they carry."""

import os
from collections.abc import Iterator

import msgspec

from elfuse.errors import ElfuseError, ImageNotFound, InvalidImage
from elfuse.oci import disk
from elfuse.oci.digest import Digest, digest_of
from elfuse.oci.layout import Store
from elfuse.oci.progress import Progress
from elfuse.oci.pull import PullOptions, pull_from
from elfuse.oci.reference import (
    DirReference,
    DockerArchiveReference,
    LayoutReference,
    LocalReference,
    OciArchiveReference,
    parse_reference,
)
from elfuse.oci.source import Session, Source, fetch_top
from elfuse.oci.stored import StoredImage
from elfuse.oci.transport.archive import Archive
from elfuse.oci.transport.directory import DirSource, is_image_directory
from elfuse.oci.transport.docker import DockerSource, read_items
from elfuse.oci.transport.files import DirectoryFiles, Files
from elfuse.oci.transport.layout import LayoutSource, images_in

# The repository of images that came without a name: nothing that a registry could serve.
NAMELESS = "localhost/loaded"
STDIN = "/dev/stdin"


class LoadedImage(msgspec.Struct, frozen=True):
    """An image that is in the store now, and the names it is pinned under."""

    names: list[str]
    digest: Digest
    image: StoredImage


class _Found(msgspec.Struct, frozen=True):
    reference: LocalReference
    source: Source
    names: list[str]


def load_images(store: Store, path: str | None, progress: Progress) -> list[LoadedImage]:
    """All images of the archive or directory at `path`, or of the archive on standard input.

    An image without a name, or whose name is no reference, is pinned as localhost/loaded@DIGEST.
    Images of an index that has none for this machine are an error, as for pull.
    """
    what = path or "standard input"
    with disk.reported("loading", what), Session() as session:
        loaded = [_load(store, session, found, progress) for found in _find(path)]
    if not loaded:
        raise ImageNotFound(f"{what} holds no image")
    return loaded


def _find(path: str | None) -> Iterator[_Found]:
    where = STDIN if path is None else os.path.abspath(path)
    if path is not None and os.path.isdir(where):
        files: Files = DirectoryFiles(where, "directory of images")
        if is_image_directory(files):
            reference = DirReference(where)
            yield _Found(reference, DirSource(files, str(reference)), [])
        else:
            yield from _in_layout(files, LayoutReference(where))
        return
    archive = Archive(None if path is None else where)
    if archive.exists("oci-layout"):
        yield from _in_layout(archive, OciArchiveReference(where))
    elif archive.exists("manifest.json"):
        for position, item in enumerate(read_items(archive)):
            docker = DockerArchiveReference(where, index=position)
            yield _Found(docker, DockerSource(archive, docker), list(item.repo_tags or []))
    else:
        raise InvalidImage(
            f"{archive.place} is no archive of images: it has neither oci-layout nor manifest.json",
            hint="elfuse oci load takes what podman save, docker save and elfuse oci save write",
        )


def _in_layout(files: Files, base: LayoutReference | OciArchiveReference) -> Iterator[_Found]:
    for position, name in images_in(files):
        reference = msgspec.structs.replace(base, index=position)
        yield _Found(reference, LayoutSource(files, reference), [name] if name else [])


def _load(store: Store, session: Session, found: _Found, progress: Progress) -> LoadedImage:
    digest = digest_of(fetch_top(found.source, str(found.reference))[0])
    names = _pins(found.names, digest) or [f"{NAMELESS}@{digest}"]
    options = PullOptions(platform=None)
    image = pull_from(found.source, store, found.reference, session, options, progress, names).image
    return LoadedImage(names, image.descriptor.digest, image)


def _pins(names: list[str], digest: Digest) -> list[str]:
    """The names, canonical. One that says another digest than the image's would be a lie; it is dropped."""
    pins = []
    for name in names:
        try:
            reference = parse_reference(name)
        except ElfuseError:
            continue
        if reference.digest in (None, digest) and reference.pin not in pins:
            pins.append(reference.pin)
    return pins

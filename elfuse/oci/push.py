"""Copies of stored images, to a registry or to any of the local transports."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from elfuse.errors import ElfuseError, InvalidImage, InvalidReference
from elfuse.oci import disk
from elfuse.oci.access import AccessOptions
from elfuse.oci.convert import ManifestFormat
from elfuse.oci.digest import Digest
from elfuse.oci.layout import Store
from elfuse.oci.outgoing import Outgoing, gather
from elfuse.oci.progress import Progress
from elfuse.oci.reference import (
    DirReference,
    DockerArchiveReference,
    ImageSource,
    LayoutReference,
    LocalReference,
    OciArchiveReference,
    Reference,
    parse,
    parse_reference,
    ref_name,
)
from elfuse.oci.source import Session
from elfuse.oci.stored import StoredImage, require_image
from elfuse.oci.transport.output import ArchiveSink, DirectorySink, archive_output, new_directory
from elfuse.oci.transport.writers import (
    DirWriter,
    DockerWriter,
    LayoutWriter,
    Names,
    Writer,
    existing_entries,
)

# podman's words.
SaveFormat = Literal["oci-archive", "docker-archive", "oci-dir", "docker-dir"]


class PushedImage(msgspec.Struct, frozen=True):
    """What was copied. `digest` is that of its top manifest or index where it is now; an archive of docker
    has none, so there it is the stored one's."""

    reference: str
    destination: str
    digest: Digest


def push_image(
    store: Store,
    image: ImageSource,
    destination: ImageSource,
    progress: Progress,
    *,
    whole_index: bool = False,
    form: ManifestFormat | None = None,
    access: AccessOptions | None = None,
) -> PushedImage:
    """Copy a stored image. The manifest stays byte for byte, unless `form` asks for other types or the
    destination knows only OCI's (an image layout)."""
    found = require_image(store, image)
    if isinstance(destination, (LayoutReference, OciArchiveReference)) and form is None and not whole_index:
        form = "oci"
    if isinstance(destination, DockerArchiveReference) and (whole_index or form is not None):
        raise InvalidImage(
            "an archive of docker has no manifests: --all and --format have no place there",
            hint="use oci-archive:",
        )
    with disk.reported(f"the push of {found.name}", str(destination)), store.activity():
        outgoing = gather(store, found, whole_index=whole_index, form=form)
        if isinstance(destination, Reference):
            _push_to_registry(store, outgoing, destination, access, progress)
        else:
            with _local_writer(destination) as writer:
                writer.add(outgoing, _names_at(destination), progress)
                writer.finish()
    return PushedImage(found.name, str(destination), outgoing.top.descriptor.digest)


def save_images(
    store: Store,
    images: Sequence[ImageSource],
    output: str | None,
    form: SaveFormat,
    progress: Progress,
    *,
    whole_index: bool = False,
) -> None:
    """Write stored images, with their names, to the file or directory `output`, or to standard output."""
    found = [require_image(store, image) for image in images]
    if form == "docker-dir" and len(found) != 1:
        raise InvalidImage("a docker-dir holds one image", hint="save to an archive, or one by one")
    if whole_index and form.startswith("docker"):
        raise InvalidImage(f"{form} has no place for an index", hint="use --format oci-archive")
    with disk.reported("saving", output or "standard output"), store.activity():
        kept = [_saved(store, image, form, whole_index) for image in found]
        with _save_writer(output, form) as writer:
            for outgoing in kept:
                writer.add(outgoing, _names_of(outgoing.image), progress)
            writer.finish()


def _saved(store: Store, image: StoredImage, form: SaveFormat, whole_index: bool) -> Outgoing:
    if form == "docker-archive":
        return gather(store, image)
    if whole_index and image.index is not None:
        return gather(store, image, whole_index=True)
    return gather(store, image, form="v2s2" if form == "docker-dir" else "oci")


@contextlib.contextmanager
def _save_writer(output: str | None, form: SaveFormat) -> Iterator[Writer]:
    if output is None:
        if form.endswith("dir"):
            raise InvalidReference(
                f"{form} is a directory, which standard output cannot be", hint="use -o DIR"
            )
        with archive_output(None) as tar:
            sink = ArchiveSink(tar)
            yield DockerWriter(sink) if form == "docker-archive" else LayoutWriter(sink, [])
        return
    path = os.path.abspath(output)
    references: dict[SaveFormat, LocalReference] = {
        "oci-archive": OciArchiveReference(path),
        "docker-archive": DockerArchiveReference(path),
        "oci-dir": LayoutReference(path),
        "docker-dir": DirReference(path),
    }
    with _local_writer(references[form]) as writer:
        yield writer


@contextlib.contextmanager
def _local_writer(destination: LocalReference) -> Iterator[Writer]:
    """What writes to a local transport. Nothing is visible before the block has ended well."""
    match destination:
        case LayoutReference(path):
            with _layout_lock(path):
                yield LayoutWriter(DirectorySink(path), existing_entries(path))
        case DirReference(path):
            with new_directory(path) as staged:
                yield DirWriter(staged)
        case OciArchiveReference(path):
            with archive_output(path) as tar:
                yield LayoutWriter(ArchiveSink(tar), [])
        case DockerArchiveReference(path):
            with archive_output(path) as tar:
                yield DockerWriter(ArchiveSink(tar))


@contextlib.contextmanager
def _layout_lock(path: str) -> Iterator[None]:
    """Writers of one layout take turns: each adds to the index that the last one left."""
    os.makedirs(path, exist_ok=True)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        disk.wait_lock(fd, path)
        yield
    finally:
        os.close(fd)


def _names_at(destination: LocalReference) -> Names:
    """The names that a destination asks for."""
    match destination:
        case LayoutReference(tag=tag) | OciArchiveReference(tag=tag):
            if destination.index is not None:
                raise InvalidReference(f"cannot write to {destination}: a position names what is there")
            return Names(ref_name=tag)
        case DockerArchiveReference(name=name):
            if destination.index is not None:
                raise InvalidReference(f"cannot write to {destination}: a position names what is there")
            return Names(tag=str(name) if name is not None else None)
    return Names()


def _names_of(image: StoredImage) -> Names:
    """The names that a stored image takes with it. What came from a local transport has a tag at most."""
    source = parse(image.name)
    match source:
        case Reference():
            tag = None if source.digest is not None else str(source)
            return Names(ref_name(image.name), image.name, tag)
        case DockerArchiveReference(name=name) if name is not None:
            return Names(ref_name(str(name)), str(name), str(name))
        case LayoutReference(tag=str(tag)) | OciArchiveReference(tag=str(tag)):
            return Names(ref_name=tag, tag=_as_docker_tag(tag))
    return Names()


def _as_docker_tag(name: str) -> str | None:
    """NAME:TAG of a name in a layout, as load would read it; None when it is none."""
    try:
        reference = parse_reference(name)
    except InvalidReference:
        return None
    return None if reference.digest is not None else str(reference)


def _push_to_registry(
    store: Store,
    outgoing: Outgoing,
    destination: Reference,
    access: AccessOptions | None,
    progress: Progress,
) -> None:
    from elfuse.oci.registry import RegistryClient
    from elfuse.oci.upload import Uploader, check_destination, mount_candidates

    check_destination(destination, outgoing.top.descriptor.digest)
    with Session(access) as session:
        direct = [place for place in session.accesses(destination) if not place.is_mirror]
        if not direct:
            raise InvalidReference(f"{destination.domain} has mirrors only, which are not pushed to")
        client = RegistryClient(direct[0], http=session.http())
        mounts = mount_candidates(direct[0].reference, _held(store))
        Uploader(client, mounts, progress).push(outgoing, destination.tag)


def _held(store: Store) -> Iterator[tuple[Reference, list[Digest]]]:
    """The blobs of each image of the store that came from a registry. What cannot be read has none."""
    for pin in store.pins():
        with contextlib.suppress(ElfuseError):
            source = parse(pin.name)
            if isinstance(source, Reference):
                image = require_image(store, source)
                yield source, [image.manifest.config.digest, *(blob.digest for blob in image.manifest.layers)]

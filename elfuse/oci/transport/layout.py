"""An OCI image layout, in a directory or in an archive: image-spec image-layout.md."""

import json
from collections.abc import Iterator

import msgspec

from elfuse.errors import ImageNotFound, InvalidImage
from elfuse.oci import media
from elfuse.oci.digest import Digest, hex_of
from elfuse.oci.image import DOCUMENT_LIMIT, Descriptor, Index, load_json
from elfuse.oci.reference import LayoutReference, OciArchiveReference
from elfuse.oci.transport.files import Files
from elfuse.oci.transport.source import FilesSource


class LayoutSource(FilesSource):
    """One image of a layout that someone else made."""

    def __init__(self, files: Files, reference: LayoutReference | OciArchiveReference) -> None:
        super().__init__(files, str(reference))
        self._reference = reference

    def _top(self) -> tuple[bytes, str]:
        entry = self._entry()
        return self.manifest(entry), entry.media_type

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._verified(blob_name(descriptor.digest), descriptor, "manifest")

    def _name_of(self, blob: Descriptor) -> str:
        return blob_name(blob.digest)

    def _entry(self) -> Descriptor:
        """The descriptor that the reference selects; without a selector, the only one there is."""
        reference, place = self._reference, self._files.place
        entries = read_index(self._files).manifests
        if reference.index is not None:
            if reference.index >= len(entries):
                raise ImageNotFound(f"no such image: {reference} (it holds {len(entries)})")
            return entries[reference.index]
        names = [ref_name_of(entry) for entry in entries]
        if reference.tag is None:
            if len(entries) == 1:
                return entries[0]
            raise ImageNotFound(
                f"{place} holds {_list(names)}", hint=f"choose one: {reference.transport}:{place}:TAG"
            )
        # buildkit and containerd keep the whole name in an annotation of theirs, and the tag in this one.
        for found in (names, [image_name_of(entry) for entry in entries]):
            if reference.tag in found:
                return entries[found.index(reference.tag)]
        raise ImageNotFound(f"no such image: {reference} (the layout holds {_list(names)})")


def read_index(files: Files) -> Index:
    """The layout's index.json, once its oci-layout file has said that it is one."""
    try:
        marker = load_json(files.read("oci-layout", 1 << 16), f"{files.place}: oci-layout")
        version = marker.get("imageLayoutVersion") if isinstance(marker, dict) else None
    except FileNotFoundError:
        raise ImageNotFound(f"{files.place} is no OCI image layout: it has no oci-layout file") from None
    if not isinstance(version, str) or not version.startswith("1."):
        raise InvalidImage(f"{files.place} has image layout version {json.dumps(version)[:40]}, not 1.x")
    what = f"{files.place}: index.json"
    try:
        return msgspec.convert(load_json(files.read("index.json", DOCUMENT_LIMIT), what), Index)
    except FileNotFoundError:
        raise InvalidImage(f"{files.place} is no OCI image layout: it has no index.json") from None
    except msgspec.ValidationError as error:
        raise InvalidImage(f"{what} cannot be read: {error}") from None


def images_in(files: Files) -> Iterator[tuple[int, str | None]]:
    """The position and the name of each image in the layout."""
    for position, entry in enumerate(read_index(files).manifests):
        yield position, image_name_of(entry) or ref_name_of(entry)


def ref_name_of(entry: Descriptor) -> str | None:
    return (entry.annotations or {}).get(media.REF_NAME)


def image_name_of(entry: Descriptor) -> str | None:
    return (entry.annotations or {}).get(media.IMAGE_NAME)


def blob_name(digest: Digest) -> str:
    return f"blobs/sha256/{hex_of(digest)}"


def _list(names: list[str | None]) -> str:
    shown = [name for name in names if name]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "") if shown else "no named image"

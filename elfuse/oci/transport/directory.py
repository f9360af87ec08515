"""skopeo's dir: transport: one image in a directory, its blobs named by their hex digests."""

import os
from typing import TYPE_CHECKING

from elfuse.errors import ImageNotFound, InvalidImage
from elfuse.oci.digest import hex_of
from elfuse.oci.image import DOCUMENT_LIMIT, Descriptor, media_type_of
from elfuse.oci.transport.files import Files
from elfuse.oci.transport.source import FilesSource

if TYPE_CHECKING:
    from elfuse.oci.policy.signature import SignatureSource

VERSION = "Directory Transport Version: 1.1\n"
DIRECTORY_KIND = "directory of skopeo's dir: transport"
_VERSION_PREFIX = b"Directory Transport Version: 1."


class DirSource(FilesSource):
    def _top(self) -> tuple[bytes, str]:
        try:
            version = self._files.read("version", 1 << 10)
            data = self._files.read("manifest.json", DOCUMENT_LIMIT)
        except FileNotFoundError as error:
            name = os.path.basename(str(error.filename))
            raise ImageNotFound(f"{self._files.place} is no {DIRECTORY_KIND}: it has no {name}") from None
        if not version.startswith(_VERSION_PREFIX):
            raise InvalidImage(f"{self._what} has another version than 1.x of the dir: transport")
        return data, media_type_of(data, f"manifest.json of {self._what}")

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._verified(manifest_name(descriptor), descriptor, "manifest")

    def signatures(self, registries_d: str | None = None) -> "SignatureSource":
        from elfuse.oci.policy.fetch import DirectorySignatures

        return DirectorySignatures(self._files.place)

    def _name_of(self, blob: Descriptor) -> str:
        return hex_of(blob.digest)


def manifest_name(descriptor: Descriptor) -> str:
    """Where a manifest of an index lies."""
    return f"{hex_of(descriptor.digest)}.manifest.json"


def is_image_directory(files: Files) -> bool:
    return files.exists("version") and files.exists("manifest.json")

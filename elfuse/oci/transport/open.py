"""The source of each local transport."""

from typing import TYPE_CHECKING

from elfuse.oci.reference import (
    DirReference,
    DockerArchiveReference,
    LayoutReference,
    LocalReference,
    OciArchiveReference,
)
from elfuse.oci.transport.files import DirectoryFiles

if TYPE_CHECKING:
    from elfuse.oci.source import Source


def open_local(image: LocalReference) -> "Source":
    """Raises ImageNotFound when there is nothing at the path, InvalidImage when it is something else."""
    match image:
        case LayoutReference():
            from elfuse.oci.transport.layout import LayoutSource

            return LayoutSource(DirectoryFiles(image.path, "OCI image layout"), image)
        case DirReference():
            from elfuse.oci.transport.directory import DIRECTORY_KIND, DirSource

            return DirSource(DirectoryFiles(image.path, DIRECTORY_KIND), str(image))
        case OciArchiveReference():
            from elfuse.oci.transport.archive import Archive
            from elfuse.oci.transport.layout import LayoutSource

            return LayoutSource(Archive(image.path), image)
        case DockerArchiveReference():
            from elfuse.oci.transport.archive import Archive
            from elfuse.oci.transport.docker import DockerSource

            return DockerSource(Archive(image.path), image)

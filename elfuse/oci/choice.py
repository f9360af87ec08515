"""Which manifest of an index, and of indexes in it, is the image for a platform."""

from collections.abc import Callable

import msgspec

from elfuse.errors import InvalidImage
from elfuse.oci import media
from elfuse.oci.digest import Digest, digest_of
from elfuse.oci.image import (
    DOCUMENT_LIMIT,
    Descriptor,
    Index,
    Manifest,
    Platform,
    check_kind,
    not_offered,
    parse_document,
    rank,
)

# An index in an index is legal and rare; what is deeper or wider than this was made to keep us busy.
DEPTH_LIMIT = 4
DOCUMENTS_LIMIT = 32
# BuildKit's attestations are manifests beside the images, and say so.
_REFERENCE_TYPE = "vnd.docker.reference.type"

# The verified bytes of a manifest or index.
Read = Callable[[Descriptor], bytes]


class Chosen(msgspec.Struct, frozen=True):
    """An image's manifest and the way to it: `documents` are the bytes from the top to the manifest."""

    descriptor: Descriptor
    manifest: Manifest
    index: Digest | None  # the top, when it is an index
    documents: list[bytes]


def choose_image(top: bytes, media_type: str, wanted: Platform, what: str, read: Read) -> Chosen:
    """The image for `wanted` at or below `top`: the best of a level, else what the indexes in it hold.

    Of equals the first, as podman and containerd choose. Raises PlatformNotFound, which names what there
    is, InvalidImage, and what `read` raises.
    """
    document = parse_document(top, media_type, what)
    digest = digest_of(top)
    if isinstance(document, Manifest):
        leaf = Descriptor(document.media_type, digest, len(top))
        return Chosen(leaf, document, None, [top])
    walk = _Walk(wanted, what, read)
    found = walk.search(document, [top], None)
    if found is None:
        raise not_offered(what, wanted, walk.offered)
    return msgspec.structs.replace(found, index=digest)


class _Walk:
    def __init__(self, wanted: Platform, what: str, read: Read) -> None:
        self._wanted = wanted
        self._what = what
        self._read = read
        self._left = DOCUMENTS_LIMIT
        self.offered: list[str] = []

    def search(self, index: Index, path: list[bytes], inherited: Platform | None) -> Chosen | None:
        """Depth first, in the order of the index. `path`: the documents down to it."""
        entries = [
            (entry, entry.platform or inherited) for entry in index.manifests if not is_artifact(entry)
        ]
        leaves = [(entry, platform) for entry, platform in entries if entry.media_type not in media.INDEXES]
        best: tuple[int, Descriptor] | None = None
        for entry, platform in leaves:
            if platform is None:
                continue
            self._note(platform)
            score = rank(self._wanted, platform)
            if score is not None and (best is None or score < best[0]):
                best = (score, entry)
        if best is not None:
            return self._leaf(best[1], path)
        for entry, platform in entries:
            if entry.media_type in media.INDEXES and (
                platform is None or rank(self._wanted, platform) is not None
            ):
                found = self._descend(entry, platform, path)
                if found is not None:
                    return found
        return self._unlabelled([entry for entry, platform in leaves if platform is None], path)

    def _note(self, platform: Platform) -> None:
        if str(platform) not in self.offered:
            self.offered.append(str(platform))

    def _leaf(self, entry: Descriptor, path: list[bytes]) -> Chosen:
        check_kind(entry.media_type, f"{self._what}: the entry for {self._wanted}")
        return self._parsed(entry, self._bytes(entry), path)

    def _descend(self, entry: Descriptor, platform: Platform | None, path: list[bytes]) -> Chosen | None:
        if len(path) >= DEPTH_LIMIT:
            raise InvalidImage(f"{self._what} has indexes in indexes, more than {DEPTH_LIMIT} deep")
        data = self._bytes(entry)
        index = parse_document(data, entry.media_type, f"index {entry.digest} of {self._what}")
        if not isinstance(index, Index):
            raise InvalidImage(f"{self._what}: {entry.digest} is no index, as its entry says")
        return self.search(index, [*path, data], platform)

    def _unlabelled(self, entries: list[Descriptor], path: list[bytes]) -> Chosen | None:
        """The first image of those whose platform only their configs tell; the caller checks it."""
        for entry in entries:
            if entry.media_type not in media.MANIFESTS:
                continue
            data = self._bytes(entry)
            try:
                return self._parsed(entry, data, path)
            except InvalidImage:
                continue  # an artifact
        return None

    def _parsed(self, entry: Descriptor, data: bytes, path: list[bytes]) -> Chosen:
        manifest = parse_document(data, entry.media_type, f"manifest {entry.digest} of {self._what}")
        if not isinstance(manifest, Manifest):
            raise InvalidImage(f"{self._what}: {entry.digest} is no manifest, as its entry says")
        return Chosen(entry, manifest, None, [*path, data])

    def _bytes(self, entry: Descriptor) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise InvalidImage(f"{self._what} leads to more than {DOCUMENTS_LIMIT} indexes and manifests")
        if entry.size > DOCUMENT_LIMIT:
            raise InvalidImage(
                f"{self._what}: the manifest {entry.digest} is over {DOCUMENT_LIMIT >> 20} MiB"
            )
        return self._read(entry)


def is_artifact(entry: Descriptor) -> bool:
    """Whether an entry of an index says itself that it is no image: an attestation, a signature, ..."""
    if entry.artifact_type or _REFERENCE_TYPE in (entry.annotations or {}):
        return True
    return entry.platform is not None and entry.platform.os == "unknown"

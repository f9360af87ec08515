"""The signatures of an image, from where they are kept: lookaside, cosign's tag, or a dir: image's files."""

import os
from typing import Protocol

import msgspec

from elfuse.errors import ImageNotFound
from elfuse.oci import media
from elfuse.oci.digest import Digest, digest_of
from elfuse.oci.image import Descriptor, Manifest, load_json
from elfuse.oci.policy.lookaside import Lookaside
from elfuse.oci.policy.refusal import Refused
from elfuse.oci.policy.registries_d import load_registries
from elfuse.oci.policy.signature import (
    COSIGN_MEDIA_TYPE,
    SIGNATURE_LIMIT,
    SIGNATURES_LIMIT,
    TOTAL_LIMIT,
    Attachment,
    Signature,
    parse_blob,
)
from elfuse.oci.reference import Reference


class Repository(Protocol):
    """One repository of a registry, with whatever access to it the user has."""

    def manifest(self, selector: str, what: str) -> tuple[bytes, str]:
        """Bytes and media type, by tag or digest. Raises ImageNotFound."""

    def document(self, descriptor: Descriptor, what: str) -> bytes:
        """A small blob."""


class RegistrySignatures:
    """Of images of a registry, as registries.d has it for `reference`.

    `reference` is the name at the place that is really asked, which for a mirror is the mirror's.
    registries.d, the one that is in force or a given directory, is read when the first signature is wanted.
    """

    def __init__(
        self,
        repository: Repository,
        reference: Reference,
        lookaside: Lookaside,
        registries_d: str | None = None,
    ) -> None:
        self._repository = repository
        self._reference = reference
        self._lookaside = lookaside
        self._registries_d = registries_d

    def signatures(self, digest: Digest) -> list[Signature]:
        registries = load_registries(self._registries_d)
        found = list(self._lookaside.signatures(registries.lookaside(self._reference), digest))
        if registries.uses_attachments(self._reference):
            found += self.attachments(digest)
        return found

    def attachments(self, digest: Digest) -> list[Attachment]:
        """cosign's: the layers of the manifest that is tagged sha256-<hex>.sig."""
        tag = digest.replace(":", "-") + ".sig"
        what = f"the signatures {self._reference.repository}:{tag}"
        try:
            data, media_type = self._repository.manifest(tag, what)
        except ImageNotFound:
            return []
        if media_type != media.OCI_MANIFEST:
            raise Refused(f"{what} are of type {media_type[:100]!r}, not an OCI manifest")
        try:
            manifest = msgspec.convert(load_json(data, what), Manifest)
        except msgspec.ValidationError as error:
            raise Refused(f"{what}: {error}") from None
        layers = [layer for layer in manifest.layers if layer.media_type == COSIGN_MEDIA_TYPE]
        if len(layers) > SIGNATURES_LIMIT:
            raise Refused(f"{what} are more than {SIGNATURES_LIMIT}")
        if sum(layer.size for layer in layers) > TOTAL_LIMIT:
            raise Refused(f"{what} have more than {TOTAL_LIMIT >> 20} MiB")
        return [self._attachment(layer, what) for layer in layers]

    def _attachment(self, layer: Descriptor, what: str) -> Attachment:
        if layer.size > SIGNATURE_LIMIT:
            raise Refused(f"{what}: one is larger than {SIGNATURE_LIMIT >> 20} MiB")
        payload = self._repository.document(layer, what)
        if digest_of(payload) != layer.digest:
            raise Refused(f"{what}: {layer.digest} has the wrong content")
        return Attachment(layer.media_type, payload, layer.annotations or {})


class DirectorySignatures:
    """Of a dir: image: the files signature-1, signature-2, ... beside its manifest."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def signatures(self, digest: Digest) -> list[Signature]:
        found: list[Signature] = []
        for number in range(1, SIGNATURES_LIMIT + 1):
            path = os.path.join(self._directory, f"signature-{number}")
            try:
                with open(path, "rb") as file:
                    data = file.read(SIGNATURE_LIMIT + 1)
            except FileNotFoundError:
                return found
            except OSError as error:
                raise Refused(f"{path} cannot be read: {error.strerror}") from None
            if len(data) > SIGNATURE_LIMIT:
                raise Refused(f"{path} is larger than {SIGNATURE_LIMIT >> 20} MiB")
            found.append(parse_blob(data))
        raise Refused(f"{self._directory} has more than {SIGNATURES_LIMIT} signatures")

"""One image's manifest in the other of the two families of media types: OCI's and Docker's schema 2.

Config and layers stay byte for byte, as both families have the same formats of them; the manifest is
another, so its digest is.
"""

from typing import Any, Literal

import msgspec

from elfuse.errors import InvalidImage
from elfuse.oci import media
from elfuse.oci.image import load_json

# podman's and skopeo's words.
ManifestFormat = Literal["oci", "v2s2"]

_TO_DOCKER = {
    media.OCI_CONFIG: media.DOCKER_CONFIG,
    media.OCI_LAYER: "application/vnd.docker.image.rootfs.diff.tar",
    f"{media.OCI_LAYER}+gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    media.OCI_MANIFEST: media.DOCKER_MANIFEST,
    media.OCI_INDEX: media.DOCKER_INDEX,
}
_TO_OCI = {docker: oci for oci, docker in _TO_DOCKER.items()} | {
    "application/vnd.docker.image.rootfs.diff.tar.zstd": f"{media.OCI_LAYER}+zstd"
}


def format_of(media_type: str) -> ManifestFormat:
    """The family of a manifest's or index's type."""
    return "v2s2" if media_type in (media.DOCKER_MANIFEST, media.DOCKER_INDEX) else "oci"


def convert_manifest(data: bytes, media_type: str, wanted: ManifestFormat, what: str) -> tuple[bytes, str]:
    """The manifest in the family `wanted`, and its type; the very bytes when it is of it already.

    Raises InvalidImage for a layer that the family has no type for (zstd in Docker's).
    """
    if format_of(media_type) == wanted:
        return data, media_type
    table = _TO_DOCKER if wanted == "v2s2" else _TO_OCI
    document = load_json(data, what)
    converted: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": table[media_type],
        "config": _descriptor(document["config"], table, wanted, what),
        "layers": [_descriptor(layer, table, wanted, what) for layer in document["layers"]],
    }
    return msgspec.json.encode(converted), table[media_type]


def _descriptor(entry: Any, table: dict[str, str], wanted: str, what: str) -> dict[str, Any]:
    try:
        media_type = table[entry["mediaType"]]
    except KeyError:
        raise InvalidImage(
            f"{what} has a blob of type {entry['mediaType']!r}, which {wanted} manifests cannot have",
            hint="copy it as it is, without --format",
        ) from None
    return {"mediaType": media_type, "digest": entry["digest"], "size": entry["size"]}

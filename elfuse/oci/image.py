"""Indexes, manifests and configs as immutable structs, read strictly.

Everything here came from a stranger. A document is refused when it is larger than its cap, repeats a
key (parsers disagree on which one wins), nests without end, is of a kind its media type does not say
(CVE-2021-41190), or names a digest outside the grammar.
"""

import json
import re
from typing import Annotated, Any, TypeVar

import msgspec

from elfuse.errors import ContentMismatch, InvalidImage, PlatformNotFound
from elfuse.oci import media
from elfuse.oci.digest import DIGEST_PATTERN, Digest, digest_of

# containers/image and containerd cap manifests and configs at 4 MiB.
DOCUMENT_LIMIT = 4 << 20
LAYER_LIMIT = 512

DigestField = Annotated[str, msgspec.Meta(pattern=DIGEST_PATTERN)]
SizeField = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Text = Annotated[str, msgspec.Meta(max_length=65536)]

T = TypeVar("T")


class Platform(msgspec.Struct, frozen=True, omit_defaults=True):
    os: Text
    architecture: Text
    variant: Text = ""

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}" + (f"/{self.variant}" if self.variant else "")


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    media_type: Text
    digest_text: DigestField = msgspec.field(name="digest")
    size: SizeField = msgspec.field()
    platform: Platform | None = None
    annotations: dict[str, str] | None = None
    artifact_type: Text = ""

    @property
    def digest(self) -> Digest:
        return Digest(self.digest_text)


class Index(msgspec.Struct, frozen=True, rename="camel"):
    schema_version: int
    manifests: list[Descriptor]
    media_type: Text = ""


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    schema_version: int
    config: Descriptor
    layers: list[Descriptor]
    media_type: Text = ""


class RunConfig(msgspec.Struct, frozen=True, rename="pascal"):
    """The `config` member: how the image wants to be run. null and absent mean the same."""

    user: Text | None = None
    env: list[Text] | None = None
    entrypoint: list[Text] | None = None
    cmd: list[Text] | None = None
    working_dir: Text | None = None
    labels: dict[str, str] | None = None
    volumes: dict[str, Any] | None = None
    exposed_ports: dict[str, Any] | None = None
    stop_signal: Text | None = None


class RootFs(msgspec.Struct, frozen=True):
    type: str
    diff_ids: list[DigestField]


class ImageConfig(msgspec.Struct, frozen=True):
    architecture: Text
    os: Text
    rootfs: RootFs
    variant: Text = ""
    config: RunConfig | None = None
    created: Text | None = None

    @property
    def platform(self) -> Platform:
        return Platform(self.os, self.architecture, self.variant)

    @property
    def run(self) -> RunConfig:
        return self.config or RunConfig()

    @property
    def diff_ids(self) -> list[Digest]:
        return [Digest(text) for text in self.rootfs.diff_ids]


def verified(data: bytes, descriptor: Descriptor, what: str) -> bytes:
    """The bytes, if they are what the descriptor says; `what` names them. Raises ContentMismatch."""
    if len(data) != descriptor.size or digest_of(data) != descriptor.digest:
        raise ContentMismatch(f"{what} {descriptor.digest} has the wrong content or size")
    return data


def load_json(data: bytes, what: str, *, limit: int = DOCUMENT_LIMIT) -> Any:
    """Parse a document of a stranger: capped, no repeated keys, no NaN."""
    if len(data) > limit:
        raise InvalidImage(f"{what} is larger than {limit >> 20} MiB")
    try:
        return json.loads(data, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        cause = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidImage(f"{what} is not valid JSON: {cause}") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {key[:80]!r} appears twice in one object")
            seen.add(key)
    return result


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")


def _convert(document: Any, kind: type[T], what: str) -> T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise InvalidImage(f"{what}: {error}") from None


def _kind_of(document: Any, outer_type: str, what: str) -> str:
    """The document's media type, agreed on by what delivered it and by what it says itself."""
    if not isinstance(document, dict):
        raise InvalidImage(f"{what} is not a JSON object")
    inner = document.get("mediaType") or ""
    known = media.INDEXES | media.MANIFESTS | media.DOCKER_SCHEMA1
    # A web server's generic type (application/json, text/plain) says nothing either way.
    outer = outer_type if outer_type in known or not inner else inner
    if inner and outer != inner:
        raise InvalidImage(f"{what} was delivered as {outer} but calls itself {inner!r}")
    if document.get("schemaVersion") == 1:
        raise _schema1(what)
    check_kind(str(outer), what)
    if document.get("schemaVersion") != 2:
        raise InvalidImage(f"{what} has schemaVersion {document.get('schemaVersion')!r}, not 2")
    return str(outer)


def check_kind(media_type: str, what: str) -> None:
    """Refuse a media type that is neither an image manifest's nor an index's."""
    if media_type in media.DOCKER_SCHEMA1:
        raise _schema1(what)
    if media_type not in media.INDEXES | media.MANIFESTS:
        raise InvalidImage(f"{what} has media type {media_type!r}, which is no image manifest or index")


def _schema1(what: str) -> InvalidImage:
    return InvalidImage(
        f"{what} is a Docker schema 1 manifest, which no current registry serves",
        hint="push the image again with a current tool",
    )


def parse_document(data: bytes, media_type: str, what: str) -> Index | Manifest:
    """An index or a manifest. `media_type` is what the Content-Type or the descriptor says."""
    document = load_json(data, what)
    kind = _kind_of(document, media_type, what)
    foreign = ("config", "layers", "fsLayers") if kind in media.INDEXES else ("manifests", "fsLayers")
    for member in foreign:
        if member in document:
            raise InvalidImage(f"{what} is of type {kind} but has a member {member!r}: ambiguous")
    document["mediaType"] = kind
    if kind in media.INDEXES:
        return _convert(document, Index, what)
    manifest = _convert(document, Manifest, what)
    _check_manifest(manifest, what)
    return manifest


def media_type_of(data: bytes, what: str) -> str:
    """What a document without a delivered type says it is, or what its members make it."""
    document = load_json(data, what)
    if not isinstance(document, dict):
        raise InvalidImage(f"{what} is not a JSON object")
    inner = document.get("mediaType")
    if isinstance(inner, str) and inner:
        return inner
    return media.OCI_INDEX if "manifests" in document else media.OCI_MANIFEST


def _check_manifest(manifest: Manifest, what: str) -> None:
    if manifest.config.media_type not in media.CONFIGS:
        raise InvalidImage(
            f"{what} is an artifact with config type {manifest.config.media_type!r}, not an image"
        )
    if manifest.config.size > DOCUMENT_LIMIT:
        raise InvalidImage(f"{what} names a config larger than {DOCUMENT_LIMIT >> 20} MiB")
    if not manifest.layers:
        raise InvalidImage(f"{what} has no layers")
    if len(manifest.layers) > LAYER_LIMIT:
        raise InvalidImage(f"{what} has more than {LAYER_LIMIT} layers")
    for layer in manifest.layers:
        if layer.media_type in media.FOREIGN_LAYERS:
            raise InvalidImage(
                f"{what} has a foreign layer ({layer.digest}), which is to be fetched from an address in the "
                "manifest: elfuse fetches from the registry only",
                hint="use an image whose layers are all on the registry",
            )
        if layer.media_type not in media.LAYERS:
            raise InvalidImage(f"{what} has a layer of unsupported type {layer.media_type!r}")


def parse_config(data: bytes, manifest: Manifest, what: str) -> ImageConfig:
    """The config of `manifest`, with one diffID for each layer."""
    config = _convert(load_json(data, what), ImageConfig, what)
    if config.rootfs.type != "layers":
        raise InvalidImage(f"{what} has rootfs type {config.rootfs.type[:80]!r}, not 'layers'")
    if len(config.rootfs.diff_ids) != len(manifest.layers):
        raise InvalidImage(
            f"{what} has {len(config.rootfs.diff_ids)} diff_ids for {len(manifest.layers)} layers"
        )
    return config


def parse_platform(text: str) -> Platform:
    """`os/arch[/variant]`, or `arch` alone for linux."""
    parts = text.split("/")
    if len(parts) == 1:
        parts = ["linux", *parts]
    if len(parts) > 3 or not all(re.fullmatch(r"[a-z0-9_.-]+", part) for part in parts):
        raise InvalidImage(f"{text!r} is no platform", hint="write it as linux/arm64 or linux/arm64/v8")
    architecture = {"aarch64": "arm64", "x86_64": "amd64"}.get(parts[1], parts[1])
    return Platform(parts[0], architecture, parts[2] if len(parts) == 3 else "")


GUEST_PLATFORM = Platform("linux", "arm64")


def rank(wanted: Platform, offered: Platform) -> int | None:
    """How well `offered` serves `wanted`: lower is better, None is not at all."""
    if (offered.os, offered.architecture) != (wanted.os, wanted.architecture):
        return None
    if wanted.architecture == "arm64":
        # image-spec: arm64 without a variant is v8. A later variant may need more than v8 has.
        base = "v8"
        if wanted.variant in ("", base):
            return {base: 0, "": 1}.get(offered.variant, None if wanted.variant else 2)
    if not wanted.variant:
        return 0 if not offered.variant else 1
    if offered.variant == wanted.variant:
        return 0
    if wanted.architecture == "arm":
        # A later 32-bit core runs what was made for an earlier one: the nearest below.
        ours, theirs = _ARM.get(wanted.variant, 0), _ARM.get(offered.variant, 0)
        return ours - theirs if 0 < theirs < ours else None
    return None


_ARM = {"v5": 5, "v6": 6, "v7": 7, "v8": 8}


def serves(wanted: Platform, offered: Platform) -> bool:
    return rank(wanted, offered) is not None


def not_offered(what: str, wanted: Platform, offered: list[str]) -> PlatformNotFound:
    shown = ", ".join(offered[:12]) + (", ..." if len(offered) > 12 else "")
    return PlatformNotFound(f"{what} has no image for {wanted}; it offers {shown or 'no platform'}")

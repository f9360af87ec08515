"""Bringing images into the store."""

from typing import Literal

import msgspec

from elfuse.errors import PlatformNotFound
from elfuse.oci.access import AccessOptions
from elfuse.oci.image import GUEST_PLATFORM, Platform, parse_platform, serves
from elfuse.oci.layout import Store
from elfuse.oci.progress import Progress
from elfuse.oci.reference import Reference, parse
from elfuse.oci.stored import StoredImage, absent, load_image

PullPolicy = Literal["always", "missing", "never"]


class PulledImage(msgspec.Struct, frozen=True):
    """What a pull put, or found, in the store."""

    reference: str  # the canonical name it is pinned under
    digest: str  # of the platform's manifest
    config_digest: str  # the image ID of docker and podman
    platform: str
    size: int  # compressed bytes of all layers

    @property
    def pinned(self) -> str:
        """name@digest: the very same image at any later time. A layout has no such names."""
        if self.reference.startswith("oci:"):
            return self.reference
        name = self.reference.partition("@")[0]
        if ":" in name.rpartition("/")[2]:
            name = name.rpartition(":")[0]
        return f"{name}@{self.digest}"


def pull(
    image: str,
    *,
    platform: str | None = None,
    tls_verify: bool = True,
    store: str | None = None,
    progress: Progress | None = None,
) -> PulledImage:
    """Bring an image into the store, or find that it is there and current."""
    from elfuse.oci.pull import pull_image

    pulled = pull_image(
        Store.open(store),
        parse(image),
        platform=_platform(platform),
        access=_access(tls_verify),
        progress=progress,
    )
    return PulledImage(
        reference=pulled.name,
        digest=pulled.descriptor.digest,
        config_digest=pulled.manifest.config.digest,
        platform=str(pulled.config.platform),
        size=sum(layer.size for layer in pulled.manifest.layers),
    )


def resolve_image(
    store: Store,
    image: str,
    *,
    policy: PullPolicy = "missing",
    tls_verify: bool = True,
    progress: Progress | None = None,
) -> StoredImage:
    """An image that can run here, pulled first where the policy says so.

    `missing` looks again at a layout on disk, which costs no network and may have changed.
    """
    source = parse(image)
    found: StoredImage | None = None
    if policy == "never" or (policy == "missing" and isinstance(source, Reference)):
        found = load_image(store, source)
    if found is not None and not serves(GUEST_PLATFORM, found.config.platform):
        if policy == "never":
            raise PlatformNotFound(
                f"{found.name} was pulled for {found.config.platform}; elfuse runs {GUEST_PLATFORM}",
                hint=f"pull it for {GUEST_PLATFORM}",
            )
        found = None
    if found is not None:
        return found
    if policy == "never":
        raise absent(source)
    from elfuse.oci.pull import pull_image

    return pull_image(store, source, access=_access(tls_verify), progress=progress)


def _access(tls_verify: bool) -> AccessOptions:
    return AccessOptions(tls_verify=None if tls_verify else False)


def _platform(text: str | None) -> Platform:
    return parse_platform(text) if text is not None else GUEST_PLATFORM

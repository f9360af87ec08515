"""Bringing images into the store."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from elfuse.errors import ElfuseError, PlatformNotFound
from elfuse.oci.access import AccessOptions
from elfuse.oci.image import GUEST_PLATFORM, Platform, parse_platform, serves
from elfuse.oci.layout import Store
from elfuse.oci.progress import Progress
from elfuse.oci.reference import ImageSource, Reference, parse
from elfuse.oci.stored import StoredImage, absent, load_image
from elfuse.oci.work import DEFAULT_JOBS

if TYPE_CHECKING:
    from elfuse.oci.pull import Pulled

PullPolicy = Literal["always", "missing", "never"]


class PulledImage(msgspec.Struct, frozen=True):
    """What a pull put, or found, in the store, and what it took."""

    reference: str  # the canonical name it is pinned under
    digest: str  # of the platform's manifest
    config_digest: str  # the image ID of docker and podman
    platform: str
    size: int  # compressed bytes of all layers
    index: str | None = None  # the digest of the index that it was chosen from
    blobs_fetched: int = 0  # documents among them
    bytes_fetched: int = 0
    bytes_reused: int = 0  # were here before, from this image or another
    seconds: float = 0.0

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
    all_platforms: bool = False,
    refresh: bool = False,
    jobs: int = DEFAULT_JOBS,
    tls_verify: bool | None = None,
    creds: str | None = None,
    authfile: str | None = None,
    cert_dir: str | None = None,
    store: str | None = None,
    progress: Progress | None = None,
) -> PulledImage:
    """Bring an image into the store, or find that it is there and current.

    `all_platforms` brings an index with the images of all its platforms. `creds` is USER[:PASSWORD], and
    beats what is in `authfile` (default: as podman and docker look for it). `tls_verify=False` is for a
    registry on this machine; None leaves it to the configuration. Raises ElfuseError.
    """
    outcome = pull_all(
        [image],
        platform=platform,
        all_platforms=all_platforms,
        refresh=refresh,
        jobs=jobs,
        access=AccessOptions(tls_verify, creds, authfile, cert_dir),
        store=store,
        progress=progress,
    )[0]
    if isinstance(outcome, ElfuseError):
        raise outcome
    return outcome


def pull_all(
    images: Sequence[str],
    *,
    platform: str | None = None,
    all_platforms: bool = False,
    refresh: bool = False,
    jobs: int = DEFAULT_JOBS,
    access: AccessOptions | None = None,
    store: str | None = None,
    progress: Progress | None = None,
) -> list[PulledImage | ElfuseError]:
    """Bring several images over the same connections; each ends in its result or its error."""
    from elfuse.oci.pull import PullOptions, pull_images

    options = PullOptions(_platform(platform), all_platforms, refresh, jobs)
    parsed = [_parsed(image) for image in images]
    sources = [source for source in parsed if not isinstance(source, ElfuseError)]
    pulled = iter(pull_images(Store.open(store), sources, options=options, access=access, progress=progress))
    outcomes = [source if isinstance(source, ElfuseError) else next(pulled) for source in parsed]
    return [outcome if isinstance(outcome, ElfuseError) else _pulled(outcome) for outcome in outcomes]


def _parsed(image: str) -> ImageSource | ElfuseError:
    try:
        return parse(image)
    except ElfuseError as error:
        return error


def _pulled(pulled: "Pulled") -> PulledImage:
    image, tally = pulled.image, pulled.tally
    return PulledImage(
        reference=image.name,
        digest=image.descriptor.digest,
        config_digest=image.manifest.config.digest,
        platform=str(image.config.platform),
        size=sum(layer.size for layer in image.manifest.layers),
        index=image.index,
        blobs_fetched=tally.blobs_fetched,
        bytes_fetched=tally.bytes_fetched,
        bytes_reused=tally.bytes_reused,
        seconds=tally.seconds,
    )


def resolve_image(
    store: Store,
    image: str,
    *,
    policy: PullPolicy = "missing",
    access: AccessOptions | None = None,
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

    return pull_image(store, source, access=access, progress=progress).image


def _platform(text: str | None) -> Platform:
    return parse_platform(text) if text is not None else GUEST_PLATFORM

"""Bringing images into the store."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from elfuse.errors import ElfuseError, ImageNotFound, PlatformNotFound, RegistryError
from elfuse.oci.image import GUEST_PLATFORM, Platform, parse_platform, serves
from elfuse.oci.layout import Store
from elfuse.oci.naming import readings, source_of
from elfuse.oci.progress import Progress
from elfuse.oci.reference import ImageSource, Reference, parse
from elfuse.oci.stored import StoredImage, absent, load_image

if TYPE_CHECKING:
    from elfuse.oci.access import AccessOptions
    from elfuse.oci.pull import Pulled, PullOptions
    from elfuse.oci.short_names import Ask, Resolved
    from elfuse.oci.source import Unchanged

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
        """name@digest: the very same image at any later time. The local transports have no such names."""
        if not isinstance(parse(self.reference), Reference):
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
    unpack: bool = False,
    jobs: int | None = None,
    tls_verify: bool | None = None,
    creds: str | None = None,
    authfile: str | None = None,
    cert_dir: str | None = None,
    store: str | None = None,
    progress: Progress | None = None,
) -> PulledImage:
    """Bring an image into the store, or find that it is there and current.

    `all_platforms` brings an index with the images of all its platforms. `unpack` unpacks the image as well,
    its layers while they arrive. `creds` is USER[:PASSWORD], and
    beats what is in `authfile` (default: as podman and docker look for it). `tls_verify=False` is for a
    registry on this machine; None leaves it to the configuration. Raises ElfuseError.
    """
    from elfuse.oci.access import AccessOptions

    outcome = pull_all(
        [image],
        platform=platform,
        all_platforms=all_platforms,
        refresh=refresh,
        unpack=unpack,
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
    unpack: bool = False,
    jobs: int | None = None,
    access: "AccessOptions | None" = None,
    store: str | None = None,
    progress: Progress | None = None,
    ask: "Ask | None" = None,
    unchanged: "Unchanged | None" = None,
) -> list[PulledImage | ElfuseError]:
    """Bring several images over the same connections; each ends in its result or its error.

    `jobs` is how many blobs are brought at once (default: config.toml's, else 6). `ask` chooses between the
    registries that a short name may be on; without it they are tried in turn. `unchanged` is told what was
    asked of a registry that answered: nothing has changed.
    """
    from elfuse.oci.pull import PullOptions

    options = PullOptions(_platform(platform), all_platforms, refresh, jobs or _default_jobs(), unpack)
    outcomes = _bring(Store.open(store), images, options, access, progress, ask, unchanged)
    return [outcome if isinstance(outcome, ElfuseError) else _pulled(outcome) for outcome in outcomes]


def _bring(
    store: Store,
    images: Sequence[str],
    options: "PullOptions",
    access: "AccessOptions | None",
    progress: Progress | None,
    ask: "Ask | None",
    unchanged: "Unchanged | None" = None,
) -> "list[Pulled | ElfuseError]":
    from elfuse.oci.pull import pull_images

    def bring(sources: Sequence[ImageSource]) -> "list[Pulled | ElfuseError]":
        return pull_images(
            store, sources, options=options, access=access, progress=progress, unchanged=unchanged
        )

    names = [_resolved(image, ask) for image in images]
    first = iter(bring([name.source for name in names if not isinstance(name, ElfuseError)]))
    return [name if isinstance(name, ElfuseError) else _settled(name, next(first), bring) for name in names]


def _settled(
    name: "Resolved",
    outcome: "Pulled | ElfuseError",
    bring: "Callable[[Sequence[ImageSource]], list[Pulled | ElfuseError]]",
) -> "Pulled | ElfuseError":
    """Where the first reading of a short name was not to be had, the others are tried."""
    for candidate in name.candidates[1:]:
        if not isinstance(outcome, RegistryError | ImageNotFound):
            break
        outcome = _either(outcome, bring([candidate])[0])
    if not isinstance(outcome, ElfuseError):
        name.remember()
    return outcome


def _default_jobs() -> int:
    from elfuse import config
    from elfuse.oci.work import DEFAULT_JOBS

    return config.load().jobs or DEFAULT_JOBS


def _resolved(image: str, ask: "Ask | None") -> "Resolved | ElfuseError":
    from elfuse.oci.short_names import resolve

    try:
        return resolve(image, ask=ask)
    except ElfuseError as error:
        return error


def _either(failed: ElfuseError, outcome: "Pulled | ElfuseError") -> "Pulled | ElfuseError":
    """What came of another registry; when nothing did, what each of them said."""
    if not isinstance(outcome, RegistryError | ImageNotFound):
        return outcome
    return ImageNotFound(f"{failed.message}; {outcome.message}", hint=outcome.hint)


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
    access: "AccessOptions | None" = None,
    progress: Progress | None = None,
    ask: "Ask | None" = None,
) -> StoredImage:
    """An image that can run here, pulled first where the policy says so.

    `missing` looks again at a layout on disk, which costs no network and may have changed. `ask` is as for
    pull_all().
    """
    found: StoredImage | None = None
    if policy == "never" or (policy == "missing" and isinstance(readings(image)[0], Reference)):
        found = load_image(store, source_of(store, image))
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
        raise absent(source_of(store, image))
    from elfuse.oci.pull import PullOptions

    outcome = _bring(store, [image], PullOptions(jobs=_default_jobs(), unpack=True), access, progress, ask)[0]
    if isinstance(outcome, ElfuseError):
        raise outcome
    return outcome.image


def _platform(text: str | None) -> Platform:
    return parse_platform(text) if text is not None else GUEST_PLATFORM

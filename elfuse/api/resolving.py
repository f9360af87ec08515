"""The image of a run: from the store, or pulled as the user's policy says."""

from typing import TYPE_CHECKING, Literal

from elfuse.api.pulling import resolve_image
from elfuse.errors import PlatformNotFound, RegistryError
from elfuse.oci.image import GUEST_PLATFORM, parse_platform, serves
from elfuse.oci.layout import Store
from elfuse.oci.naming import source_of
from elfuse.oci.progress import Progress
from elfuse.oci.stored import StoredImage, load_image

if TYPE_CHECKING:
    from elfuse.oci.access import AccessOptions
    from elfuse.oci.short_names import Ask

RunPullPolicy = Literal["always", "missing", "never", "newer"]


def check_platform(platform: str | None) -> None:
    """Raise PlatformNotFound unless elfuse can run images for `platform`."""
    if platform is not None and not serves(GUEST_PLATFORM, parse_platform(platform)):
        raise PlatformNotFound(f"elfuse runs {GUEST_PLATFORM}, not {platform}")


def image_to_run(
    store: Store,
    image: str,
    *,
    policy: RunPullPolicy = "missing",
    platform: str | None = None,
    access: "AccessOptions | None" = None,
    progress: Progress | None = None,
    ask: "Ask | None" = None,
) -> StoredImage:
    """The image, its documents read. `newer` asks the registry and makes do with what is in the store
    when that fails, as podman does."""
    check_platform(platform)
    if policy != "newer":
        return resolve_image(store, image, policy=policy, access=access, progress=progress, ask=ask)
    try:
        return resolve_image(store, image, policy="always", access=access, progress=progress, ask=ask)
    except RegistryError:
        found = load_image(store, source_of(store, image))
        if found is None or not serves(GUEST_PLATFORM, found.config.platform):
            raise
        return found

"""Judging an image without pulling it: its manifest and its signatures are fetched, and nothing is kept."""

from elfuse.errors import ContentMismatch
from elfuse.oci.access import AccessOptions
from elfuse.oci.choice import choose_image
from elfuse.oci.digest import digest_of
from elfuse.oci.image import Descriptor, Platform
from elfuse.oci.policy.gate import Policy
from elfuse.oci.policy.verdict import Verdict
from elfuse.oci.reference import ImageSource
from elfuse.oci.source import Session, Source, fetch_top


def judge(
    policy: Policy,
    image: ImageSource,
    *,
    platform: Platform,
    access: AccessOptions,
    registries_d: str | None = None,
) -> Verdict:
    """What a pull of `image` for `platform` would be told. Raises ElfuseError when there is no such image."""
    with Session(access) as session:
        source = session.open(image)
        return policy.check(image, _manifest(source, image, platform), source.signatures(registries_d))


def _manifest(source: Source, image: ImageSource, platform: Platform) -> bytes:
    what = str(image)

    def read(descriptor: Descriptor) -> bytes:
        data = source.manifest(descriptor)
        if len(data) != descriptor.size or digest_of(data) != descriptor.digest:
            raise ContentMismatch(f"{what}: manifest {descriptor.digest} has the wrong content or size")
        return data

    top, media_type = fetch_top(source, what)
    return choose_image(top, media_type, platform, what, read).documents[-1]

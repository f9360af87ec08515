"""Judging an image without pulling it: its manifest and its signatures are fetched, and nothing is kept."""

from elfuse.oci.access import AccessOptions
from elfuse.oci.choice import choose_image
from elfuse.oci.image import Platform
from elfuse.oci.policy.gate import Policy
from elfuse.oci.policy.verdict import Verdict
from elfuse.oci.reference import ImageSource
from elfuse.oci.source import Session, fetch_top


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
        what = str(image)
        top, media_type = fetch_top(source, what)
        manifest = choose_image(top, media_type, platform, what, source.manifest).documents[-1]
        return policy.check(image, manifest, source.signatures(registries_d))

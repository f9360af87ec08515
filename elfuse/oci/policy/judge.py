"""Judging an image without pulling it: its manifest and its signatures are fetched, and nothing is kept."""

from elfuse.errors import ContentMismatch, InvalidImage
from elfuse.oci.access import AccessOptions
from elfuse.oci.digest import digest_of
from elfuse.oci.image import Index, Manifest, Platform, choose, parse_document
from elfuse.oci.policy.gate import Policy
from elfuse.oci.policy.verdict import Verdict
from elfuse.oci.reference import ImageSource
from elfuse.oci.source import Session, Source, open_source


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
        source = open_source(image, session)
        return policy.check(image, _manifest(source, image, platform), source.signatures(registries_d))


def _manifest(source: Source, image: ImageSource, platform: Platform) -> bytes:
    what = str(image)
    top, media_type = source.top()
    document = parse_document(top, media_type, what)
    if not isinstance(document, Index):
        return top
    leaf = choose(document, platform, what)
    data = source.manifest(leaf)
    if len(data) != leaf.size or digest_of(data) != leaf.digest:
        raise ContentMismatch(f"{what}: manifest {leaf.digest} has the wrong content or size")
    if not isinstance(parse_document(data, leaf.media_type, what), Manifest):
        raise InvalidImage(f"{what}: index entry {leaf.digest} is itself an index")
    return data

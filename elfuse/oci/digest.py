"""Content digests: `algorithm:hex`, checked against the grammar before use as a path or a URL."""

import re
from typing import NewType, Protocol

from elfuse.errors import InvalidImage

Digest = NewType("Digest", str)

# image-spec descriptor.md registers more algorithms. sha256 is what registries serve and what the
# store addresses by; another one is refused by name, never guessed at.
DIGEST_PATTERN = r"^sha256:[0-9a-f]{64}\Z"
_DIGEST = re.compile(DIGEST_PATTERN)


class Hasher(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


def parse_digest(text: str) -> Digest:
    if not _DIGEST.match(text):
        raise InvalidImage(f"digest {text[:80]!r} is not of the form sha256:<64 hex digits>")
    return Digest(text)


def hex_of(digest: Digest) -> str:
    return digest.partition(":")[2]


def short(digest: str) -> str:
    """The first twelve hex digits, as podman and docker print an ID."""
    return digest.partition(":")[2][:12]


def new_hasher() -> Hasher:
    import hashlib  # OpenSSL, which the commands that hash nothing do without

    return hashlib.sha256()


def digest_of(data: bytes) -> Digest:
    import hashlib

    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def chain_id(diff_ids: list[Digest]) -> Digest:
    """ChainID of a stack of layers, as image-spec config.md defines it."""
    if not diff_ids:
        raise InvalidImage("an image without layers has no ChainID")
    chain = diff_ids[0]
    for diff_id in diff_ids[1:]:
        chain = digest_of(f"{chain} {diff_id}".encode("ascii"))
    return chain

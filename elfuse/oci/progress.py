"""What a pull tells whoever watches it. Called from several threads."""

from typing import Protocol

from elfuse.oci.digest import Digest


class Progress(Protocol):
    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        """A blob of `size` bytes, `present` of them already here, is about to be fetched."""

    def advance(self, digest: Digest, count: int) -> None:
        """`count` more bytes arrived; negative when a transfer has to start again."""

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        """The blob is in the store. `fetched` is false when it had been there already."""


class Silent:
    def begin(self, kind: str, digest: Digest, size: int, present: int) -> None:
        pass

    def advance(self, digest: Digest, count: int) -> None:
        pass

    def finish(self, kind: str, digest: Digest, size: int, fetched: bool) -> None:
        pass

"""What a store has of images as objects."""

import os
from typing import TYPE_CHECKING, Self, Unpack

if TYPE_CHECKING:
    from elfuse.api.arguments import PullArguments
    from elfuse.api.image import Image


class ImageStore:
    """A part of elfuse.Store, which says what its path is. Imports nothing before it is used: commands
    that list a store load it."""

    @property
    def path(self) -> str:
        raise NotImplementedError

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """The store at `path`, as its class says."""
        return cls(path)  # type: ignore[call-arg]

    def image(self, name: str) -> "Image":
        """The image of this name. Raises ImageNotFound; asks no registry."""
        from elfuse.api import inspecting
        from elfuse.api.image import Image

        return Image(inspecting.inspect(name, store=self.path).reference, self.path)

    def pull(self, image: str, **options: "Unpack[PullArguments]") -> "Image":
        """elfuse.pull into this store."""
        from elfuse.api import pulling
        from elfuse.api.image import Image

        options["store"] = self.path
        return Image(pulling.pull(image, **options).reference, self.path)

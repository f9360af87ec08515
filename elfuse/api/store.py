"""The store and its images as objects. What they do is in the functions beside them."""

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, Unpack, overload

from elfuse.api import inspecting, process, pulling, running, unpacking
from elfuse.api.arguments import PullArguments, WaitedArguments
from elfuse.errors import InvalidReference
from elfuse.oci import layout
from elfuse.oci.image import load_json
from elfuse.oci.reference import parse


class Store:
    """A store on disk: images, their unpacked trees, and the writable roots of runs.

    It holds nothing open, and any number of objects and processes may use one directory at once.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """The store at `path` (default: $ELFUSE_STORE, else the user's data directory), made if need be.
        Raises StoreError when that cannot be one."""
        self._store = layout.Store.open(os.fspath(path) if path is not None else None)

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None) -> "Store":
        return cls(path)

    @property
    def path(self) -> str:
        return self._store.path

    def images(self) -> list["Image"]:
        """All images, by name. A damaged one is among them, and raises when it is asked."""
        return [
            Image(pin.name, self)
            for pin in sorted(self._store.pins(), key=lambda pin: pin.name)
            if _has_name(pin)
        ]

    def image(self, name: str) -> "Image":
        """The image of this name. Raises ImageNotFound; asks no registry."""
        return Image(inspecting.inspect(name, store=self.path).reference, self)

    def pull(self, image: str, **options: Unpack[PullArguments]) -> "Image":
        """elfuse.pull into this store."""
        options["store"] = self.path
        return Image(pulling.pull(image, **options).reference, self)

    def __repr__(self) -> str:
        return f"Store({self.path!r})"


class Image:
    """An image of a store, by name. What it says of itself is read when it is first asked for."""

    def __init__(self, reference: str, store: Store) -> None:
        self.reference = reference
        self.store = store

    @cached_property
    def details(self) -> inspecting.ImageDetails:
        return inspecting.inspect(self.reference, store=self.store.path)

    @property
    def digest(self) -> str:
        """Of the platform's manifest."""
        return self.details.digest

    @property
    def platform(self) -> str:
        return self.details.platform

    @property
    def layers(self) -> list[inspecting.LayerDetails]:
        return self.details.layers

    @property
    def size(self) -> int:
        """Compressed bytes of all layers."""
        return sum(layer.size for layer in self.layers)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The whole image configuration, as image-spec's config.md has it."""
        document: dict[str, Any] = load_json(self.details.raw_config, f"config of {self.reference}")
        return document

    @cached_property
    def manifest(self) -> dict[str, Any]:
        document: dict[str, Any] = load_json(self.details.raw_manifest, f"manifest of {self.reference}")
        return document

    @overload
    def run(
        self,
        args: Sequence[str] = ...,
        *,
        text: Literal[False] | None = ...,
        encoding: None = ...,
        errors: None = ...,
        **options: Unpack[WaitedArguments],
    ) -> running.CompletedRun[bytes]: ...
    @overload
    def run(
        self,
        args: Sequence[str] = ...,
        *,
        text: bool | None = ...,
        encoding: str | None = ...,
        errors: str | None = ...,
        **options: Unpack[WaitedArguments],
    ) -> running.CompletedRun[str]: ...
    def run(self, args: Sequence[str] = (), **options: Any) -> running.CompletedRun[Any]:
        """elfuse.run of this image."""
        return running.run(self.reference, args, **{**options, "store": self.store.path})

    def popen(self, args: Sequence[str] = (), **options: Any) -> process.Popen[Any]:
        """elfuse.Popen of this image."""
        return process.Popen(self.reference, args, **{**options, "store": self.store.path})

    def unpack(self, destination: str | os.PathLike[str] | None = None) -> str:
        """elfuse.unpack of this image."""
        where = os.fspath(destination) if destination is not None else None
        return unpacking.unpack(self.reference, where, store=self.store.path)

    def __repr__(self) -> str:
        return f"Image({self.reference!r}, {self.store!r})"


def _has_name(pin: layout.Pin) -> bool:
    """Whether it can be asked for by its name. Other tools leave entries that are no image's reference."""
    try:
        return parse(pin.name).pin == pin.name
    except InvalidReference:
        return False

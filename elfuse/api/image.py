"""An image of a store as an object. What it does is in the functions beside this."""

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, Unpack, overload

from elfuse.api import inspecting, process, running, unpacking
from elfuse.api.arguments import WaitedArguments
from elfuse.oci.image import load_json


class Image:
    """An image of a store, by name. What it says of itself is read when it is first asked for."""

    def __init__(self, reference: str, store: str | None = None) -> None:
        """`store` is a directory (default: as for elfuse.Store). Nothing is read yet."""
        self.reference = reference
        self.store = store

    @cached_property
    def details(self) -> inspecting.ImageDetails:
        return inspecting.inspect(self.reference, store=self.store)

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
        return running.run(self.reference, args, **{**options, "store": self.store})

    def popen(self, args: Sequence[str] = (), **options: Any) -> process.Popen[Any]:
        """elfuse.Popen of this image."""
        return process.Popen(self.reference, args, **{**options, "store": self.store})

    def unpack(self, destination: str | os.PathLike[str] | None = None) -> str:
        """elfuse.unpack of this image."""
        where = os.fspath(destination) if destination is not None else None
        return unpacking.unpack(self.reference, where, store=self.store)

    def __repr__(self) -> str:
        return f"Image({self.reference!r}, store={self.store!r})"

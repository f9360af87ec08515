"""elfuse runs linux/arm64 OCI images as ordinary processes.

    import elfuse
    elfuse.pull("docker.io/library/python:3.13")
    done = elfuse.run("docker.io/library/python:3.13", ["python3", "-c", "print(1 + 2)"], capture_output=True)

`elfuse.aio` has the same for asyncio. Importing the package does no work: each name is loaded when it is
first used. docs/api.md describes them all.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from elfuse import aio as aio
    from elfuse.api.image import Image as Image
    from elfuse.api.inspecting import ImageDetails as ImageDetails
    from elfuse.api.inspecting import inspect as inspect
    from elfuse.api.process import Popen as Popen
    from elfuse.api.pulling import PulledImage as PulledImage
    from elfuse.api.pulling import pull as pull
    from elfuse.api.registry import Registry as Registry
    from elfuse.api.running import CompletedRun as CompletedRun
    from elfuse.api.running import run as run
    from elfuse.api.store import Store as Store
    from elfuse.api.unpacking import unpack as unpack
    from elfuse.errors import ElfuseError as ElfuseError

_HOME = {
    "CompletedRun": "elfuse.api.running",
    "Image": "elfuse.api.image",
    "ImageDetails": "elfuse.api.inspecting",
    "Popen": "elfuse.api.process",
    "PulledImage": "elfuse.api.pulling",
    "Registry": "elfuse.api.registry",
    "Store": "elfuse.api.store",
    "inspect": "elfuse.api.inspecting",
    "pull": "elfuse.api.pulling",
    "run": "elfuse.api.running",
    "unpack": "elfuse.api.unpacking",
    "ElfuseError": "elfuse.errors",
}

__all__ = [
    "CompletedRun",
    "ElfuseError",
    "Image",
    "ImageDetails",
    "Popen",
    "PulledImage",
    "Registry",
    "Store",
    "__version__",
    "aio",
    "inspect",
    "pull",
    "run",
    "unpack",
]


def __getattr__(name: str) -> object:
    if name == "aio":
        return import_module("elfuse.aio")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'elfuse' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

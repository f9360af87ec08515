"""elfuse runs linux/arm64 OCI images as ordinary processes.

    import elfuse
    elfuse.pull("docker.io/library/python:3.13")
    done = elfuse.run("docker.io/library/python:3.13", ["python3", "-c", "print(1 + 2)"], capture_output=True)

Importing the package does no work: each name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from elfuse.api.inspecting import ImageDetails as ImageDetails
    from elfuse.api.inspecting import inspect as inspect
    from elfuse.api.pulling import PulledImage as PulledImage
    from elfuse.api.pulling import pull as pull
    from elfuse.api.running import CompletedRun as CompletedRun
    from elfuse.api.running import run as run
    from elfuse.api.store import Store as Store
    from elfuse.api.unpacking import unpack as unpack
    from elfuse.errors import ElfuseError as ElfuseError

_HOME = {
    "CompletedRun": "elfuse.api.running",
    "ImageDetails": "elfuse.api.inspecting",
    "PulledImage": "elfuse.api.pulling",
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
    "ImageDetails",
    "PulledImage",
    "Store",
    "__version__",
    "inspect",
    "pull",
    "run",
    "unpack",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'elfuse' has no attribute {name!r}")
    return getattr(import_module(home), name)

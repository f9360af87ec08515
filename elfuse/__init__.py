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
    from elfuse.api.archiving import LoadedImage as LoadedImage
    from elfuse.api.archiving import PushedImage as PushedImage
    from elfuse.api.archiving import load as load
    from elfuse.api.archiving import push as push
    from elfuse.api.archiving import save as save
    from elfuse.api.image import Image as Image
    from elfuse.api.inspecting import ImageDetails as ImageDetails
    from elfuse.api.inspecting import inspect as inspect
    from elfuse.api.logins import Login as Login
    from elfuse.api.logins import get_login as get_login
    from elfuse.api.logins import login as login
    from elfuse.api.logins import logout as logout
    from elfuse.api.policy import Policy as Policy
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
    "Login": "elfuse.api.logins",
    "Policy": "elfuse.api.policy",
    "PulledImage": "elfuse.api.pulling",
    "get_login": "elfuse.api.logins",
    "Popen": "elfuse.api.process",
    "Registry": "elfuse.api.registry",
    "Store": "elfuse.api.store",
    "inspect": "elfuse.api.inspecting",
    "login": "elfuse.api.logins",
    "logout": "elfuse.api.logins",
    "LoadedImage": "elfuse.api.archiving",
    "PushedImage": "elfuse.api.archiving",
    "load": "elfuse.api.archiving",
    "pull": "elfuse.api.pulling",
    "push": "elfuse.api.archiving",
    "run": "elfuse.api.running",
    "save": "elfuse.api.archiving",
    "unpack": "elfuse.api.unpacking",
    "ElfuseError": "elfuse.errors",
}

__all__ = [
    "CompletedRun",
    "ElfuseError",
    "Image",
    "ImageDetails",
    "LoadedImage",
    "Login",
    "Policy",
    "Popen",
    "PulledImage",
    "PushedImage",
    "Registry",
    "Store",
    "__version__",
    "aio",
    "get_login",
    "inspect",
    "load",
    "login",
    "logout",
    "pull",
    "push",
    "run",
    "save",
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

"""The launch spec, docs/launch-spec.md as structs: what elfuse-vm is told."""

import json
from typing import Any

import msgspec

from elfuse.errors import RunError
from elfuse.runtime.limits import Rlimit

VERSION = 1


class User(msgspec.Struct, frozen=True):
    uid: int
    gid: int
    groups: list[int]


class LaunchSpec(msgspec.Struct, frozen=True):
    root: dict[str, object]
    mounts: list[dict[str, object]]
    argv: list[str]
    env: list[str]
    cwd: str
    user: User
    hostname: str
    read_only: bool = False
    rlimits: list[Rlimit] = []
    init: bool = False
    strace: bool = False
    verbose: bool = False
    engine: str = "auto"
    keep_fds: list[int] = []
    version: int = VERSION

    def to_builtins(self) -> dict[str, Any]:
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    def encode(self) -> bytes:
        """JSON. Arguments that are no UTF-8 keep their bytes, which elfuse-vm passes on as they are."""
        text = json.dumps(self.to_builtins(), ensure_ascii=False)
        if "\\u0000" in text and _has_nul(self.to_builtins()):
            raise RunError("a NUL character in the arguments, the environment or a path")
        return text.encode("utf-8", "surrogateescape")


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(_has_nul, value.values()))
    return isinstance(value, list) and any(map(_has_nul, value))


BASE_MOUNTS: tuple[dict[str, object], ...] = (
    {"type": "proc", "target": "/proc"},
    {"type": "dev", "target": "/dev"},
    {"type": "sys", "target": "/sys"},
)

"""The user of a run, by name or number, from the image's own passwd and group.

The rules are those of docker and podman (moby/sys/user): a name or a number; the group after a colon;
without one the primary group of the passwd entry, or 0; supplementary groups only without an explicit
group; numbers within 0..2^31-1, as a larger one has been taken for root (CVE-2024-40635).
"""

import os
import stat

import msgspec

from elfuse import _core
from elfuse.errors import RunError, UserNotFound
from elfuse.runtime.spec import User

_FILE_LIMIT = 1 << 20
_ID_LIMIT = (1 << 31) - 1


class ResolvedUser(msgspec.Struct, frozen=True):
    credentials: User
    home: str


class _Passwd(msgspec.Struct, frozen=True):
    name: str
    uid: int
    gid: int
    home: str


class _Group(msgspec.Struct, frozen=True):
    name: str
    gid: int
    members: list[str]


def resolve_user(root_fd: int, wanted: str) -> ResolvedUser:
    """`user[:group]`, or nothing for root. Raises UserNotFound for a name the image does not have."""
    user_text, colon, group_text = wanted.partition(":")
    if (wanted and not user_text) or (colon and not group_text):
        raise RunError(f"user {wanted!r} is not of the form user[:group]")
    entry = _find_user(_read_passwd(root_fd), user_text or "0")
    number = _number(user_text or "0")
    if entry is None and number is None:
        raise UserNotFound(f"no user {user_text!r} in the image's /etc/passwd")
    uid = entry.uid if entry is not None else _in_range(number or 0, wanted)
    gid = entry.gid if entry is not None else 0
    groups: list[int] = []
    if group_text:
        gid = _find_group(_read_groups(root_fd), group_text, wanted)
    elif entry is not None:
        listed = _read_groups(root_fd)
        groups = sorted({group.gid for group in listed if entry.name in group.members})
    home = entry.home if entry is not None and entry.home.startswith("/") else "/"
    return ResolvedUser(User(_in_range(uid, wanted), _in_range(gid, wanted), groups), home)


def _find_user(entries: list[_Passwd], text: str) -> _Passwd | None:
    number = _number(text)
    for entry in entries:
        if entry.name == text or entry.uid == number:
            return entry
    return None


def _find_group(groups: list[_Group], text: str, wanted: str) -> int:
    number = _number(text)
    for group in groups:
        if group.name == text or group.gid == number:
            return group.gid
    if number is None:
        raise UserNotFound(f"no group {text!r} in the image's /etc/group")
    return _in_range(number, wanted)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None


def _in_range(value: int, wanted: str) -> int:
    if not 0 <= value <= _ID_LIMIT:
        raise RunError(f"user {wanted!r}: {value} is not within 0..{_ID_LIMIT}")
    return value


def _read_passwd(root_fd: int) -> list[_Passwd]:
    result = []
    for fields in _read_table(root_fd, "/etc/passwd"):
        if len(fields) >= 6:
            uid, gid = _number(fields[2]), _number(fields[3])
            if uid is not None and gid is not None:
                result.append(_Passwd(fields[0], uid, gid, fields[5]))
    return result


def _read_groups(root_fd: int) -> list[_Group]:
    result = []
    for fields in _read_table(root_fd, "/etc/group"):
        if len(fields) >= 4:
            gid = _number(fields[2])
            if gid is not None and gid <= _ID_LIMIT:
                result.append(_Group(fields[0], gid, fields[3].split(",")))
    return result


def _read_table(root_fd: int, path: str) -> list[list[str]]:
    """The colon-separated lines of a file of the image; none when there is no such file."""
    try:
        # O_NONBLOCK: a FIFO in its place must not make us wait.
        fd = _core.open_in_root(root_fd, path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return []
        data = file.read(_FILE_LIMIT + 1)
    if len(data) > _FILE_LIMIT:
        raise RunError(f"the image's {path} is larger than {_FILE_LIMIT >> 20} MiB")
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return [line.split(":") for line in lines if line and not line.startswith("#")]

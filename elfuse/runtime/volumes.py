"""What a user wants mounted: -v, --mount and --tmpfs in the words of docker and podman (podman-run(1))."""

import os
import posixpath
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from elfuse.errors import RunError

_TMPFS_MODE = 0o1777  # podman's, and the kernel's own
_MODE_LIMIT = 0o7777
_ID_LIMIT = (1 << 31) - 1
# What holds of every mount here, or says nothing where there is neither SELinux's relabelling nor mount
# propagation. A guest's mounts are always nosuid and nodev.
_VOLUME_WORDS = frozenset({"z", "Z", "nosuid", "nodev", "exec", "bind", "rbind", "private", "rprivate"})
_TMPFS_WORDS = frozenset({"nosuid", "nodev", "exec", "notmpcopyup"})
_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})


class UserMount(msgspec.Struct, frozen=True, kw_only=True):
    """One mount. `target` is absolute and normal; `source` is the host's absolute path, None for a tmpfs.

    `mode`, `uid` and `gid` are those of a tmpfs's root. `unkept` are options that were understood, but
    that nothing here enforces: the user is to be told.
    """

    type: Literal["bind", "tmpfs"]
    target: str
    source: str | None = None
    read_only: bool = False
    mode: int = _TMPFS_MODE
    uid: int = 0
    gid: int = 0
    unkept: tuple[str, ...] = ()


def plan_mounts(
    volumes: Sequence[str] = (), mounts: Sequence[str] = (), tmpfs: Sequence[str] = ()
) -> list[UserMount]:
    """All mounts of a run, checked, those that contain others first, as podman orders them."""
    planned = [*map(parse_volume, volumes), *map(parse_mount, mounts), *map(parse_tmpfs, tmpfs)]
    seen: set[str] = set()
    for mount in planned:
        if mount.target in seen:
            raise RunError(f"two mounts at {mount.target}", hint="leave one of them out")
        seen.add(mount.target)
    return sorted(planned, key=lambda mount: mount.target.count("/"))


def parse_volume(text: str) -> UserMount:
    """`HOST:GUEST[:OPTION,...]`, the options ro and rw, and those of podman that change nothing here."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not parts[0] or not parts[1]:
        raise RunError(f"volume {text!r} is not of the form HOST:GUEST[:ro]")
    host, guest = parts[0], parts[1]
    read_only = False
    for word in parts[2].split(",") if len(parts) == 3 else ():
        if word in ("ro", "rw"):
            read_only = word == "ro"
        elif word not in _VOLUME_WORDS:
            raise RunError(f"volume {text!r}: unknown option {word!r}", hint="use ro or rw")
    if not host.startswith(("/", ".")):
        raise RunError(
            f"volume {text!r}: {host!r} is the name of a volume, and elfuse has only directories and files",
            hint="give a path that starts with / or .",
        )
    what = f"volume {text!r}"
    return UserMount(
        type="bind", target=_target(what, guest), source=_source(what, host), read_only=read_only
    )


def parse_mount(text: str) -> UserMount:
    """`type=bind|tmpfs,KEY=VALUE,...`: comma-separated values as in a CSV file, so that a path may have
    a comma when it is quoted."""
    what = f"mount {text!r}"
    values = _mount_values(text, what)
    kind = values.pop("type", "volume")  # podman's default
    if kind not in ("bind", "tmpfs"):
        hint = "elfuse has type=bind and type=tmpfs"
        raise RunError(f"{what}: there is no mount of type {kind!r}", hint=hint)
    guest = _take(values, "target", "dst", "destination")
    if not guest:
        raise RunError(f"{what} has no target")
    target = _target(what, guest)
    read_only = _read_only(values, what)
    if kind == "tmpfs":
        mode = values.pop("tmpfs-mode", None)
        size = values.pop("tmpfs-size", None)
        _refuse_rest(values, what)
        return UserMount(
            type="tmpfs",
            target=target,
            read_only=read_only,
            mode=_TMPFS_MODE if mode is None else _mode(mode, what),
            unkept=() if size is None else (f"tmpfs-size={_size(size, what)}",),
        )
    host = _take(values, "source", "src")
    if not host:
        raise RunError(f"{what} has no source")
    if values.pop("bind-propagation", "private") not in ("private", "rprivate"):
        raise RunError(f"{what}: mounts are not propagated", hint="leave out bind-propagation")
    values.pop("relabel", None)
    _refuse_rest(values, what)
    return UserMount(type="bind", target=target, source=_source(what, host), read_only=read_only)


def parse_tmpfs(text: str) -> UserMount:
    """`PATH[:OPTION,...]` with ro, rw, mode=, uid= and gid= of tmpfs(5); size= and noexec are not kept."""
    guest, _, options = text.partition(":")
    what = f"tmpfs {text!r}"
    target = _target(what, guest)
    read_only, mode, ids, unkept = False, _TMPFS_MODE, {"uid": 0, "gid": 0}, []
    for word in filter(None, options.split(",")):
        key, equals, value = word.partition("=")
        if word in ("ro", "rw"):
            read_only = word == "ro"
        elif key == "mode" and equals:
            mode = _mode(value, what)
        elif key in ids and value.isascii() and value.isdigit() and int(value) <= _ID_LIMIT:
            ids[key] = int(value)
        elif key in ("size", "nr_inodes", "nr_blocks") and equals:
            unkept.append(f"{key}={_size(value, what)}")
        elif word == "noexec":
            unkept.append(word)
        elif word not in _TMPFS_WORDS:
            hint = "use ro, rw, mode=, uid=, gid= or size="
            raise RunError(f"{what}: unknown option {word!r}", hint=hint)
    return UserMount(
        type="tmpfs",
        target=target,
        read_only=read_only,
        mode=mode,
        unkept=tuple(unkept),
        uid=ids["uid"],
        gid=ids["gid"],
    )


def _mount_values(text: str, what: str) -> dict[str, str]:
    import csv  # only --mount needs it

    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise RunError(f"{what}: {error}") from None
    values: dict[str, str] = {}
    for word in rows[0] if rows else ():
        key, equals, value = word.partition("=")
        if key in values:
            raise RunError(f"{what} says {key!r} twice")
        values[key] = value if equals else "true"
    return values


def _take(values: dict[str, str], *names: str) -> str | None:
    found = [values.pop(name) for name in names if name in values]
    return found[0] if found else None


def _read_only(values: dict[str, str], what: str) -> bool:
    read_only = False
    for names, wanted in ((("ro", "readonly"), True), (("rw",), False)):
        value = _take(values, *names)
        if value is None:
            continue
        if value not in _TRUE | _FALSE:
            raise RunError(f"{what}: {names[0]} is true or false, not {value!r}")
        read_only = (value in _TRUE) == wanted
    return read_only


def _refuse_rest(values: Iterable[str], what: str) -> None:
    for key in values:
        raise RunError(f"{what}: unknown option {key!r}")


def _target(what: str, guest: str) -> str:
    if not guest.startswith("/"):
        raise RunError(f"{what}: {guest!r} is not an absolute path")
    # normpath keeps a leading double slash, which POSIX allows to mean something.
    target = "/" + posixpath.normpath(guest).lstrip("/")
    if target == "/":
        raise RunError(f"{what} would replace the root")
    return target


def _source(what: str, host: str) -> str:
    if "\0" in host:
        raise RunError(f"{what} has a NUL character in it")
    source = os.path.realpath(host)
    if not os.path.exists(source):
        raise RunError(f"{what}: {host} does not exist")
    return source


def _mode(text: str, what: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= _MODE_LIMIT:
        raise RunError(f"{what}: {text!r} is no mode such as 1777")
    return mode


def _size(text: str, what: str) -> str:
    """Checked only: tmpfs(5)'s number with k, m, g or %."""
    number = text[:-1] if text[-1:] in tuple("kKmMgGbB%") else text
    if not (number.isascii() and number.isdigit()):
        raise RunError(f"{what}: {text!r} is no size such as 64m")
    return text

"""What runs guests on this machine, and why; what elfuse could use and does not find."""

import contextlib
import ctypes
import errno
import os
import platform
import shutil
from dataclasses import dataclass, field

from elfuse import translations
from elfuse.errors import ElfuseError
from elfuse.oci.layout import Store, default_path
from elfuse.oci.snapshot.choice import choose
from elfuse.runtime.engine import ask_engine

# What the translator makes use of, by the names that Linux has for it in /proc/cpuinfo.
_FEATURES = ("avx", "avx2", "bmi2", "fma", "abm", "aes", "pclmulqdq", "sha_ni", "f16c")
_OPENAT2 = 437  # the same number on every architecture
_SPACE = 1 << 30
_FICLONE = 0x40049409
_REMEDIES = {
    "overlay": "Linux 5.11 or later, and no policy against user namespaces",
    "reflink": "a store on btrfs or XFS",
    "runtime": "a store on a file system with user.* attributes",
    "copy": "a store that you may write to",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `remedy` is how to get it, where it is missing."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Examination:
    engine: str  # "jit" or "interp"
    reason: str
    host: str
    cpu_features: list[str]
    store: str
    translations: str | None
    checks: list[Check] = field(default_factory=list)

    @property
    def missing(self) -> list[Check]:
        return [check for check in self.checks if not check.ok]


def examine(store: str | None = None) -> Examination:
    """Raises RunError when the launcher cannot be started. The store is looked at, and not made."""
    engine, reason = ask_engine()
    system = os.uname()
    path = os.path.abspath(store) if store else default_path()
    return Examination(
        engine=engine,
        reason=reason,
        host=f"{system.sysname} {system.release} {platform.machine()}",
        cpu_features=[name for name in _FEATURES if name in _cpu_flags()],
        store=path,
        translations=translations.directory(),
        checks=[*_kernel(), *_store(path), *_programs()],
    )


def _cpu_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as text:
            line = next((line for line in text if line.startswith("flags")), "")
    except OSError:
        return set()
    return set(line.partition(":")[2].split())


def _kernel() -> list[Check]:
    """What the guest's kernel asks of the host's."""
    openat2 = _has_openat2()
    memfd = hasattr(os, "memfd_create")
    return [
        Check(
            "openat2",
            openat2,
            "paths are resolved by one call" if openat2 else "paths are resolved a part at a time, slower",
            "" if openat2 else "Linux 5.6 or later, and no filter that forbids the call",
        ),
        Check(
            "memfd_create",
            memfd,
            "launch specs are passed in memory" if memfd else "launch specs pass through a temporary file",
            "" if memfd else "Linux 3.17 or later",
        ),
    ]


def _has_openat2() -> bool:
    """Called with a size of 0, which no kernel that has the call accepts: EINVAL, else ENOSYS or EPERM."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(ctypes.c_long(_OPENAT2), ctypes.c_int(-100), b"/", None, ctypes.c_size_t(0))
    return ctypes.get_errno() == errno.EINVAL


def _store(path: str) -> list[Check]:
    there = path
    while not os.path.isdir(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    status = os.statvfs(there)
    free = status.f_bavail * status.f_frsize
    writable = os.access(there, os.W_OK)
    checks = [
        Check("store file system", True, f"{_file_system(there)}, {free >> 20} MiB free"),
        Check(
            "store is writable",
            writable,
            f"{there} can be written" if writable else f"{there} can only be read: runs work, pulls do not",
            "" if writable else "name another store with ELFUSE_STORE",
        ),
        Check(
            "space",
            free >= _SPACE,
            f"{free >> 20} MiB free",
            "" if free >= _SPACE else "elfuse oci prune --commit, or another ELFUSE_STORE",
        ),
    ]
    if writable:
        checks += _file_features(there)
    if os.path.exists(os.path.join(path, "elfuse.json")):
        checks += _opens(path)
    return checks


def _opens(path: str) -> list[Check]:
    try:
        store = Store.open(path)
        pins = len(store.pins())
    except ElfuseError as error:
        return [Check("store opens", False, error.message, error.hint or "elfuse oci verify")]
    return [Check("store opens", True, f"{pins} images"), *_snapshots(store)]


def _snapshots(store: Store) -> list[Check]:
    """Which strategy gives a run its root, and what it would take to have each of the others."""
    try:
        choice = choose(store, try_all=True)
    except ElfuseError as error:
        return [Check("snapshots", False, error.message, error.hint or "")]
    except OSError as error:
        return [Check("snapshots", False, f"they cannot be tried: {error.strerror}")]
    why = "asked for" if choice.named else "the best of what works here"
    used = Check("snapshots", True, f"{choice.name}: {why}")
    return [
        used,
        *(
            Check(f"snapshots by {name}", False, reason, _REMEDIES[name])
            for name, reason in choice.refused.items()
        ),
    ]


def _file_features(directory: str) -> list[Check]:
    """Tried on a file that has no name."""
    try:
        fd = os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (OSError, AttributeError):
        return []
    try:
        attributes = False
        with contextlib.suppress(OSError, AttributeError):
            os.setxattr(fd, "user.elfuse.probe", b"1")
            attributes = True
        return [
            Check(
                "extended attributes",
                attributes,
                "owners and modes that the guest sees are kept" if attributes else "every file is the user's",
                "" if attributes else "a store on ext4, xfs, btrfs, or tmpfs of Linux 6.6 or later",
            ),
            Check("copies that share data", True, _reflink(directory, fd)),
        ]
    finally:
        os.close(fd)


def _reflink(directory: str, source: int) -> str:
    import fcntl

    try:
        target = os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        return "not known"
    try:
        os.write(source, bytes(4096))
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return "no; clone copies, runs need none"
    finally:
        os.close(target)
    return "yes"


def _file_system(path: str) -> str:
    """The type of the mount that `path` lies on, by /proc/self/mountinfo."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8") as lines:
        for line in lines:
            before, _, after = line.partition(" - ")
            if before.split()[2] == wanted:
                return after.split()[0]
    return "unknown type"


def _programs() -> list[Check]:
    found = shutil.which("gpgv") or shutil.which("gpg")
    return [
        Check(
            "gpgv",
            found is not None,
            found or "signatures of policy.json's signedBy cannot be checked, so they reject",
            "" if found else "install gpgv (Debian) or gnupg",
        )
    ]

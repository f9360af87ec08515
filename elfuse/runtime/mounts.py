"""What is mounted over a run's root: injected files, and what the user asked for (volumes.py)."""

import contextlib
import os
from collections.abc import Sequence

from elfuse.oci.runs import Run
from elfuse.oci.snapshot.upper import OVERRIDE
from elfuse.runtime.hosts import HostEntry, hosts_file
from elfuse.runtime.spec import BASE_MOUNTS
from elfuse.runtime.volumes import UserMount

_HOST_FILE_LIMIT = 1 << 20
# podman's --read-only leaves these writable; programs count on it.
_SCRATCH = (("/run", 0o755), ("/tmp", 0o1777), ("/var/tmp", 0o1777))  # noqa: S108 - guest paths


def run_mounts(
    run: Run,
    hostname: str,
    planned: Sequence[UserMount],
    *,
    read_only: bool,
    hosts: Sequence[HostEntry] = (),
) -> list[dict[str, object]]:
    """All mounts of a run, in order: the kernel's, the injected files, the user's own last, so that what
    a user mounts on a directory hides what is injected below it."""
    taken = {mount.target for mount in planned}
    mounts = [*BASE_MOUNTS, *_injected(run, hostname, hosts, taken)]
    if read_only:
        for target, mode in _SCRATCH:
            if target not in taken:
                mounts.append(_tmpfs(run, UserMount(type="tmpfs", target=target, mode=mode)))
    mounts.extend(bind(mount) if mount.type == "bind" else _tmpfs(run, mount) for mount in planned)
    return mounts


def bind(mount: UserMount) -> dict[str, object]:
    """A bind mount in the launch spec's words."""
    return {
        "type": "bind",
        "source": mount.source,
        "target": mount.target,
        "read_only": mount.read_only,
    }


def _tmpfs(run: Run, mount: UserMount) -> dict[str, object]:
    """A directory of the run's, which goes with it."""
    source = run.make_directory("tmpfs" + mount.target.replace("/", "-")[:60] + f"-{os.urandom(4).hex()}")
    os.chmod(source, mount.mode | 0o700)
    if mount.uid or mount.gid or mount.mode & 0o700 != 0o700:
        # Where the file system keeps no such attributes, the guest sees the run's owner as root.
        with contextlib.suppress(OSError, AttributeError):
            os.setxattr(source, OVERRIDE, f"{mount.uid}:{mount.gid}:0{mount.mode:o}:dir".encode())
    spec: dict[str, object] = {"type": "tmpfs", "target": mount.target, "source": source}
    if mount.read_only:
        spec["read_only"] = True
    return spec


def _injected(
    run: Run, hostname: str, hosts: Sequence[HostEntry], taken: set[str]
) -> list[dict[str, object]]:
    """/etc files as every container runtime provides them. The guest has the host's network."""
    directory = run.make_directory("etc")
    files = {
        "resolv.conf": _host_file("/etc/resolv.conf"),
        "hosts": hosts_file(hostname, hosts, _host_file("/etc/hosts")),
        "hostname": f"{hostname}\n".encode(),
    }
    mounts: list[dict[str, object]] = []
    for name, data in files.items():
        target = f"/etc/{name}"
        if target in taken:
            continue
        path = os.path.join(directory, name)
        with open(path, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), 0o644)
        mounts.append({"type": "bind", "source": path, "target": target, "read_only": False})
    return mounts


def _host_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_HOST_FILE_LIMIT)
    except OSError:
        return b""

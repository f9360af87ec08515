"""What is mounted over a run's root: injected files and the user's volumes."""

import os
import posixpath
from collections.abc import Sequence

from elfuse.errors import RunError
from elfuse.oci.runs import Run
from elfuse.runtime.spec import BASE_MOUNTS

_HOST_FILE_LIMIT = 1 << 20
_HOSTS = """\
127.0.0.1\tlocalhost {hostname}
::1\tlocalhost ip6-localhost ip6-loopback
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def run_mounts(
    run: Run, hostname: str, volumes: Sequence[str], *, read_only: bool
) -> list[dict[str, object]]:
    """All mounts of a run, in order: the kernel's, the injected files, the user's own last."""
    mounts = [*BASE_MOUNTS, *_injected(run, hostname)]
    if read_only:
        mounts.extend(_scratch(run))
    mounts.extend(parse_volume(text) for text in volumes)
    return mounts


def parse_volume(text: str) -> dict[str, object]:
    """`HOST:GUEST[:ro|rw]`."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not parts[0] or not parts[1]:
        raise RunError(f"volume {text!r} is not of the form HOST:GUEST[:ro]")
    host, guest = parts[0], parts[1]
    mode = parts[2] if len(parts) == 3 else "rw"
    if mode not in ("ro", "rw"):
        raise RunError(f"volume {text!r}: unknown option {mode!r}", hint="use ro or rw")
    if not host.startswith(("/", ".")):
        raise RunError(
            f"volume {text!r}: {host!r} is the name of a volume, and elfuse has only directories and files",
            hint="give a path that starts with / or .",
        )
    if not guest.startswith("/"):
        raise RunError(f"volume {text!r}: {guest!r} is not an absolute path")
    target = posixpath.normpath(guest)
    if target.strip("/") == "":
        raise RunError(f"volume {text!r} would replace the root")
    source = os.path.realpath(host)
    if not os.path.exists(source):
        raise RunError(f"volume {text!r}: {host} does not exist")
    return {"type": "bind", "source": source, "target": target, "read_only": mode == "ro"}


def _injected(run: Run, hostname: str) -> list[dict[str, object]]:
    """/etc files as every container runtime provides them. The guest has the host's network."""
    directory = run.make_directory("etc")
    files = {
        "resolv.conf": _host_file("/etc/resolv.conf"),
        "hosts": _HOSTS.format(hostname=hostname).encode() + _host_file("/etc/hosts"),
        "hostname": f"{hostname}\n".encode(),
    }
    mounts: list[dict[str, object]] = []
    for name, data in files.items():
        path = os.path.join(directory, name)
        with open(path, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), 0o644)
        mounts.append({"type": "bind", "source": path, "target": f"/etc/{name}", "read_only": False})
    return mounts


def _host_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_HOST_FILE_LIMIT)
    except OSError:
        return b""


def _scratch(run: Run) -> list[dict[str, object]]:
    """podman's --read-only leaves /run, /tmp and /var/tmp writable; programs count on it."""
    mounts: list[dict[str, object]] = []
    for target, mode in (("/run", 0o755), ("/tmp", 0o1777), ("/var/tmp", 0o1777)):  # noqa: S108 - guest paths
        source = run.make_directory("scratch" + target.replace("/", "-"))
        os.chmod(source, mode)
        mounts.append({"type": "tmpfs", "target": target, "source": source})
    return mounts

"""The host kernel's overlayfs, which the launcher mounts where only the run sees it.

It needs user namespaces that a user may make, and overlayfs in them: Linux 5.11 or later, and no policy
against it.
"""

import json
import os

from elfuse.oci.layout import Store
from elfuse.oci.runs import Run
from elfuse.oci.snapshot.stack import ensure_stack
from elfuse.oci.snapshot.upper import overlay_root
from elfuse.oci.stored import StoredImage

# What the launcher ends with when it has made the root and finds no program in it.
_NOT_FOUND = 127


class OverlaySnapshotter:
    name = "overlay"

    def why_not(self, directory: str) -> str | None:
        lower, upper, work = (os.path.join(directory, name) for name in ("lower", "upper", "work"))
        for path in (os.path.join(lower, "below"), upper, work):
            os.makedirs(path, mode=0o700)
        root = {"type": "kernel-overlay", "lower": [lower], "upper": upper, "work": work, "volatile": True}
        status, said = _launch(root, cwd="/below/made")
        if status != _NOT_FOUND:
            return said
        # A kernel that cannot write to the upper directory mounts it all the same, read-only.
        if not os.path.isdir(os.path.join(upper, "below", "made")):
            return "the host's kernel mounts it read-only on this file system"
        return None

    def prepare(self, store: Store, image: StoredImage) -> list[str]:
        return [ensure_stack(store, image)]

    def run_root(self, lower: list[str], run: Run, *, keep: bool) -> dict[str, object]:
        return {**overlay_root("kernel-overlay", lower, run), "volatile": not keep}


def _launch(root: dict[str, object], cwd: str) -> tuple[int, str]:
    """Start a program that is not there: all of a run but the program. The launcher makes `cwd`."""
    import subprocess

    from elfuse import _core

    spec = {
        "version": 1,
        "root": root,
        "argv": ["/nothing"],
        "env": [],
        "cwd": cwd,
        "user": {"uid": 0, "gid": 0, "groups": []},
        "hostname": "probe",
        "engine": "interp",
        "cache": False,
    }
    try:
        done = subprocess.run(
            [_core.vm_path(), "--spec-fd", "0"],
            input=json.dumps(spec).encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return -1, f"the launcher did not answer: {error}"
    said = done.stderr.decode("utf-8", "replace").strip().removeprefix("elfuse: ")
    return done.returncode, said or f"the launcher ended with status {done.returncode}"

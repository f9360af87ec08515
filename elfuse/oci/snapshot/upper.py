"""What an overlay needs of a run: the directory that takes its writes, and one for its merger to work in."""

import os
import stat

from elfuse.oci.runs import Run

# Where the layer code keeps the owner and mode that the guest sees.
OVERRIDE = "user.containers.override_stat"


def overlay_root(kind: str, lower: list[str], run: Run) -> dict[str, object]:
    """The launch spec's root of this type."""
    upper = run.make_directory("upper")
    work = run.make_directory("work")
    _copy_root_attributes(lower[0], upper)
    return {"type": kind, "lower": lower, "upper": upper, "work": work}


def _copy_root_attributes(tree: str, upper: str) -> None:
    """overlayfs takes the merged root's owner and mode from the topmost tree, which is ours to set."""
    os.chmod(upper, stat.S_IMODE(os.stat(tree).st_mode) | 0o700)
    if not hasattr(os, "getxattr"):
        return
    try:
        value = os.getxattr(tree, OVERRIDE)
    except OSError:
        return  # the image says nothing of its root, or the file system keeps no such attributes
    os.setxattr(upper, OVERRIDE, value)

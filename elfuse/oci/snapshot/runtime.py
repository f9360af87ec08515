"""The guest kernel's own overlay of an upper tree over the shared one.

It needs no privilege and no copy, so a run starts in the same time whatever the size of its image. A file is
copied when it is first written to; where the file system can (`reflink`), its data is shared instead, and a
first write to a large file takes no longer than one to a small file.
"""

import errno
import os

from elfuse.oci.layout import Store
from elfuse.oci.runs import Run
from elfuse.oci.snapshot.stack import ensure_stack
from elfuse.oci.snapshot.upper import OVERRIDE, overlay_root
from elfuse.oci.stored import StoredImage


class RuntimeSnapshotter:
    name = "runtime"

    def why_not(self, directory: str) -> str | None:
        try:
            os.setxattr(directory, OVERRIDE, b"0:0:0700:dir")
        except AttributeError:
            return "this system keeps no extended attributes"
        except OSError as error:
            return f"the file system keeps no user.* attributes, which hold whiteouts ({error.strerror})"
        return None

    def prepare(self, store: Store, image: StoredImage) -> list[str]:
        return [ensure_stack(store, image)]

    def run_root(self, lower: list[str], run: Run, *, keep: bool) -> dict[str, object]:
        return overlay_root("overlay", lower, run)


class ReflinkSnapshotter(RuntimeSnapshotter):
    """The guest kernel asks for shared data at each first write; this one is for where it gets it."""

    name = "reflink"

    def why_not(self, directory: str) -> str | None:
        from elfuse.oci.snapshot.clone import share_data

        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        source = os.open(os.path.join(directory, "data"), flags, 0o600)
        target = os.open(os.path.join(directory, "shared"), flags, 0o600)
        try:
            os.write(source, bytes(4096))
            share_data(source, target)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            return f"the file system cannot share data between files ({error.strerror})"
        finally:
            os.close(source)
            os.close(target)
        return super().why_not(directory)

"""Private copies of trees: sharing the data where the file system can (FICLONE), else copying it.

The copy has what the tree has: modes, times, extended attributes (the guest's owners among them), hard
links, symbolic links as they are. Nothing is followed: the tree is an image's, so its links may point
anywhere.
"""

import contextlib
import errno
import fcntl
import os
import stat

from elfuse.oci import disk
from elfuse.oci.layout import Store
from elfuse.oci.runs import RunRecord, create_run
from elfuse.oci.snapshot.stack import ensure_stack
from elfuse.oci.stored import StoredImage

_FICLONE = 0x40049409  # linux/fs.h
_UNSHARED = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.EXDEV, errno.ENOTTY, errno.ENOSYS, errno.EPERM})


def clone_image(store: Store, image: StoredImage, name: str | None) -> str:
    """A copy of the image's tree in a kept run's directory. Returns its path."""
    with disk.reported(f"cloning {image.name}", store.path), store.activity():
        tree = ensure_stack(store, image)
        # No chain: unlike a run it needs the tree no longer.
        record = RunRecord(image=image.name, manifest=image.descriptor.digest)
        run = create_run(store, name, keep=True, record=record)
        try:
            copy_tree(tree, os.path.join(run.path, "rootfs"))
            disk.sync_filesystem(run.path)
        except BaseException:
            run.release()
            run.discard()
            raise
    run.release()
    return os.path.join(run.path, "rootfs")


def copy_tree(source: str, target: str) -> None:
    """Copy the directory `source` to `target`, which must not exist."""
    links: dict[tuple[int, int], str] = {}
    os.mkdir(target, 0o700)
    pending = [(source, target)]
    made = []
    while pending:
        here, there = pending.pop()
        made.append((here, there))
        for entry in list(os.scandir(here)):
            path = os.path.join(there, entry.name)
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                os.mkdir(path, 0o700)
                pending.append((entry.path, path))
                continue
            known = links.get((status.st_dev, status.st_ino))
            if known is not None:
                os.link(known, path, follow_symlinks=False)
                continue
            _copy_node(entry.path, path, status)
            if status.st_nlink > 1:
                links[status.st_dev, status.st_ino] = path
    # Last, and from the inside out: writing into a directory changes its time, and may need a mode that it
    # will not have.
    for here, there in reversed(made):
        _copy_attributes(here, there, os.stat(here, follow_symlinks=False))


def _copy_node(source: str, target: str, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISREG(status.st_mode):
        _copy_file(source, target)
    elif stat.S_ISFIFO(status.st_mode):
        os.mkfifo(target, 0o600)
    else:
        raise OSError(errno.ENOTSUP, "neither a file, a directory, a link nor a FIFO", source)
    _copy_attributes(source, target, status)


def share_data(source: int, target: int) -> None:
    """Give the file `target` the data of `source` without copying it. Raises OSError where the file system
    cannot."""
    fcntl.ioctl(target, _FICLONE, source)


def _copy_file(source: str, target: str) -> None:
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            try:
                share_data(reading, writing)
            except OSError as error:
                if error.errno not in _UNSHARED:
                    raise
                while chunk := os.read(reading, 1 << 20):
                    view = memoryview(chunk)
                    while view:
                        view = view[os.write(writing, view) :]
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _copy_attributes(source: str, target: str, status: os.stat_result) -> None:
    """Owner (where we may), attributes, mode, times; in an order in which none undoes another."""
    with contextlib.suppress(PermissionError):
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    if hasattr(os, "listxattr"):
        for name in os.listxattr(source, follow_symlinks=False):
            with contextlib.suppress(PermissionError):
                value = os.getxattr(source, name, follow_symlinks=False)
                os.setxattr(target, name, value, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        mode = stat.S_IMODE(status.st_mode)
        # The sticky bit of a file says that others share it (csrc/layer/raw.h); a copy is nobody else's.
        os.chmod(target, mode & ~stat.S_ISVTX if stat.S_ISREG(status.st_mode) else mode)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)

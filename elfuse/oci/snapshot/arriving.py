"""Layers that are unpacked while they arrive: extraction follows the file that the transfer writes.

The extraction reads a pipe, into which a thread puts the blob's bytes as far as they have come in order;
neither waits for the other's end, so a slow disk does not slow a download. It verifies the blob's digest and
the diffID by itself, and what it makes is visible only after that. Whatever it meets is no failure of the
transfer: the layer is then unpacked from the store like any other (layers.py), which says what is wrong.
"""

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Iterator

from elfuse import _core
from elfuse.errors import ElfuseError
from elfuse.oci import disk
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.digest import Digest
from elfuse.oci.image import Descriptor
from elfuse.oci.layout import Store
from elfuse.oci.snapshot import layers
from elfuse.oci.snapshot.limits import layer_limits

_PIPE = 1 << 20
_SHARE = 1 << 20  # of a blob, for one system call


class Arriving:
    """The extractions of one pull. Used under the store's activity; `publish` ends it, or `discard`."""

    def __init__(self, store: Store, wanted: dict[Digest, Digest]) -> None:
        """wanted: the diffID of each layer's blob."""
        self._store = store
        self._wanted = wanted
        self._mu = threading.Lock()
        self._held = contextlib.ExitStack()  # locks of the layers, guarded by _mu
        self._begun: set[Digest] = set()  # diffIDs, guarded by _mu
        self._staged: dict[Digest, str] = {}  # guarded by _mu
        self._threads: list[threading.Thread] = []  # guarded by _mu

    @contextlib.contextmanager
    def follow(self, blob: Descriptor, partial: PartialBlob) -> Iterator[None]:
        """Unpack the layer while the block fills `partial` and commits it."""
        feed = self._begin(blob, partial)
        if feed is None:
            yield
            return
        try:
            yield
            feed.finish()
        finally:
            feed.close()

    def _begin(self, blob: Descriptor, partial: PartialBlob) -> "_Feed | None":
        """None for what is no layer that we have to unpack, and where there is no room for it now."""
        diff_id = self._wanted.get(blob.digest)
        try:
            if diff_id is None or not self._claim(diff_id):
                return None
            feed = _Feed(partial, blob.size)
        except (OSError, RuntimeError):
            return None  # no descriptors, or no threads, left
        worker = threading.Thread(target=self._extract, args=(blob, diff_id, feed), name="extract")
        try:
            worker.start()
        except RuntimeError:
            os.close(feed.reading)
            feed.close()
            return None
        with self._mu:
            self._threads.append(worker)
        return feed

    def publish(self) -> None:
        """Wait for what is still being extracted, and give all that came out well its name."""
        self._join()
        try:
            if self._staged:
                disk.sync_filesystem(self._store.join("tmp"))
                layers.publish(self._store, self._staged)
                self._staged = {}
        finally:
            self.discard()

    def discard(self) -> None:
        self._join()
        with self._mu:
            for directory in self._staged.values():
                layers.remove_tree(directory)
            self._staged = {}
            self._held.close()

    def _join(self) -> None:
        while self._threads:
            self._threads.pop().join()

    def _claim(self, diff_id: Digest) -> bool:
        """Whether the layer is ours to make. One that another process is making is waited for later."""
        with self._mu:
            if diff_id in self._begun or layers.claimed(self._store, diff_id) is not None:
                return False
            fd = disk.open_lock(layers.lock_path(self._store, diff_id))
            if not disk.try_lock(fd) or layers.claimed(self._store, diff_id) is not None:
                os.close(fd)
                return False
            self._held.callback(os.close, fd)
            self._begun.add(diff_id)
            return True

    def _extract(self, blob: Descriptor, diff_id: Digest, feed: "_Feed") -> None:
        def extract(tree_fd: int) -> "_core.LayerStats":
            return _core.extract_layer(
                feed.reading,
                tree_fd,
                blob_digest=blob.digest,
                blob_size=blob.size,
                diff_id=diff_id,
                raw=True,
                cancelled=feed.is_closed,
                **layer_limits(),
            )

        try:
            staged = layers.stage(self._store, extract)
            with self._mu:
                self._staged[diff_id] = staged
        except (_core.LayerError, ElfuseError, OSError):
            pass  # unpacked from the store later, which then says why
        finally:
            os.close(feed.reading)


class _Feed:
    """The bytes of a blob that have arrived in order, into a pipe."""

    def __init__(self, partial: PartialBlob, size: int) -> None:
        self._size = size
        self._arrived = threading.Condition()
        self._there = partial.offset  # guarded by _arrived, as is the next
        self._closed = False
        with contextlib.ExitStack() as failed:
            self._file = partial.reader()
            failed.callback(os.close, self._file)
            self.reading, self._writing = os.pipe()
            failed.callback(os.close, self.reading)
            failed.callback(os.close, self._writing)
            with contextlib.suppress(OSError, AttributeError):  # beyond the user's share, or not Linux
                fcntl.fcntl(self._writing, fcntl.F_SETPIPE_SZ, _PIPE)
            threading.Thread(target=self._run, name="feed").start()
            failed.pop_all()
        partial.on_progress = self._more
        self._more(partial.offset)

    def is_closed(self) -> bool:
        return self._closed

    def _more(self, offset: int) -> None:
        with self._arrived:
            # Less than before: the transfer began again, perhaps with other bytes.
            self._closed = self._closed or offset < self._there
            self._there = offset
            self._arrived.notify()

    def finish(self) -> None:
        """The blob is whole; the rest follows by itself."""
        self._more(self._size)

    def close(self) -> None:
        """What has not been fed by now never comes."""
        with self._arrived:
            self._closed = self._closed or self._there < self._size
            self._arrived.notify()

    def _wait(self, at: int) -> int:
        """How many bytes are here, when more than `at` are; 0 when no more will come."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._closed or self._there > at)
            return 0 if self._closed else self._there

    def _run(self) -> None:
        at = 0
        try:
            while at < self._size and (until := self._wait(at)):
                while at < until and not self._closed:
                    count = os.sendfile(self._writing, self._file, at, min(until - at, _SHARE))
                    if not count:
                        return  # cut short: it is not what was announced
                    at += count
        except OSError as error:
            # The extraction has ended before the blob: it has said what is wrong with it.
            if error.errno != errno.EPIPE:
                self._closed = True
        finally:
            os.close(self._writing)
            os.close(self._file)

"""Blobs from registries into the store's staging: resumed, in ranges when it pays, verified on the way.

A blob begins as one request. When it will take long at the speed it has, further connections fetch ranges of
it, as long as each of them gets about what the ones before got: then the limit is on a connection (a path
with a long round trip, a server that shapes each), not on the line.
"""

import re
import threading
import time
from collections.abc import Callable

from elfuse.errors import ContentMismatch, ElfuseError, RegistryError
from elfuse.oci import retry
from elfuse.oci.auth import cause_of
from elfuse.oci.blobs import PartialBlob
from elfuse.oci.http import Cancellation, Response, origin
from elfuse.oci.image import Descriptor
from elfuse.oci.pieces import LARGEST, Piece, Plan
from elfuse.oci.progress import Progress
from elfuse.oci.registry import RegistryClient, missing_blob

_TICK = 1.0  # seconds between two looks at the speed
_WORTH_SPLITTING = 2.0  # seconds that a blob must still need
_STILL_PAYS = 0.6  # of a connection's speed before the last ones were added
_SETTLED = 10.0  # seconds without new connections after some that did not pay
_WORTH_A_RETRY = 1 << 20
_SMALL = 256 << 10  # a blob that goes with other requests over one connection


class Downloads:
    """The blob transfers of one command, which together use at most twice `jobs` connections.

    `waiting` says how many blobs have not begun: as long as there are any, no blob gets a second connection.
    """

    def __init__(
        self,
        jobs: int,
        waiting: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = 2 * jobs
        self._waiting = waiting
        self._clock = clock
        self._mu = threading.Lock()
        # All guarded by _mu.
        self._active: list[_Download] = []
        self._connections = 0
        self._bytes = 0
        self._mark = clock()
        self._speed: float | None = None  # of one connection, before the last were added
        self._settled_until = 0.0

    def fetch(
        self, client: RegistryClient, descriptor: Descriptor, partial: PartialBlob, progress: Progress
    ) -> None:
        """Bring `partial` to its full size from what it has. The caller commits it."""
        download = _Download(self, client, descriptor, partial, progress)
        with self._mu:
            self._active.append(download)
        try:
            download.run()
        finally:
            with self._mu:
                self._active.remove(download)

    # -- told by the downloads

    def connected(self, change: int) -> None:
        with self._mu:
            self._connections += change

    def moved(self, count: int) -> None:
        """`count` bytes arrived: time to look at the speed, perhaps."""
        with self._mu:
            self._bytes += count
            elapsed = self._clock() - self._mark
            if elapsed < _TICK:
                return
            speed = self._bytes / elapsed / max(1, self._connections)
            self._mark, self._bytes = self._clock(), 0
            helped = self._choose(speed)
        if helped is not None:
            helped[0].add_helpers(helped[1])

    def settle(self) -> None:
        """Add no connection for a while: the last ones did not pay, or the registry said it is too much."""
        with self._mu:
            self._settle()

    def _settle(self) -> None:
        self._speed = None
        self._settled_until = self._clock() + _SETTLED

    def _choose(self, speed: float) -> "tuple[_Download, int] | None":
        """The blob that further connections should help with, and how many. _mu is held."""
        if self._clock() < self._settled_until or self._waiting() or not self._active:
            return None
        if self._speed is not None and speed < _STILL_PAYS * self._speed:
            self._settle()
            return None
        longest = max(self._active, key=lambda download: download.plan.left / download.connections)
        seconds = longest.plan.left / longest.connections / max(speed, 1.0)
        unassigned = longest.plan.unassigned
        room = min(self._most - self._connections, -(-unassigned // LARGEST))
        if seconds < _WORTH_SPLITTING or room <= 0 or not longest.splits:
            return None
        self._speed = speed
        return longest, min(room, (self._connections + 1) // 2)


class _Download:
    """One blob: the thread that asked for it, and helpers once it is shared."""

    def __init__(
        self,
        downloads: Downloads,
        client: RegistryClient,
        descriptor: Descriptor,
        partial: PartialBlob,
        progress: Progress,
    ) -> None:
        self.downloads = downloads
        self.client = client
        self.descriptor = descriptor
        self.partial = partial
        self.progress = progress
        self.plan = Plan(partial.missing())
        self.splits = False  # whether the server does ranges, by what it has said
        self.cancellation = Cancellation()  # of this blob's transfers only
        self.connections = 1
        self._mu = threading.Lock()
        self._helpers: list[threading.Thread] = []  # guarded by _mu
        self._failure: BaseException | None = None  # guarded by _mu
        self._closed = False  # guarded by _mu

    def run(self) -> None:
        self.client.cancellation.add(self.cancellation.cancel)
        try:
            try:
                self._work_together()
            except _CannotResume:
                self._start_again()
        finally:
            self.client.cancellation.remove(self.cancellation.cancel)

    def _work_together(self) -> None:
        try:
            self._work(helping=False)
        except BaseException as error:
            self._fail(error)
        while (helper := self._next_helper()) is not None:
            helper.join()
        if self._failure is not None:
            raise self._failure
        self._work(helping=False)  # what a helper left undone

    def _start_again(self) -> None:
        """Once, from nothing: the server has another idea of what we hold."""
        self.progress.advance(self.descriptor.digest, -self.partial.present)
        self.partial.restart()
        self.plan, self.splits, self._failure = Plan(self.partial.missing()), False, None
        self.client.cancellation.remove(self.cancellation.cancel)
        self.cancellation = Cancellation()
        self.client.cancellation.add(self.cancellation.cancel)
        self._work(helping=False)

    def add_helpers(self, count: int) -> None:
        with self._mu:
            if self._closed:
                return
            self.plan.share(self.connections + count)
            for _ in range(count):
                helper = threading.Thread(target=self._help, name="range")
                try:
                    helper.start()
                except RuntimeError:
                    return  # this process may have no more threads; the blob does without
                self._helpers.append(helper)

    def _next_helper(self) -> threading.Thread | None:
        """One to wait for; after the last there will be no more."""
        with self._mu:
            self._closed = not self._helpers
            return self._helpers.pop() if self._helpers else None

    def _help(self) -> None:
        try:
            self._work(helping=True)
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """The first failure is the blob's; the others are of its making."""
        with self._mu:
            self._failure = self._failure or error
        self.cancellation.cancel()

    def _work(self, *, helping: bool) -> None:
        self._count(1 if helping else 0)
        self.downloads.connected(1)
        try:
            while (piece := self.plan.take()) is not None:
                try:
                    self._fetch_piece(piece, helping)
                    helped = True
                except _Unhelpful:
                    helped = False
                finally:
                    self.plan.done(piece)
                if not helped:
                    if not self.splits:
                        self.plan.alone()
                    return
        finally:
            self.downloads.connected(-1)
            self._count(-1 if helping else 0)

    def _count(self, change: int) -> None:
        with self._mu:
            self.connections += change

    def _fetch_piece(self, piece: Piece, helping: bool) -> None:
        retries = retry.Retries(self.client.options, self.cancellation)
        mark = piece.at
        while piece.at < piece.stop:
            try:
                retry.attempt(lambda: self._attempt(piece, helping))
            except retry.Retry as failure:
                if isinstance(failure.cause, RegistryError) and failure.cause.status in (429, 503):
                    self.downloads.settle()
                    if helping:
                        raise _Unhelpful from None
                if piece.at - mark >= _WORTH_A_RETRY:
                    retries.succeeded()
                mark = piece.at
                retries.pause(failure)

    def _attempt(self, piece: Piece, helping: bool) -> None:
        sink = _PieceSink(self, piece, helping)
        try:
            response = self.client.request(
                "GET",
                f"blobs/{self.descriptor.digest}",
                headers=_range_of(piece, self.descriptor.size),
                limit=0,
                sink=sink,
                multiplex=self.descriptor.size < _SMALL,
                retries=False,
                cancellation=self.cancellation,
            )
        except _Enough:
            return
        self._check_status(response, piece)
        if piece.at < piece.stop:
            raise self._short(response, piece)

    def _check_status(self, response: Response, piece: Piece) -> None:
        client = self.client
        what = f"blob {self.descriptor.digest} of {client.reference}"
        if response.status == 416 and piece.at:
            raise _CannotResume(f"{what}: the registry cannot resume it", status=416)
        if response.status == 404:
            raise missing_blob(self.descriptor, client.reference)
        if response.status in (200, 206):
            return
        foreign = origin(response.url) != origin(client.base)
        # An address that we were sent to may have been good for a while only.
        if response.status in retry.STATUS or (foreign and response.status in (401, 403)):
            error = RegistryError(
                f"{what}: {client.reference.domain} answers {cause_of(response)}", status=response.status
            )
            raise retry.Retry(error, retry.seconds_of(response.header("retry-after")))
        client.expect(response, what)

    def _short(self, response: Response, piece: Piece) -> ElfuseError | retry.Retry:
        """An answer that ended well, but early: of a lying server, or, for a range, of a careful one."""
        digest, size = self.descriptor.digest, self.descriptor.size
        if response.status == 206:
            return retry.Retry(RegistryError(f"blob {digest}: the registry sent less than the range"))
        return ContentMismatch(f"blob {digest} is truncated: {piece.at} bytes instead of {size}")


class _PieceSink:
    """Checks what an answer says of itself before the first byte is written; then writes it in its place."""

    def __init__(self, download: _Download, piece: Piece, helping: bool) -> None:
        self._download = download
        self._piece = piece
        self._helping = helping
        self._until = piece.stop  # where the answer ends
        self._skip = 0

    def accept(self, response: Response) -> bool:
        download, piece = self._download, self._piece
        if response.status == 206:
            self._check_range(response)
            download.splits = True
            return True
        if response.status != 200:
            return False
        if self._helping:
            download.splits = False
            raise _Unhelpful
        download.splits = "bytes" in response.header("accept-ranges").lower() and not piece.at
        # A server without ranges sends what is here once more.
        self._skip, self._until = piece.at, download.descriptor.size
        length = response.header("content-length")
        if length.isdigit() and int(length) != download.descriptor.size:
            raise self._wrong_size(int(length))
        return True

    def write(self, data: memoryview) -> None:
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        download, piece = self._download, self._piece
        at = piece.at
        own = download.plan.advance(piece, len(data))
        if own < len(data) and piece.stop == download.descriptor.size:
            raise ContentMismatch(
                f"blob {download.descriptor.digest}: more than the {download.descriptor.size} bytes promised"
            )
        if own:
            download.partial.write_at(at, data[:own])
            download.progress.advance(download.descriptor.digest, own)
            download.downloads.moved(own)
        if own < len(data) or (piece.at >= piece.stop and piece.stop < self._until):
            raise _Enough

    def _check_range(self, response: Response) -> None:
        size, digest = self._download.descriptor.size, self._download.descriptor.digest
        span = response.header("content-range").lower()
        match = re.fullmatch(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", span)
        if not match or int(match[1]) != self._piece.at or int(match[2]) < self._piece.at:
            raise RegistryError(f"blob {digest}: the registry sent another range than was asked for")
        if match[3] != "*" and int(match[3]) != size:
            raise self._wrong_size(int(match[3]))

    def _wrong_size(self, size: int) -> ContentMismatch:
        promised = self._download.descriptor.size
        word = "is truncated" if size < promised else "is too long"
        return ContentMismatch(
            f"blob {self._download.descriptor.digest} {word}: the registry has {size} bytes, "
            f"the manifest says {promised}"
        )


class _Enough(Exception):
    """The piece is whole; what follows on this connection is somebody else's."""


class _Unhelpful(Exception):
    """A further connection is no use: the server is busy, or sends the whole blob for any range."""


class _CannotResume(RegistryError):
    """The server has no byte where we want to go on."""


def _range_of(piece: Piece, size: int) -> dict[str, str]:
    if piece.stop < size:
        return {"Range": f"bytes={piece.at}-{piece.stop - 1}"}
    return {"Range": f"bytes={piece.at}-"} if piece.at else {}

"""Which bytes of a blob are fetched by whom: one open piece, or many when several connections pay."""

import threading

from elfuse.oci.blobs import Span

SMALLEST = 1 << 20
LARGEST = 16 << 20


class Piece:
    """Bytes `at` to `stop` of a blob, which one connection fetches; `stop` may come nearer meanwhile."""

    def __init__(self, at: int, stop: int) -> None:
        self.at = at
        self.stop = stop


class Plan:
    """What is missing of one blob, dealt out piece by piece. Thread-safe.

    Alone, a connection takes a whole gap in one request. Once `share()` was called it stops at a near
    point, and all connections take pieces in order: a share of what is left, smaller towards the end, so
    that all of them end together and what arrived out of order lies close ahead of what is hashed.
    """

    def __init__(self, gaps: list[Span]) -> None:
        self._mu = threading.Lock()
        self._gaps = list(gaps)  # guarded by _mu
        self._taken: set[Piece] = set()  # guarded by _mu
        self._workers = 1  # guarded by _mu

    @property
    def unassigned(self) -> int:
        """Bytes that a further connection could fetch: those of nobody, and the far end of an open piece."""
        with self._mu:
            open_ends = sum(max(0, piece.stop - piece.at - LARGEST) for piece in self._taken)
            return sum(stop - start for start, stop in self._gaps) + open_ends

    @property
    def left(self) -> int:
        with self._mu:
            taken = sum(piece.stop - piece.at for piece in self._taken)
            return taken + sum(stop - start for start, stop in self._gaps)

    def share(self, workers: int) -> None:
        """Deal out for so many connections from now on."""
        with self._mu:
            self._workers = max(workers, self._workers)
            for piece in self._taken:
                near = piece.at + self._size_of_piece()
                if piece.stop - near >= SMALLEST:
                    self._gaps.append((near, piece.stop))
                    piece.stop = near
            self._gaps.sort()

    def take(self) -> Piece | None:
        """The next piece; None when there is nothing left to begin."""
        with self._mu:
            if not self._gaps:
                return None
            start, stop = self._gaps.pop(0)
            if self._workers > 1 and stop - start > self._size_of_piece() + SMALLEST:
                near = start + self._size_of_piece()
                self._gaps.insert(0, (near, stop))
                stop = near
            piece = Piece(start, stop)
            self._taken.add(piece)
            return piece

    def done(self, piece: Piece) -> None:
        """The piece is here, or its fetcher has given up: what it lacks is anybody's again."""
        with self._mu:
            self._taken.discard(piece)
            if piece.at < piece.stop:
                self._gaps.append((piece.at, piece.stop))
                self._gaps.sort()

    def advance(self, piece: Piece, count: int) -> int:
        """`count` bytes have arrived for the piece; how many of them are its own."""
        with self._mu:
            own = min(count, piece.stop - piece.at)
            piece.at += own
            return own

    def _size_of_piece(self) -> int:
        left = sum(stop - start for start, stop in self._gaps)
        left += sum(piece.stop - piece.at for piece in self._taken)
        return max(SMALLEST, min(LARGEST, left // (2 * self._workers)))

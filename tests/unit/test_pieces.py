"""How a blob is dealt out, and when further connections are taken to pay."""

import threading
from itertools import pairwise

import pytest

from elfuse.oci import transfer
from elfuse.oci.pieces import LARGEST, SMALLEST, Plan
from elfuse.oci.transfer import Downloads

MIB = 1 << 20


def test_alone_a_gap_is_one_piece() -> None:
    plan = Plan([(5, 10), (20, 100 * MIB)])
    first, second = plan.take(), plan.take()
    assert first is not None and (first.at, first.stop) == (5, 10)
    assert second is not None and (second.at, second.stop) == (20, 100 * MIB)
    assert plan.take() is None and plan.left == 5 + 100 * MIB - 20


def test_shared_an_open_piece_ends_near() -> None:
    size = 200 * MIB
    plan = Plan([(0, size)])
    front = plan.take()
    assert front is not None and plan.advance(front, 10 * MIB) == 10 * MIB
    assert plan.unassigned == size - 10 * MIB - LARGEST
    plan.share(4)
    assert front.stop == 10 * MIB + LARGEST
    helper = plan.take()
    assert helper is not None and (helper.at, helper.stop) == (front.stop, front.stop + LARGEST)
    # What a fetcher leaves is the next to be taken.
    plan.advance(helper, 100)
    plan.done(helper)
    again = plan.take()
    assert again is not None and again.at == helper.at


def test_where_there_are_no_ranges_the_open_piece_goes_on() -> None:
    size = 200 * MIB
    plan = Plan([(0, size)])
    front = plan.take()
    plan.share(3)
    helpers = [plan.take(), plan.take()]
    for helper in helpers:
        assert helper is not None
        plan.done(helper)
        plan.alone()
    assert front is not None and front.stop == size and plan.take() is None


@pytest.mark.parametrize("workers", [1, 2, 5, 12])
def test_every_byte_is_dealt_out_once(workers: int) -> None:
    size = 37 * MIB + 13
    plan = Plan([(0, 3), (1000, size)])
    covered: list[tuple[int, int]] = []
    mu = threading.Lock()

    def work() -> None:
        while (piece := plan.take()) is not None:
            start = piece.at
            while piece.at < piece.stop:
                plan.advance(piece, 300_000)
            with mu:
                covered.append((start, piece.at))
            plan.done(piece)

    plan.share(workers)
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    covered.sort()
    assert covered[0] == (0, 3) and covered[1][0] == 1000 and covered[-1][1] == size
    assert all(a[1] == b[0] for a, b in pairwise(covered[1:]))
    if workers > 1:
        assert max(stop - start for start, stop in covered) <= LARGEST + SMALLEST
    assert plan.left == 0


class Blob:
    """What Downloads looks at in a download."""

    def __init__(self, left: int, splits: bool = True) -> None:
        self.plan = Plan([(0, left)])
        self.piece = self.plan.take()
        self.splits = splits
        self.connections = 1


class Line:
    """A clock, and connections that get a speed which may depend on how many there are."""

    def __init__(self, jobs: int = 6, waiting: int = 0) -> None:
        self.now = 0.0
        self.waiting = waiting
        self.downloads = Downloads(jobs, lambda: self.waiting, lambda: self.now)

    def choose(self, blob: Blob, connections: int, speed: float) -> int:
        """How many connections would be added."""
        self.now += 1
        downloads = self.downloads
        downloads._active, downloads._connections = [blob], connections  # type: ignore[list-item]
        chosen = downloads._choose(speed)
        return chosen[1] if chosen else 0


def test_connections_are_added_while_each_gets_as_much() -> None:
    line, blob = Line(), Blob(400 * MIB)
    assert [line.choose(blob, n, 2.5e6) for n in (1, 2, 3, 5, 8, 12)] == [1, 1, 2, 3, 4, 0]


def test_a_full_line_gets_no_more() -> None:
    line, blob = Line(), Blob(400 * MIB)
    assert line.choose(blob, 1, 6e6) == 1
    assert line.choose(blob, 2, 3e6) == 0  # half for each: it was the line
    assert line.choose(blob, 2, 3e6) == 0
    line.now += transfer._SETTLED
    assert line.choose(blob, 2, 3e6) == 1  # lines change


def test_what_is_nearly_done_or_cannot_be_split_is_left_alone() -> None:
    assert Line().choose(Blob(100 * MIB), 1, 200e6) == 0
    assert Line().choose(Blob(100 * MIB, splits=False), 1, 1e6) == 0
    assert Line(waiting=1).choose(Blob(100 * MIB), 1, 1e6) == 0
    assert Line().choose(Blob(LARGEST), 1, 1e6) == 0
    line = Line()
    line.downloads.settle()
    assert line.choose(Blob(100 * MIB), 1, 1e6) == 0

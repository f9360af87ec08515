"""The event loop's bookkeeping, where no server can be made to hit the moment."""

from collections import deque

from elfuse.oci.http import Request
from elfuse.oci.multi import HttpClient, _Transfer


class GivenBackLate(deque[bytearray]):
    """The receiver gives its buffer back after the loop has looked, and before the loop has said so."""

    looks = 0

    def __bool__(self) -> bool:
        self.looks += 1
        return self.looks > 1


def test_a_buffer_that_is_given_back_at_the_last_moment_is_used() -> None:
    with HttpClient() as client:
        transfer = _Transfer(Request("http://127.0.0.1/"), None, lambda: None, deque())
        transfer.free = GivenBackLate([bytearray(8)])
        # Paused here, nobody would ever wake it: the receiver has seen no flag.
        assert client._on_body(transfer, b"data") is None
        assert not transfer.paused


def test_a_transfer_without_buffers_pauses() -> None:
    woken: list[None] = []
    with HttpClient() as client:
        transfer = _Transfer(
            Request("http://127.0.0.1/", limit=100), None, lambda: woken.append(None), deque()
        )
        transfer.free = deque([bytearray(4), bytearray(4)])
        assert [client._on_body(transfer, b"1234") for _ in range(3)][:2] == [None, None]
        assert transfer.paused and not woken
        transfer.end(None)
        assert transfer.receive().body == b"12341234"
        assert woken

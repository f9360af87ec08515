"""Transfers over libcurl's multi interface: one event loop in a thread of its own, any number of requests.

A request is made by the thread that wants its answer, which waits and gets the body as it arrives; the loop
only receives. A transfer has two buffers, one that the loop fills and one that the receiver empties: when
both are full it is paused, and the others go on. Connections are kept and shared by all requests of a client.
"""

import contextlib
import os
import re
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pycurl

from elfuse import __version__
from elfuse.errors import NetworkError, RegistryError
from elfuse.oci.http import (
    ERROR_BODY_LIMIT,
    Cancelled,
    FileBody,
    Options,
    Request,
    Response,
    TransferError,
    authorities,
    ca_bundle,
    is_loopback,
)

# Large pieces: a hash and a write of 16 KiB, which is what libcurl gives at once, cost three times as much.
STREAM_BUFFER = 256 << 10
_DOCUMENT_BUFFER = 64 << 10
_HAND_OVER_AFTER = 0.1  # seconds that a buffer may take to fill
_HEADER_LIMIT = 64 << 10
_KEPT_CONNECTIONS = 32
_STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")
_TLS_ERRORS = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_SSL_CACERT_BADFILE,
    }
)
# Nothing was reached: asking again at once would only delay the message.
_UNREACHED = frozenset(
    {
        pycurl.E_COULDNT_RESOLVE_HOST,
        pycurl.E_COULDNT_RESOLVE_PROXY,
        pycurl.E_COULDNT_CONNECT,
        pycurl.E_URL_MALFORMAT,
        pycurl.E_UNSUPPORTED_PROTOCOL,
    }
)


class HttpClient:
    """All connections of one command. Every method may be called from any thread."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, _KEPT_CONNECTIONS)
        self._selector = selectors.DefaultSelector()
        self._wake_fd, self._waker = os.pipe()
        os.set_blocking(self._wake_fd, False)
        os.set_blocking(self._waker, False)
        self._selector.register(self._wake_fd, selectors.EVENT_READ)
        self._timer: float | None = None
        self._commands: deque[Callable[[], None]] = deque()
        self._under_way: dict[Any, _Transfer] = {}
        self._idle: list[Any] = []
        self._filling: set[_Transfer] = set()  # with bytes that their receivers have not been told of
        self._spare: deque[bytearray] = deque()  # buffers of ended streams
        self._closed = False
        self._mu = threading.Lock()
        self._thread: threading.Thread | None = None  # guarded by _mu
        self._bundle = ca_bundle()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the loop and all connections. What is under way gets Cancelled."""
        with self._mu:
            thread, already = self._thread, self._closed
            self._closed = True
        if already:
            return
        if thread is not None:
            self._wake()
            thread.join()
        else:
            self._release()

    def perform(self, request: Request) -> Response:
        """Make the request and return its whole answer, whatever its status. Raises NetworkError."""
        transfer = _Transfer(request, authorities(request.trust), self._wake, self._spare)
        self._submit(lambda: self._start(transfer))
        cancellation = request.cancellation
        if cancellation is not None:
            cancellation.add(transfer.cancel)
        try:
            return transfer.receive()
        except BaseException:
            self._submit(lambda: self._drop(transfer))
            raise
        finally:
            if cancellation is not None:
                cancellation.remove(transfer.cancel)

    # -- from any thread

    def _submit(self, command: Callable[[], None]) -> None:
        with self._mu:
            if self._closed:
                raise Cancelled("the transfer was cancelled")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="transfers", daemon=True)
                self._thread.start()
            self._commands.append(command)
        self._wake()

    def _wake(self) -> None:
        # Full: it will wake. Closed: there is nothing to wake.
        with contextlib.suppress(OSError):
            os.write(self._waker, b"\0")

    # -- in the loop's thread

    def _run(self) -> None:
        try:
            while not self._closed:
                self._step()
        finally:
            with self._mu:
                self._closed = True
            self._release()

    def _step(self) -> None:
        for key, mask in self._selector.select(self._patience()):
            if key.fd == self._wake_fd:
                self._take_commands()
                continue
            ready = pycurl.CSELECT_IN if mask & selectors.EVENT_READ else 0
            ready |= pycurl.CSELECT_OUT if mask & selectors.EVENT_WRITE else 0
            self._multi.socket_action(key.fd, ready)
        if self._timer is not None and time.monotonic() >= self._timer:
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._finish_ended()
        if self._filling:
            self._hand_over(time.monotonic() - _HAND_OVER_AFTER)

    def _patience(self) -> float | None:
        if self._timer is None:
            return _HAND_OVER_AFTER if self._filling else None
        timer = max(0.0, self._timer - time.monotonic())
        return min(timer, _HAND_OVER_AFTER) if self._filling else timer

    def _hand_over(self, before: float) -> None:
        """Give the receivers what began to arrive before that time."""
        for transfer in [transfer for transfer in self._filling if transfer.since <= before]:
            transfer.hand_over()
            self._filling.discard(transfer)

    def _take_commands(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_fd, 4096):
                pass
        while self._commands:
            self._commands.popleft()()
        for curl, transfer in self._under_way.items():
            if transfer.paused and transfer.free:
                transfer.paused = False
                curl.pause(pycurl.PAUSE_CONT)

    def _watch(self, what: int, fd: int, multi: object, data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(fd)
            return
        events = selectors.EVENT_READ if what & pycurl.POLL_IN else 0
        events |= selectors.EVENT_WRITE if what & pycurl.POLL_OUT else 0
        try:
            self._selector.modify(fd, events)
        except KeyError:
            self._selector.register(fd, events)

    def _set_timer(self, milliseconds: int) -> None:
        self._timer = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def _start(self, transfer: "_Transfer") -> None:
        if transfer.dropped:
            return
        curl = self._idle.pop() if self._idle else pycurl.Curl()
        try:
            curl.reset()
            configure(curl, transfer.request, self.options, self._bundle, transfer.authorities)
            curl.setopt(pycurl.HEADERFUNCTION, transfer.on_header)
            curl.setopt(pycurl.WRITEFUNCTION, lambda data: self._on_body(transfer, data))
            self._multi.add_handle(curl)
        except (pycurl.error, ValueError) as error:
            transfer.end((pycurl.E_URL_MALFORMAT, str(error)))
            return
        self._under_way[curl] = transfer

    def _on_body(self, transfer: "_Transfer", data: bytes) -> int | None:
        if not transfer.fill(data):
            # The flag first, then the look: the receiver gives a buffer back first and then looks at the
            # flag, so one of the two sees the other.
            transfer.paused = True
            if not transfer.fill(data):
                return int(pycurl.WRITEFUNC_PAUSE)
            transfer.paused = False
        self._filling.add(transfer)
        return None

    def _finish_ended(self) -> None:
        while True:
            queued, good, bad = self._multi.info_read()
            for curl in good:
                self._finish(curl, None)
            for curl, code, message in bad:
                self._finish(curl, (code, message))
            if not queued:
                return

    def _finish(self, curl: Any, failure: tuple[int, str] | None) -> None:
        transfer = self._under_way.pop(curl)
        self._multi.remove_handle(curl)
        self._idle.append(curl)
        self._filling.discard(transfer)
        transfer.hand_over()
        transfer.end(failure)

    def _drop(self, transfer: "_Transfer") -> None:
        transfer.dropped = True
        self._filling.discard(transfer)
        for curl, other in self._under_way.items():
            if other is transfer:
                del self._under_way[curl]
                self._multi.remove_handle(curl)
                self._idle.append(curl)
                return

    def _release(self) -> None:
        while self._commands:
            self._commands.popleft()()
        for curl, transfer in self._under_way.items():
            self._multi.remove_handle(curl)
            curl.close()
            transfer.cancel()
        self._under_way.clear()
        for curl in self._idle:
            curl.close()
        self._multi.close()
        self._selector.close()
        os.close(self._wake_fd)
        os.close(self._waker)


class _Transfer:
    """One request between the loop, which fills it, and the thread that asked, which empties it."""

    def __init__(
        self,
        request: Request,
        extra_authorities: bytes | None,
        wake: Callable[[], None],
        spare: deque[bytearray],
    ) -> None:
        self.request = request
        self.authorities = extra_authorities
        self.response = Response(request.url)
        self._spare = spare if request.sink is not None else deque[bytearray]()
        self.free: deque[bytearray] = deque(self._new_buffer() for _ in range(2))
        self.since = 0.0  # when the first byte came that has not been handed over
        self.paused = False
        self.dropped = False
        self._buffer: bytearray | None = None  # the loop's
        self._length = 0  # the loop's
        self._wake = wake
        self._events: SimpleQueue[tuple[bytearray, int] | _End] = SimpleQueue()
        self._header_bytes = 0

    def _new_buffer(self) -> bytearray:
        try:
            return self._spare.popleft()
        except IndexError:
            return bytearray(_DOCUMENT_BUFFER if self.request.sink is None else STREAM_BUFFER)

    # -- the loop's side

    def on_header(self, line: bytes) -> int | None:
        match = _STATUS_LINE.match(line)
        if match:
            # A new block: after a 100 Continue or a proxy's answer to CONNECT.
            self.response.status = int(match[1])
            self.response.headers.clear()
        self._header_bytes += len(line)
        if self._header_bytes > _HEADER_LIMIT:
            self._events.put(_End(RegistryError(f"{self.request.url}: the response headers are too large")))
            return -1
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            self.response.headers.setdefault(name.strip().lower(), []).append(value.strip())
        return None

    def fill(self, data: bytes) -> bool:
        """Keep `data` for the receiver; False when there is no room until it has emptied a buffer."""
        if self._buffer is not None and self._length + len(data) > len(self._buffer):
            self.hand_over()
        if self._buffer is None:
            if not self.free:
                return False
            self._buffer, self._length, self.since = self.free.popleft(), 0, time.monotonic()
        end = self._length + len(data)
        self._buffer[self._length : end] = data
        self._length = end
        return True

    def hand_over(self) -> None:
        if self._buffer is not None:
            self._events.put((self._buffer, self._length))
            self._buffer = None

    def end(self, failure: tuple[int, str] | None) -> None:
        self._events.put(_End(None if failure is None else failure_of(self.request.url, *failure)))

    # -- from any thread

    def cancel(self) -> None:
        self._events.put(_End(Cancelled("the transfer was cancelled")))

    # -- the receiver's side

    def receive(self) -> Response:
        sink, response = self.request.sink, self.response
        streaming: bool | None = None
        while True:
            event = self._events.get()
            if isinstance(event, _End):
                break
            if streaming is None:
                streaming = sink is not None and sink.accept(response)
            buffer, length = event
            with memoryview(buffer)[:length] as data:
                if streaming and sink is not None:
                    sink.write(data)
                else:
                    self._keep(data)
            self.free.append(buffer)
            if self.paused:
                self._wake()
        if event.error is not None:
            raise event.error
        self._spare.extend(self.free)  # the loop is done with them
        if streaming is None and sink is not None:
            sink.accept(response)  # an empty body, yet the sink must have seen the answer
        return response

    def _keep(self, data: memoryview) -> None:
        body, limit = self.response.body, self.request.limit
        failed = self.response.status >= 300
        room = (ERROR_BODY_LIMIT if failed else limit) - len(body)
        if len(data) > room and not failed:
            raise RegistryError(f"{self.request.url}: the answer is larger than {limit} bytes")
        body += data[: max(room, 0)]


class _End:
    __slots__ = ("error",)

    def __init__(self, error: Exception | None) -> None:
        self.error = error


def configure(
    curl: Any, request: Request, options: Options, bundle: str | None, extra_authorities: bytes | None
) -> None:
    """Set what every request needs: limits, trust, method and body. Nothing is left to a default."""
    curl.setopt(pycurl.URL, request.url)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.USERAGENT, f"elfuse/{__version__}")
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(options.connect_timeout * 1000))
    curl.setopt(pycurl.LOW_SPEED_LIMIT, options.stall_speed)
    curl.setopt(pycurl.LOW_SPEED_TIME, max(1, int(options.stall_timeout)))
    curl.setopt(pycurl.BUFFERSIZE, 256 << 10)
    curl.setopt(pycurl.TCP_KEEPALIVE, 1)
    if request.multiplex:
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.PIPEWAIT, 1)
    else:
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    if is_loopback(urlsplit(request.url).hostname or ""):
        # As Go's clients do: a proxy cannot reach our loopback.
        curl.setopt(pycurl.PROXY, "")
    _set_trust(curl, request, bundle, extra_authorities)
    _set_method(curl, request)


def _set_trust(curl: Any, request: Request, bundle: str | None, extra_authorities: bytes | None) -> None:
    trust = request.trust
    curl.setopt(pycurl.SSL_VERIFYPEER, int(trust.verify))
    curl.setopt(pycurl.SSL_VERIFYHOST, 2 if trust.verify else 0)
    if extra_authorities is not None:
        curl.setopt(pycurl.CAINFO_BLOB, extra_authorities)
    elif bundle is not None:
        curl.setopt(pycurl.CAINFO, bundle)
    if trust.client_cert is not None:
        curl.setopt(pycurl.SSLCERT, trust.client_cert)
        curl.setopt(pycurl.SSLKEY, trust.client_key or trust.client_cert)


def _set_method(curl: Any, request: Request) -> None:
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    if request.method == "HEAD":
        curl.setopt(pycurl.NOBODY, 1)
    elif request.method != "GET":
        body = request.body
        source = body if isinstance(body, FileBody) else None
        size = source.size if source is not None else len(body or b"")  # type: ignore[arg-type]
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        curl.setopt(pycurl.INFILESIZE_LARGE, size)
        reader = _BodyReader(body)
        curl.setopt(pycurl.READFUNCTION, reader.read)
        curl.setopt(pycurl.SEEKFUNCTION, reader.seek)
        headers.append("Expect:")  # a second of waiting for a server that does not answer it
    curl.setopt(pycurl.HTTPHEADER, headers)


class _BodyReader:
    """A request's body, as libcurl asks for it; it seeks to 0 when a kept connection proved to be dead."""

    def __init__(self, body: bytes | FileBody | None) -> None:
        self._body = body
        self._at = 0

    def read(self, count: int) -> bytes:
        body = self._body
        if isinstance(body, FileBody):
            count = min(count, body.size - self._at)
            data = os.pread(body.file.fileno(), count, body.start + self._at)
            if body.sent is not None:
                body.sent(len(data))
        else:
            data = (body or b"")[self._at : self._at + count]
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int) -> int:
        if isinstance(self._body, FileBody) and self._body.sent is not None:
            self._body.sent(offset - self._at)
        self._at = offset
        return 0


def failure_of(url: str, code: int, cause: str) -> NetworkError:
    """The error that a user reads for one of libcurl's."""
    host = urlsplit(url).netloc
    hint = None
    if code in (pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY, pycurl.E_COULDNT_CONNECT):
        hint = "check the network and the name of the registry (HTTPS_PROXY is honoured)"
    elif code in (pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE):
        hint = "name the registry's CA with SSL_CERT_FILE or --cert-dir"
    elif code in _TLS_ERRORS and is_loopback(urlsplit(url).hostname or ""):
        hint = "for a plain HTTP registry on this machine pass --tls-verify=false"
    tls = code in _TLS_ERRORS
    cause = cause or f"libcurl error {code}"
    unreached = code in _UNREACHED or tls
    return TransferError(
        f"cannot reach {host}: {cause}" if unreached else f"{host}: {cause}",
        hint=hint,
        retryable=not unreached,
        tls=tls,
    )

"""A registry that misbehaves on demand: plain HTTP on loopback, every answer scripted."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from tests.oci.images import INDEX, MANIFEST, Image, index_of, sha256

Hook = Callable[["Exchange"], bool]


@dataclass
class Exchange:
    """One request, and the means to answer it. A hook returns True when it did."""

    handler: BaseHTTPRequestHandler
    registry: "FaultyRegistry"

    @property
    def path(self) -> str:
        return self.handler.path

    def header(self, name: str) -> str | None:
        return self.handler.headers.get(name)

    def answer(
        self,
        status: int,
        body: bytes = b"",
        length: int | None = None,
        fields: Mapping[str, str] | None = None,
        **headers: str,
    ) -> bool:
        self.handler.send_response(status)
        for name, value in {**(fields or {}), **headers}.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.send_header("Content-Length", str(len(body) if length is None else length))
        self.handler.end_headers()
        if self.handler.command != "HEAD":
            self.registry.send(self, body)
        return True

    def hang_up(self) -> None:
        self.handler.close_connection = True


@dataclass
class FaultyRegistry:
    """Serves images by name; `hooks` see each request first."""

    images: dict[str, bytes] = field(default_factory=dict)  # "name:tag" -> top document
    blobs: dict[str, bytes] = field(default_factory=dict)
    hooks: list[Hook] = field(default_factory=list)
    seen: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    ranges: bool = True
    rate: int = 0  # bytes a second of each connection; 0 is as fast as it goes
    sent: Counter[str] = field(default_factory=Counter)  # bytes of bodies by the last part of the path

    def __enter__(self) -> "FaultyRegistry":
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                registry.serve(Exchange(self, registry))

            do_HEAD = do_POST = do_GET

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                pass  # clients that hang up are part of the tests

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def add(self, name: str, *images: Image) -> str:
        """Serve the images under `name:latest`; the reference to pull."""
        for image in images:
            self.blobs.update(image.blobs)
            self.blobs[sha256(image.raw)] = image.raw
        self.images[name] = images[0].raw if len(images) == 1 else index_of(list(images))
        return f"{self.address}/{name}"

    def serve(self, exchange: Exchange) -> None:
        self.seen.append((exchange.path, exchange.header("Authorization"), exchange.header("Range")))
        for hook in self.hooks:
            if hook(exchange):
                return
        kind, _, selector = exchange.path.partition("?")[0].rpartition("/")
        name = kind.removeprefix("/v2/").rpartition("/")[0]
        if kind.endswith("/manifests"):
            body = self.blobs.get(selector) or self.images.get(name)
            if body is not None:
                media = INDEX if b'"manifests"' in body else MANIFEST
                exchange.answer(200, body, Content_Type=media)
                return
        if kind.endswith("/blobs") and selector in self.blobs:
            self.serve_blob(exchange, self.blobs[selector])
            return
        exchange.answer(404, b'{"errors":[{"code":"UNKNOWN","message":"not known here"}]}')

    def serve_blob(self, exchange: Exchange, data: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", exchange.header("Range") or "")
        if wanted and self.ranges:
            start, stop = int(wanted[1]), int(wanted[2] or len(data) - 1) + 1
            span = f"bytes {start}-{stop - 1}/{len(data)}"
            exchange.answer(206, data[start:stop], Content_Range=span)
        else:
            exchange.answer(200, data, fields={"Accept-Ranges": "bytes"} if self.ranges else {})

    def send(self, exchange: Exchange, body: bytes) -> None:
        """The body, counted as it leaves, at `rate`."""
        name = exchange.path.partition("?")[0].rpartition("/")[2]
        step = max(1, self.rate // 50) if self.rate else max(1, len(body))
        for at in range(0, len(body), step):
            piece = body[at : at + step]
            exchange.handler.wfile.write(piece)
            self.sent[name] += len(piece)
            if self.rate:
                time.sleep(len(piece) / self.rate)

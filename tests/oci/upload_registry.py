"""A registry on loopback that takes uploads, and fails them in the ways that a test asks for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.oci.images import sha256


@dataclass
class Uploads:
    """What arrived, and what is to go wrong."""

    address: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    partial: dict[str, bytearray] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)  # METHOD path -> what is counted
    received: int = 0  # bytes of blobs
    cut: int = 0  # the first PUT breaks after that many bytes
    statuses: list[int] = field(default_factory=list)  # answers of the next PUTs of blobs
    resumable: bool = True  # GET of an upload says how much there is
    forget: bool = False  # a broken upload is unknown afterwards
    location: str = ""  # instead of our own
    announce: str = ""  # instead of the manifest's digest
    denied: bool = False
    mu: threading.Lock = field(default_factory=threading.Lock)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Uploads

    def log_message(self, *words: object) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self) -> str:
        path = urlsplit(self.path).path
        with self.state.mu:
            self.state.log.append(f"{self.command} {path.partition('/v2/')[2]}")
        return path

    def do_GET(self) -> None:
        path = self.begin()
        if "/blobs/uploads/" not in path:
            return self.answer(200, b"{}")
        have = self.state.partial.get(path)
        if have is None:
            return self.answer(404)
        if not self.state.resumable:
            return self.answer(405)
        return self.answer(204, Location=path, Range=f"0-{max(len(have) - 1, 0)}")

    def do_HEAD(self) -> None:
        digest = self.begin().rpartition("/")[2]
        self.answer(200 if digest in self.state.blobs else 404)

    def do_POST(self) -> None:
        path = self.begin()
        if self.state.denied:
            return self.answer(403, b'{"errors":[{"code":"DENIED","message":"read only"}]}')
        with self.state.mu:
            upload = f"{path}u{len(self.state.partial)}"
            self.state.partial[upload] = bytearray()
        return self.answer(202, Location=self.state.location or upload)

    def do_PUT(self) -> None:
        path = self.begin()
        length = int(self.headers["Content-Length"])
        if "/manifests/" in path:
            data = self.rfile.read(length)
            self.state.manifests[path.rpartition("/")[2]] = (data, self.headers["Content-Type"])
            return self.answer(201, Docker_Content_Digest=self.state.announce or sha256(data))
        return self.take_blob(path, length)

    def take_blob(self, path: str, length: int) -> None:
        state = self.state
        have = state.partial.get(path)
        if have is None:
            self.rfile.read(length)
            return self.answer(404)
        if state.cut:
            have += self.rfile.read(state.cut)
            state.received += state.cut
            state.cut = 0
            if state.forget:
                del state.partial[path]
            self.close_connection = True
            return self.connection.close()
        if state.statuses:
            self.rfile.read(length)
            return self.answer(state.statuses.pop(0), Retry_After="0")
        if have:
            assert self.headers["Content-Range"].startswith(f"{len(have)}-")
        have += self.rfile.read(length)
        state.received += length
        digest = parse_qs(urlsplit(self.path).query)["digest"][0]
        if sha256(bytes(have)) != digest:
            return self.answer(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"not that digest"}]}')
        state.blobs[digest] = bytes(have)
        return self.answer(201)


@contextmanager
def serving() -> Iterator[Uploads]:
    state = Uploads()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"state": state}))
    state.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

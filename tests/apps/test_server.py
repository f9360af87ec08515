"""A server in a guest and its clients outside: sockets and threads of a real program."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.apps.conftest import ImageCommand

CLIENTS, REQUESTS = 8, 40


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def test_http_server(image_command: ImageCommand, tmp_path: Path) -> None:
    body = bytes(range(256)) * 4096
    tmp_path.chmod(0o755)  # the image's user has to read it
    (tmp_path / "file").write_bytes(body)
    port = free_port()
    server = subprocess.Popen(
        image_command(
            "python",
            *("python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "/shared", str(port)),
            options=("--volume", f"{tmp_path}:/shared:ro"),
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout and server.stderr
        address = f"http://127.0.0.1:{port}/"
        wait_until_it_listens(server, port)

        def get(_: int) -> bool:
            with urllib.request.urlopen(address + "file", timeout=60) as answer:
                return bool(answer.read() == body)

        with ThreadPoolExecutor(CLIENTS) as pool:
            assert all(pool.map(get, range(REQUESTS)))
        with pytest.raises(urllib.error.HTTPError, match="404") as missing:
            urllib.request.urlopen(address + "none", timeout=60)
        missing.value.close()

        server.send_signal(signal.SIGINT)  # reaches the guest, where it is a KeyboardInterrupt
        out, log = server.communicate(timeout=60)
        assert (server.returncode, "Keyboard interrupt received" in out) == (0, True), (out, log)
        assert log.count('"GET /file HTTP/1.1" 200') == REQUESTS
    finally:
        server.kill()
        server.wait()


def wait_until_it_listens(server: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(server.communicate(timeout=10) if server.poll() is not None else "does not listen")

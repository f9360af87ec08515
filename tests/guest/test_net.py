"""What two runs, and a run and the host, see of each other's AF_UNIX sockets."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.guest import harness

PEER = harness.Program("unix_peer_helper", harness.HELPERS / "unix_peer.c")
REFUSED = 111
NOBODY = 65534


def spec(root: harness.GuestRoot, volume: Path, role: str) -> dict[str, Any]:
    found = harness.spec_for(root, ["/bin/peer", role])
    found["mounts"].append({"type": "bind", "source": str(volume), "target": "/vol"})
    return found


def start(root: harness.GuestRoot, volume: Path, role: str) -> subprocess.Popen[bytes]:
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(spec(root, volume, role)).encode())
        file.seek(0)
        return subprocess.Popen(
            [harness.vm_path(), "--spec-fd", str(file.fileno())],
            pass_fds=[file.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            cwd="/",
        )


@pytest.fixture
def root(tmp_path: Path) -> Any:
    found = harness.GuestRoot("plain")
    found.install(harness.build(PEER), "/bin/peer")
    yield found
    found.remove()


def test_two_runs_share_paths_and_no_abstract_names(root: harness.GuestRoot, tmp_path: Path) -> None:
    (root.tree / "vol").mkdir()
    with socket.socket(socket.AF_UNIX) as outside, socket.socket(socket.AF_UNIX) as caller:
        outside.bind(b"\0outside")
        outside.listen()
        with start(root, tmp_path, "serve") as server:
            assert server.stdout
            try:
                assert server.stdout.readline() == b"ready\n"
                with pytest.raises(ConnectionRefusedError):
                    caller.connect(b"\0shared")
                client = harness.run_spec(spec(root, tmp_path, "call"))
                said = server.stdout.read()
            finally:
                server.kill()
    assert client.stdout.splitlines() == [
        "server /vol/socket",
        f"server pid 0 uid {NOBODY}",
        f"abstract {-REFUSED}",
        f"outside {-REFUSED}",
    ]
    assert (said.decode(), client.returncode) == (f"client pid 0 uid {NOBODY}\n", 0)


def test_a_mounted_socket_can_be_called(root: harness.GuestRoot, tmp_path: Path) -> None:
    """Its name is a path of the host's, which means nothing in the guest."""
    (root.tree / "vol").touch()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen()

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.send(b"m")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        done = harness.run_spec(spec(root, tmp_path / "socket", "mounted"))
        thread.join(10)
    assert done.stdout == "name of 2 bytes\nreceived m\n", done.stderr

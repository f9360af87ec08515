"""Debian's docker-registry on loopback, and certificates for it."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme

REGISTRY = shutil.which("docker-registry") or "/usr/bin/docker-registry"


@dataclass(frozen=True)
class Certificates:
    """A CA, alone in its directory, and a server certificate of it for this machine."""

    ca: Path
    certificate: Path
    key: Path


def certificates(work: Path) -> Certificates:
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    (work / "certs").mkdir()
    made = Certificates(work / "certs/ca.crt", work / "server.crt", work / "server.key")
    authority.cert_pem.write_to_path(made.ca)
    server.private_key_pem.write_to_path(made.key)
    made.certificate.write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
    return made


@contextlib.contextmanager
def docker_registry(work: Path, tls: Certificates | None = None, auth: str = "") -> Iterator[str]:
    """A registry with its blobs in work/data; the address. `auth` is the YAML of that section."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    secure = f", tls: {{certificate: {tls.certificate}, key: {tls.key}}}" if tls else ""
    (work / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: warn}}\n"
        f"storage: {{filesystem: {{rootdirectory: {work}/data}}}}\n"
        f"http: {{addr: '{address}'{secure}}}\n" + (f"auth: {auth}\n" if auth else "")
    )
    with (work / "log").open("wb") as log:
        process = subprocess.Popen([REGISTRY, "serve", str(work / "config.yml")], stdout=log, stderr=log)
    try:
        _wait_for(address, process, work / "log")
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    host, _, port = address.partition(":")
    for _ in range(200):
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
    raise AssertionError(f"the registry does not answer: {log.read_text()}")

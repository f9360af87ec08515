"""A registry that lies, breaks off, redirects or asks for tokens it should not get."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import elfuse as api
from elfuse.errors import (
    AuthenticationError,
    ContentMismatch,
    InvalidImage,
    NetworkError,
    RegistryError,
)
from elfuse.oci import http, multi
from tests.oci.conftest import Result, assert_clean
from tests.oci.faulty import Exchange, FaultyRegistry
from tests.oci.images import INDEX, MANIFEST, Image, sample, sha256, tar


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyRegistry]:
    # The same code with less patience: what is waited for here is minutes in life.
    quick = http.Options(connect_timeout=5, stall_timeout=2, attempts=4, backoff=0.01, retry_after_limit=1.5)
    monkeypatch.setattr(multi, "Options", lambda: quick)
    with FaultyRegistry() as server:
        yield server


def pull(reference: str) -> object:
    return api.pull(reference, tls_verify=False)


def first_layer(image: Image) -> str:
    return str(image.manifest["layers"][0]["digest"])


def big() -> Image:
    return Image([tar([("noise", os.urandom(5 << 20))])])


def on_blob(digest: str, act: Callable[[Exchange], bool]) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.path.endswith(f"/blobs/{digest}") and act(exchange)


def test_wrong_content_of_a_layer(faulty: FaultyRegistry, store_path: Path) -> None:
    image = sample()
    ref = faulty.add("wrong", image)
    data = faulty.blobs[first_layer(image)]
    faulty.blobs[first_layer(image)] = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(ContentMismatch, match=f"blob {first_layer(image)} has the wrong content"):
        pull(ref)
    assert_clean(store_path)
    assert first_layer(image)[7:] not in os.listdir(store_path / "blobs/sha256")


def test_the_command_says_it_in_one_line(
    faulty: FaultyRegistry, store_path: Path, elfuse: Callable[..., Result]
) -> None:
    image = sample()
    ref = faulty.add("wrong", image)
    faulty.blobs[first_layer(image)] = b"?" * len(faulty.blobs[first_layer(image)])
    done = elfuse("oci", "pull", "-q", "--tls-verify=false", ref)
    assert done.code == 1 and done.out == "" and len(done.err.splitlines()) == 1
    assert done.err.startswith(f"elfuse: blob {first_layer(image)} has the wrong content: its digest is ")
    run = elfuse("oci", "run", "-q", "--tls-verify=false", ref)
    assert run.code == 125 and run.err == done.err
    assert_clean(store_path)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_layer_of_another_size(faulty: FaultyRegistry, store_path: Path, change: int) -> None:
    image = sample()
    ref = faulty.add("size", image)
    data = faulty.blobs[first_layer(image)]
    faulty.blobs[first_layer(image)] = data[:-1] if change < 0 else data + b"!"
    with pytest.raises(ContentMismatch, match="is truncated" if change < 0 else "is too long"):
        pull(ref)
    assert_clean(store_path)


def test_a_body_longer_than_promised_without_a_length(faulty: FaultyRegistry, store_path: Path) -> None:
    image = sample()
    ref = faulty.add("endless", image)

    def flood(exchange: Exchange) -> bool:
        handler = exchange.handler
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x" * 65536)
        return True

    faulty.hooks.append(on_blob(first_layer(image), flood))
    with pytest.raises(ContentMismatch, match=r"more than the \d+ bytes promised"):
        pull(ref)
    assert_clean(store_path)


def test_a_connection_that_always_breaks(faulty: FaultyRegistry, store_path: Path) -> None:
    image = sample()
    ref = faulty.add("broken", image)
    data = faulty.blobs[first_layer(image)]

    def cut(exchange: Exchange) -> bool:
        exchange.answer(200, data[:50], length=len(data))
        exchange.hang_up()
        return True

    faulty.hooks.append(on_blob(first_layer(image), cut))
    with pytest.raises(NetworkError):
        pull(ref)
    asked = [path for path, _, _ in faulty.seen if path.endswith(first_layer(image))]
    assert len(asked) == 4
    assert_clean(store_path)


def test_a_broken_transfer_is_resumed_by_range(faulty: FaultyRegistry, store_path: Path) -> None:
    image = big()
    ref = faulty.add("resume", image)
    digest = first_layer(image)
    data = faulty.blobs[digest]
    cuts = [1 << 20, 3 << 20]

    def cut(exchange: Exchange) -> bool:
        if not cuts:
            return False
        start = int((exchange.header("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        stop = cuts.pop(0)
        span = f"bytes {start}-{len(data) - 1}/{len(data)}"
        exchange.answer(206 if start else 200, data[start:stop], length=len(data) - start, Content_Range=span)
        exchange.hang_up()
        return True

    faulty.hooks.append(on_blob(digest, cut))
    pull(ref)
    ranges = [wanted for path, _, wanted in faulty.seen if path.endswith(digest)]
    assert ranges == [None, f"bytes={1 << 20}-", f"bytes={3 << 20}-"]
    assert (store_path / "blobs/sha256" / digest[7:]).read_bytes() == data


def test_a_later_process_resumes_what_one_left(faulty: FaultyRegistry, store_path: Path) -> None:
    image = big()
    ref = faulty.add("later", image)
    digest = first_layer(image)
    data = faulty.blobs[digest]
    pull(faulty.add("other", sample()))
    part = store_path / "tmp" / f"sha256-{digest[7:]}.part"
    part.write_bytes(data[: 2 << 20])
    pull(ref)
    assert [wanted for path, _, wanted in faulty.seen if path.endswith(digest)] == [f"bytes={2 << 20}-"]
    assert not part.exists()
    # What is left is not a prefix of the blob: noticed by the digest, fetched anew.
    os.unlink(store_path / "blobs/sha256" / digest[7:])
    part.write_bytes(b"?" * (2 << 20))
    pull(ref)
    assert (store_path / "blobs/sha256" / digest[7:]).read_bytes() == data
    # A server that knows no ranges, and more bytes than there should be.
    faulty.ranges = False
    os.unlink(store_path / "blobs/sha256" / digest[7:])
    part.write_bytes(data[: 2 << 20])
    pull(ref)
    os.unlink(store_path / "blobs/sha256" / digest[7:])
    part.write_bytes(data + b"more")
    pull(ref)
    assert (store_path / "blobs/sha256" / digest[7:]).read_bytes() == data


def test_another_range_than_asked_for_is_refused(faulty: FaultyRegistry, store_path: Path) -> None:
    image = big()
    ref = faulty.add("range", image)
    data = faulty.blobs[first_layer(image)]
    pull(faulty.add("other", sample()))
    (store_path / "tmp" / f"sha256-{first_layer(image)[7:]}.part").write_bytes(data[: 2 << 20])
    span = f"bytes 0-{len(data) - 1}/{len(data)}"
    faulty.hooks.append(on_blob(first_layer(image), lambda e: e.answer(206, data, Content_Range=span)))
    with pytest.raises(RegistryError, match="sent another range"):
        pull(ref)


def test_busy_registries_are_waited_for(faulty: FaultyRegistry, store_path: Path) -> None:
    answers = [(429, {"Retry_After": "1"}), (503, {}), (500, {})]

    def busy(exchange: Exchange) -> bool:
        if not exchange.path.endswith("/latest") or not answers:
            return False
        status, headers = answers.pop(0)
        return exchange.answer(status, b"{}", fields=headers)

    faulty.hooks.append(busy)
    start = time.monotonic()
    pull(faulty.add("busy", sample()))
    assert time.monotonic() - start >= 1.0 and answers == []


def test_a_registry_that_stays_busy(faulty: FaultyRegistry, store_path: Path) -> None:
    body = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"rate \\u001b[31mlimit"}]}'
    faulty.hooks.append(lambda e: e.path.endswith("/latest") and e.answer(429, body))
    with pytest.raises(RegistryError, match=r"answers 429 rate \?\[31mlimit") as caught:
        pull(faulty.add("busy", sample()))
    assert caught.value.status == 429
    assert_clean(store_path)


def test_a_stalled_transfer_ends(faulty: FaultyRegistry, store_path: Path) -> None:
    image = sample()
    ref = faulty.add("stall", image)

    def stall(exchange: Exchange) -> bool:
        exchange.answer(200, b"", length=len(faulty.blobs[first_layer(image)]))
        time.sleep(3)
        return True

    faulty.hooks.append(on_blob(first_layer(image), stall))
    with pytest.raises(NetworkError, match="too slow"):
        pull(ref)


def test_wrong_manifests(faulty: FaultyRegistry, store_path: Path) -> None:
    image = sample()
    ref = faulty.add("docs", image, sample(b"other"))
    leaf = sha256(image.raw)
    served: dict[str, tuple[bytes, dict[str, str]]] = {}

    def serve(exchange: Exchange) -> bool:
        body, headers = served.get(exchange.path.rpartition("/")[2], (b"", {}))
        return bool(body) and exchange.answer(200, body, fields=headers)

    faulty.hooks.append(serve)
    served[leaf] = (image.raw + b" ", {"Content_Type": MANIFEST})
    with pytest.raises(ContentMismatch, match="sent a manifest with digest"):
        pull(ref)
    served.clear()
    top = faulty.images["docs"]
    served["latest"] = (top, {"Content_Type": INDEX, "Docker_Content_Digest": f"sha256:{'0' * 64}"})
    with pytest.raises(ContentMismatch, match="announced sha256:0000"):
        pull(ref)
    served["latest"] = (top, {"Content_Type": MANIFEST})
    with pytest.raises(InvalidImage, match="was delivered as"):
        pull(ref)
    served["latest"] = (b" " * (5 << 20), {"Content_Type": INDEX})
    with pytest.raises(RegistryError, match="is larger than"):
        pull(ref)
    served["latest"] = (b"<html>", {"Content_Type": "text/html"})
    with pytest.raises(InvalidImage, match="is not valid JSON"):
        pull(ref)
    assert_clean(store_path)


# -- redirects and tokens


def test_a_redirect_carries_no_token(faulty: FaultyRegistry, store_path: Path) -> None:
    image = sample()
    ref = faulty.add("redirect", image)
    with FaultyRegistry(blobs=faulty.blobs) as storage:
        faulty.hooks.append(_bearer(faulty, f"http://{faulty.address}/token"))
        faulty.hooks.append(
            lambda e: (
                "/blobs/" in e.path and e.answer(307, Location=f"http://{storage.address}{e.path}?signed=1")
            )
        )
        storage.hooks.append(
            lambda e: e.answer(200, storage.blobs[e.path.partition("?")[0].rpartition("/")[2]])
        )
        pull(ref)
        assert storage.seen and all(authorization is None for _, authorization, _ in storage.seen)
    assert all(auth == "Bearer good" for path, auth, _ in faulty.seen if "/blobs/" in path)


def test_a_redirect_within_the_registry_keeps_the_token(faulty: FaultyRegistry, store_path: Path) -> None:
    ref = faulty.add("local", sample())
    faulty.hooks.append(_bearer(faulty, f"http://{faulty.address}/token"))
    faulty.hooks.append(
        lambda e: (
            "/blobs/" in e.path
            and "moved" not in e.path
            and e.answer(302, Location=e.path.replace("/v2/local/", "/v2/moved/"))
        )
    )
    pull(ref)
    assert [auth for path, auth, _ in faulty.seen if "/moved/" in path] == ["Bearer good"] * 3


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("file:///etc/passwd", "redirects to 'file:///etc/passwd'"),
        ("http://registry.example.com/x", "which is not https"),
        ("ftp://127.0.0.1/x", "redirects to"),
        ("https://user:pass@127.0.0.1/x", "redirects to"),
        ("/v2/loop", "more than 5 redirects"),
    ],
)
def test_bad_redirects(faulty: FaultyRegistry, store_path: Path, target: str, message: str) -> None:
    faulty.hooks.append(
        lambda e: ("/manifests/" in e.path or "loop" in e.path) and e.answer(302, Location=target)
    )
    with pytest.raises(RegistryError, match=message):
        pull(faulty.add("bad", sample()))


def _bearer(server: FaultyRegistry, realm: str) -> Callable[[Exchange], bool]:
    def hook(exchange: Exchange) -> bool:
        if exchange.path.startswith("/token"):
            return exchange.answer(200, b'{"token":"good","expires_in":300}')
        if exchange.header("Authorization") == "Bearer good" or not exchange.path.startswith("/v2/"):
            return False
        challenge = f'Bearer realm="{realm}",service="the \\"registry\\"",scope="registry:catalog:*"'
        return exchange.answer(401, b"{}", WWW_Authenticate=challenge)

    return hook


def test_anonymous_bearer_flow(faulty: FaultyRegistry, store_path: Path) -> None:
    faulty.hooks.append(_bearer(faulty, f"http://{faulty.address}/token"))
    pull(faulty.add("org/bearer", sample()))
    asked = [path for path, _, _ in faulty.seen if path.startswith("/token")]
    # Our scope, not the one it asked for, and one token for all.
    assert asked == ["/token?service=the%20%22registry%22&scope=repository:org/bearer:pull"]


@pytest.mark.parametrize(
    ("realm", "message"),
    [
        ("http://169.254.169.254/latest/meta-data", "is not https"),
        ("https://169.254.169.254/token", "is an internal address"),
        ("https://10.0.0.1/token", "is an internal address"),
        ("https://2130706433/token", "is an internal address"),
        ("file:///etc/passwd", "no plain https address"),
        ("https://user:secret@auth.example.com/token", "no plain https address"),
        ("http://auth.example.com/token", "is not https"),
    ],
)
def test_hostile_realms(faulty: FaultyRegistry, store_path: Path, realm: str, message: str) -> None:
    faulty.hooks.append(_bearer(faulty, realm))
    with pytest.raises(AuthenticationError, match=message):
        pull(faulty.add("realm", sample()))


def test_tokens_that_are_no_tokens(faulty: FaultyRegistry, store_path: Path) -> None:
    ref = faulty.add("tokens", sample())
    answers = [
        (200, b'{"token":"good\\r\\nX-Evil: 1"}'),
        (200, b'{"token":7}'),
        (200, b"[]"),
        (200, b"no json"),
        (403, b'{"errors":[{"message":"no anonymous access"}]}'),
        (302, b""),
    ]
    faulty.hooks.append(lambda e: e.path.startswith("/token") and e.answer(*answers[0], Location="/token"))
    faulty.hooks.append(_bearer(faulty, f"http://{faulty.address}/token"))
    while answers:
        with pytest.raises(AuthenticationError):
            pull(ref)
        answers.pop(0)
    assert_clean(store_path)


def test_a_login_is_asked_for(faulty: FaultyRegistry, store_path: Path) -> None:
    faulty.hooks.append(
        lambda e: "/manifests/" in e.path and e.answer(401, b"{}", WWW_Authenticate='Basic realm="x"')
    )
    with pytest.raises(AuthenticationError, match=r"wants a login; log in with: elfuse oci login 127"):
        pull(faulty.add("login", sample()))
    assert_clean(store_path)


def test_a_refused_token_is_not_asked_for_endlessly(faulty: FaultyRegistry, store_path: Path) -> None:
    faulty.hooks.append(lambda e: e.path.startswith("/token") and e.answer(200, b'{"token":"bad"}'))
    faulty.hooks.append(_bearer(faulty, f"http://{faulty.address}/token"))
    with pytest.raises(AuthenticationError, match="denies access"):
        pull(faulty.add("refused", sample()))
    assert len([path for path, _, _ in faulty.seen if path.startswith("/token")]) == 1


def test_an_interrupt_ends_a_pull(faulty: FaultyRegistry, store_path: Path) -> None:
    image = sample()
    ref = faulty.add("slow", image)
    asked = threading.Event()

    def stall(exchange: Exchange) -> bool:
        exchange.answer(200, b"", length=len(faulty.blobs[first_layer(image)]))
        asked.set()
        time.sleep(20)
        return True

    faulty.hooks.append(on_blob(first_layer(image), stall))
    command = [sys.executable, "-m", "elfuse", "oci", "pull", "-q", "--tls-verify=false", ref]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    victim = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert asked.wait(30)
    victim.send_signal(signal.SIGINT)
    out, err = victim.communicate(timeout=15)
    # Of the signal, as a shell wants to see it that is to end its loop.
    assert (victim.returncode, out, err) == (-signal.SIGINT, b"", b"\nelfuse: interrupted\n")  # past the ^C
    assert_clean(store_path)

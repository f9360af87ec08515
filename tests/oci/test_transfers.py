"""Blobs over bad lines: in ranges, continued by anyone, nothing fetched twice, no login given away."""

import contextlib
import gzip
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import elfuse as api
from elfuse.errors import AuthenticationError, ContentMismatch, ElfuseError, NetworkError, RegistryError
from elfuse.oci import http, multi, source, transfer
from elfuse.oci.access import Access, AccessOptions, Credentials
from elfuse.oci.reference import Reference
from tests.oci.conftest import assert_clean, assert_store_is_sound
from tests.oci.faulty import Exchange, FaultyRegistry
from tests.oci.images import LAYER_GZIP, Image, sample, sha256, tar

MIB = 1 << 20
LOGIN = Credentials("me", "my secret", "the test's login")


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyRegistry]:
    quick = http.Options(connect_timeout=5, stall_timeout=2, attempts=4, backoff=0.01, retry_after_limit=1.5)
    monkeypatch.setattr(multi, "Options", lambda: quick)
    monkeypatch.setattr(source, "accesses", accesses)
    with FaultyRegistry() as server:
        yield server


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of blobs that are small enough for a test."""
    monkeypatch.setattr(transfer, "_TICK", 0.1)
    monkeypatch.setattr(transfer, "_WORTH_SPLITTING", 0.3)
    monkeypatch.setattr(transfer, "LARGEST", MIB)
    monkeypatch.setattr("elfuse.oci.pieces.LARGEST", MIB)
    monkeypatch.setattr("elfuse.oci.pieces.SMALLEST", MIB // 4)


def accesses(reference: Reference, options: AccessOptions) -> list[Access]:
    return [Access(reference, insecure=True, credentials=lambda: LOGIN)]


def noise(megabytes: int, layers: int = 1) -> Image:
    return Image([tar([(f"noise{i}", os.urandom(megabytes * MIB))]) for i in range(layers)])


def layer(image: Image, number: int = 0) -> str:
    return str(image.manifest["layers"][number]["digest"])


def ranges(server: FaultyRegistry, digest: str) -> list[str | None]:
    return [wanted for path, _, wanted in server.seen if path.endswith(digest)]


def on_blob(digest: str, act: Callable[[Exchange], bool]) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.path.endswith(f"/blobs/{digest}") and act(exchange)


def stored(store: Path, digest: str) -> bytes:
    return (store / "blobs/sha256" / digest[7:]).read_bytes()


# -- ranges


@pytest.mark.usefixtures("eager")
def test_a_slow_connection_gets_company(faulty: FaultyRegistry, store_path: Path) -> None:
    image = noise(6)
    ref, digest = faulty.add("ranges", image), layer(image)
    faulty.rate = 2 * MIB
    start = time.monotonic()
    api.pull(ref)
    assert time.monotonic() - start < 0.8 * 6 / 2  # alone it takes three seconds
    asked = ranges(faulty, digest)
    assert (
        asked[0] is None and len(asked) > 3 and all(re.fullmatch(r"bytes=\d+-\d*", a) for a in asked[1:] if a)
    )
    assert stored(store_path, digest) == faulty.blobs[digest]
    # The first connection is cut where another took over; nothing else was sent twice.
    assert faulty.sent[digest] <= len(faulty.blobs[digest]) + MIB


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("fault", ["no ranges", "another range", "too much", "cut", "busy"])
def test_ranges_that_go_wrong(faulty: FaultyRegistry, store_path: Path, fault: str) -> None:
    image = noise(6)
    ref, digest = faulty.add("bad", image), layer(image)
    data = faulty.blobs[digest]
    faulty.rate = 2 * MIB
    failed = threading.Event()

    def act(exchange: Exchange) -> bool:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", exchange.header("Range") or "")
        if wanted is None or (failed.is_set() and fault in ("cut", "busy")):
            return False
        failed.set()
        start, stop = int(wanted[1]), int(wanted[2] or len(data) - 1) + 1
        if fault == "no ranges":
            return exchange.answer(200, data)
        if fault == "busy":
            return exchange.answer(429, b"{}", Retry_After="1")
        span = f"bytes {start + (fault == 'another range')}-{stop - 1}/{len(data)}"
        body = data[start:] if fault == "too much" else data[start : stop - 100 * (fault == "cut")]
        exchange.answer(206, body, length=max(len(body), stop - start), Content_Range=span)
        exchange.hang_up()
        return True

    faulty.hooks.append(on_blob(digest, act))
    if fault == "another range":
        with pytest.raises(RegistryError, match="another range than was asked for"):
            api.pull(ref)
        assert '"manifests": []' in (store_path / "index.json").read_text()
    else:
        api.pull(ref)
        assert stored(store_path, digest) == data
    assert failed.is_set()


# -- interruptions


def pull_in_a_process(ref: str, store: Path) -> "subprocess.Popen[bytes]":
    code = (
        "import elfuse.oci.source as s, elfuse.oci.transfer as t, elfuse.oci.pieces as p, elfuse\n"
        "t._TICK, t._WORTH_SPLITTING, t.LARGEST, p.LARGEST, p.SMALLEST = .1, .3, 1 << 20, 1 << 20, 1 << 18\n"
        "from tests.oci.test_transfers import accesses\n"
        "s.accesses = accesses\n"
        f"elfuse.pull({ref!r})"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "ELFUSE_STORE": str(store)}
    return subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_an_interrupted_pull_fetched_is_not_fetched_again(
    faulty: FaultyRegistry, store_path: Path, how: signal.Signals
) -> None:
    image = noise(7)
    ref, digest = faulty.add("killed", image), layer(image)
    size = len(faulty.blobs[digest])
    faulty.rate = 2 * MIB
    victim = pull_in_a_process(ref, store_path)
    deadline = time.monotonic() + 60
    while faulty.sent[digest] < size * 0.6 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert victim.poll() is None
    victim.send_signal(how)
    victim.communicate(timeout=20)
    assert victim.returncode != 0
    time.sleep(0.3)  # until the server has noticed
    before = faulty.sent[digest]
    faulty.rate = 0
    pulled = api.pull(ref)
    assert stored(store_path, digest) == faulty.blobs[digest]
    again = faulty.sent[digest] - before
    # What had been sent and was not written: buffers of the kernel and ours, and a MiB since the last record.
    assert before + again - size <= 4 * MIB
    assert pulled.bytes_reused >= size // 4 and pulled.bytes_fetched <= again + sum(
        len(blob) for name, blob in faulty.blobs.items() if name != digest
    )


def test_a_finished_blob_stays_whatever_becomes_of_the_others(
    faulty: FaultyRegistry, store_path: Path
) -> None:
    image = noise(2, layers=3)
    ref = faulty.add("siblings", image)
    whole, half, bad = (layer(image, n) for n in range(3))
    done = threading.Event()

    def cut_for_good(exchange: Exchange) -> bool:
        data = faulty.blobs[half]
        if "Range" in exchange.handler.headers:
            return exchange.answer(404)
        exchange.answer(200, data[: 3 * MIB // 2], length=len(data))
        exchange.hang_up()
        return True

    def fail_late(exchange: Exchange) -> bool:
        done.wait(10)
        return exchange.answer(400, b"{}")

    def watch(exchange: Exchange) -> bool:
        threading.Timer(0.7, done.set).start()
        return False

    faulty.hooks += [on_blob(bad, fail_late), on_blob(whole, watch), on_blob(half, cut_for_good)]
    with pytest.raises(ElfuseError):
        api.pull(ref)
    assert stored(store_path, whole) == faulty.blobs[whole]
    assert '"manifests": []' in (store_path / "index.json").read_text()
    faulty.hooks.clear()
    before = faulty.sent.copy()
    api.pull(ref)
    assert faulty.sent[whole] == before[whole]
    assert faulty.sent[half] - before[half] == len(faulty.blobs[half]) - 3 * MIB // 2
    assert_store_is_sound(store_path)


# -- logins


def bearer(server: FaultyRegistry, good: Callable[[], str]) -> Callable[[Exchange], bool]:
    def hook(exchange: Exchange) -> bool:
        if exchange.path.startswith("/token"):
            return exchange.answer(200, f'{{"token":"{good()}","expires_in":300}}'.encode())
        if exchange.header("Authorization") == f"Bearer {good()}" or not exchange.path.startswith("/v2/"):
            return False
        challenge = f'Bearer realm="http://{server.address}/token",service="s"'
        return exchange.answer(401, fields={"WWW-Authenticate": challenge})

    return hook


def test_a_token_that_ends_in_mid_pull_is_renewed_once(faulty: FaultyRegistry, store_path: Path) -> None:
    image = noise(2, layers=4)
    ref = faulty.add("renewed", image)
    generation = [0]
    cut: set[str] = set()

    def expire(exchange: Exchange) -> bool:
        """Each layer is cut once; by then the token has come to its end."""
        name = exchange.path.rpartition("/")[2]
        data = faulty.blobs.get(name, b"")
        if len(data) < MIB or name in cut or exchange.header("Range"):
            return False
        cut.add(name)
        exchange.answer(200, data[:MIB], length=len(data))
        exchange.hang_up()
        if len(cut) == 4:
            generation[0] = 1
        while len(cut) < 4:
            time.sleep(0.01)
        return True

    faulty.hooks += [bearer(faulty, lambda: f"token{generation[0]}"), expire]
    api.pull(ref)
    assert len([path for path, _, _ in faulty.seen if path.startswith("/token")]) == 2
    for number in range(4):
        assert faulty.sent[layer(image, number)] == len(faulty.blobs[layer(image, number)])
    logins = {auth for path, auth, _ in faulty.seen if path.startswith("/token")}
    assert logins == {"Basic bWU6bXkgc2VjcmV0"}
    assert all("Basic" not in (auth or "") for path, auth, _ in faulty.seen if path.startswith("/v2/"))


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_no_login_reaches_another_host(faulty: FaultyRegistry, store_path: Path, scheme: str) -> None:
    image = noise(2)
    ref, digest = faulty.add("leaks", image), layer(image)
    with FaultyRegistry(blobs=faulty.blobs) as storage:
        refused: list[str] = []

        def steal(exchange: Exchange) -> bool:
            """The other host asks for a login, once, in every way it can."""
            if refused or exchange.path.startswith("/token"):
                return exchange.path.startswith("/token") and exchange.answer(200, b'{"token":"x"}')
            refused.append(exchange.path)
            wanted = f'Basic realm="x", Bearer realm="http://{storage.address}/token",service="s"'
            return exchange.answer(401, fields={"WWW-Authenticate": wanted})

        def challenge(exchange: Exchange) -> bool:
            if exchange.header("Authorization") == "Basic bWU6bXkgc2VjcmV0":
                return False
            return exchange.answer(401, b"{}", fields={"WWW-Authenticate": 'Basic realm="x"'})

        storage.hooks.append(steal)
        guard = challenge if scheme == "basic" else bearer(faulty, lambda: "good")
        send_away = on_blob(digest, lambda e: e.answer(307, Location=f"http://{storage.address}{e.path}?s=1"))
        faulty.hooks += [guard, send_away]
        api.pull(ref)
        assert refused and storage.sent[digest] == len(faulty.blobs[digest])
        assert [auth for _, auth, _ in storage.seen if auth is not None] == []
        assert not any(path.startswith("/token") for path, _, _ in storage.seen)


def test_a_login_that_ends_for_good(faulty: FaultyRegistry, store_path: Path) -> None:
    image = noise(2)
    ref = faulty.add("ends", image)
    faulty.hooks.append(
        lambda e: (
            ("/blobs/" in e.path or not e.header("Authorization"))
            and e.answer(401, b"{}", fields={"WWW-Authenticate": 'Basic realm="x"'})
        )
    )
    with pytest.raises(AuthenticationError, match=r"the login from the test's login may not do this"):
        api.pull(ref)
    assert_clean(store_path)


# -- slow, lying, huge


def test_a_busy_blob_is_waited_for(faulty: FaultyRegistry, store_path: Path) -> None:
    image = noise(1)
    ref, digest = faulty.add("busy", image), layer(image)
    answers = [(429, {"Retry-After": "1"}), (503, {}), (502, {})]
    faulty.hooks.append(
        on_blob(digest, lambda e: bool(answers) and e.answer(answers[0][0], b"{}", fields=answers.pop(0)[1]))
    )
    start = time.monotonic()
    api.pull(ref)
    assert time.monotonic() - start >= 1.0 and answers == []


def test_a_slow_loris(faulty: FaultyRegistry, store_path: Path) -> None:
    image = noise(1)
    ref, digest = faulty.add("loris", image), layer(image)

    def drip(exchange: Exchange) -> bool:
        exchange.answer(200, b"", length=len(faulty.blobs[digest]))
        with contextlib.suppress(OSError):
            for _ in range(100):
                exchange.handler.wfile.write(b"x")
                time.sleep(0.1)
        exchange.hang_up()
        return True

    faulty.hooks.append(on_blob(digest, drip))
    start = time.monotonic()
    with pytest.raises(NetworkError, match="too slow"):
        api.pull(ref)
    assert time.monotonic() - start < 25
    assert_clean(store_path)


def test_a_manifest_of_17_mib(faulty: FaultyRegistry, store_path: Path) -> None:
    ref = faulty.add("huge", sample())
    faulty.images["huge"] = b'{"schemaVersion":2,"manifests":[' + b" " * (17 * MIB) + b"]}"
    with pytest.raises(RegistryError, match="the answer is larger than 4194304 bytes"):
        api.pull(ref)
    assert faulty.sent["latest"] < 16 * MIB
    assert_clean(store_path)


def test_bombs(faulty: FaultyRegistry, store_path: Path) -> None:
    """Nothing is unpacked on the way in, whatever the answer says; and a layer of zeros takes no memory."""
    ref = faulty.add("encoded", sample())
    bomb = gzip.compress(bytes(16 * MIB))
    faulty.hooks.append(
        lambda e: "/manifests/" in e.path and e.answer(200, bomb, fields={"Content-Encoding": "gzip"})
    )
    with pytest.raises(ElfuseError, match="is not valid JSON"):
        api.pull(ref)
    assert_clean(store_path)
    faulty.hooks.clear()
    image = Image([tar([("file", b"content")]) + bytes(128 * MIB)])
    assert image.manifest["layers"][0]["mediaType"] == LAYER_GZIP
    ref = faulty.add("bomb", image)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert api.pull(ref).size < MIB
    with contextlib.suppress(ElfuseError):
        tree = Path(api.unpack(ref))
        assert sum(path.lstat().st_size for path in tree.rglob("*") if path.is_file()) < MIB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 48 << 10


def test_a_lying_length_of_a_range(faulty: FaultyRegistry, store_path: Path) -> None:
    image = noise(3)
    ref, digest = faulty.add("lying", image), layer(image)
    data = faulty.blobs[digest]
    cut = [True]

    def lie(exchange: Exchange) -> bool:
        if cut:
            cut.clear()
            exchange.answer(200, data[: 2 * MIB], length=len(data))
            exchange.hang_up()
            return True
        span = f"bytes {2 * MIB}-{len(data) - 1}/{len(data) + 5}"
        return exchange.answer(206, data[2 * MIB :], Content_Range=span)

    faulty.hooks.append(on_blob(digest, lie))
    with pytest.raises(ContentMismatch, match="is too long: the registry has"):
        api.pull(ref)


# -- what is up to date


@pytest.mark.parametrize("honours", [True, False])
def test_an_up_to_date_pull_asks_once(faulty: FaultyRegistry, store_path: Path, honours: bool) -> None:
    image = sample()
    ref = faulty.add("fresh", image)
    asked: list[str | None] = []

    def conditional(exchange: Exchange) -> bool:
        if "/manifests/" not in exchange.path:
            return False
        asked.append(exchange.header("If-None-Match"))
        current = f'"{sha256(faulty.images["fresh"])}"'
        return bool(honours and asked[-1] == current) and exchange.answer(304)

    faulty.hooks.append(conditional)
    first = api.pull(ref)
    faulty.seen.clear()
    again = api.pull(ref)
    assert (again.digest, again.blobs_fetched) == (first.digest, 0)
    assert asked == [None, f'"{first.digest}"']
    assert [path for path, _, _ in faulty.seen if path != "/v2/"] == ["/v2/fresh/manifests/latest"]
    # A digest cannot change, so nobody is asked, except with refresh.
    by_digest = f"{ref}@{first.digest}"
    api.pull(by_digest)
    faulty.seen.clear()
    api.pull(by_digest)
    assert faulty.seen == []
    api.pull(by_digest, refresh=True)
    assert len([path for path, _, _ in faulty.seen if path != "/v2/"]) == 1
    # What changed is noticed.
    other = sample(b"another\n")
    faulty.add("fresh", other)
    assert api.pull(ref).config_digest == other.manifest["config"]["digest"]


def test_a_registry_that_says_unchanged_of_what_nobody_has(faulty: FaultyRegistry, store_path: Path) -> None:
    faulty.hooks.append(lambda e: "/manifests/" in e.path and e.answer(304))
    with pytest.raises(RegistryError, match="304"):
        api.pull(faulty.add("never", sample()))
    assert_clean(store_path)

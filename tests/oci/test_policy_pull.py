"""A policy in force: what a pull does, what the commands say, and signatures from a server."""

import base64
import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import elfuse as api
from elfuse.errors import PolicyError
from tests.oci.conftest import Registry, Result, assert_clean, blobs
from tests.oci.images import AMD64, sample, sha256, write_layout
from tests.oci.signing import Gpg, payload, write_lookaside
from tests.unit.test_policy_document import BAD_DOCUMENTS, BAD_REQUIREMENTS, GOOD

Elfuse = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a policy and with a lookaside store at hand."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ELFUSE_POLICY_FILE", raising=False)
    directory = tmp_path / "home/.config/containers/registries.d"
    directory.mkdir(parents=True)
    (directory / "x.yaml").write_text(f"default-docker:\n  lookaside: file://{tmp_path}/lookaside\n")
    return tmp_path


def write_policy(home: Path, *requirements: dict[str, Any], **transports: Any) -> Path:
    path = home / "home/.config/containers/policy.json"
    path.write_text(json.dumps({"default": list(requirements), "transports": transports}))
    return path


def signed_by(gpg: Gpg) -> dict[str, Any]:
    key = base64.b64encode(gpg.public("good")).decode()
    return {"type": "signedBy", "keyType": "GPGKeys", "keyData": key}


def test_a_refused_pull_brings_nothing(
    registry: Registry, home: Path, store_path: Path, gpg: Gpg, elfuse: Elfuse
) -> None:
    image = sample(b"refused, then signed\n")
    ref = registry.push("refused:1", image)
    policy = write_policy(home, signed_by(gpg))
    done = elfuse("oci", "pull", ref)
    assert done.code == 1 and done.out == "" and done.err.count("\n") == 1
    for word in (ref, str(policy), "default", "signedBy GPGKeys", "a signature is required", "explain"):
        assert word in done.err
    assert blobs(store_path) == set()
    assert_clean(store_path)
    write_lookaside(
        home / "lookaside", "refused", sha256(image.raw), gpg.sign(payload(sha256(image.raw), ref))
    )
    assert api.pull(ref).digest == sha256(image.raw)
    # What is in the store is not judged again; what is pulled is, though nothing has to be fetched.
    write_policy(home, {"type": "reject"})
    assert api.inspect(ref).digest == sha256(image.raw)
    assert "/bin/hello" in elfuse("oci", "run", "--dry-run", ref).out
    done = elfuse("oci", "run", "--dry-run", "--pull=always", ref)
    assert done.code == 125 and "images of this scope are rejected" in done.err
    with pytest.raises(PolicyError, match="is refused by the policy"):
        api.pull(ref)


def test_the_named_policy_counts(
    registry: Registry, home: Path, store_path: Path, elfuse: Elfuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = registry.push("named:1", sample())
    write_policy(home, {"type": "insecureAcceptAnything"})
    strict = home / "strict.json"
    strict.write_text('{"default": [{"type": "reject"}]}')
    monkeypatch.setenv("ELFUSE_POLICY_FILE", str(strict))
    with pytest.raises(PolicyError, match=r"strict\.json, default\): reject"):
        api.pull(ref)
    monkeypatch.setenv("ELFUSE_POLICY_FILE", str(home / "gone.json"))
    with pytest.raises(PolicyError, match=r"gone\.json \(named by ELFUSE_POLICY_FILE\) does not exist"):
        api.pull(ref)
    strict.write_text('{"default": [{"type": "reject"}], "defualt": []}')
    done = elfuse("oci", "pull", ref, ELFUSE_POLICY_FILE=str(strict))
    assert done.code == 1 and "$.defualt: unknown field" in done.err and done.err.count("\n") == 1
    monkeypatch.delenv("ELFUSE_POLICY_FILE")
    assert api.pull(ref).digest


def test_layouts_have_scopes_and_no_signatures(home: Path, store_path: Path, gpg: Gpg) -> None:
    layout = write_layout(home / "images/one", {"app": [sample(), sample(platform=AMD64)]})
    write_policy(home, {"type": "reject"}, oci={str(home / "images"): [{"type": "insecureAcceptAnything"}]})
    assert api.pull(f"oci:{layout}:app").digest
    write_policy(home, {"type": "reject"}, oci={str(home / "images"): [signed_by(gpg)]})
    with pytest.raises(PolicyError, match="a signature is required, and there is none"):
        api.pull(f"oci:{layout}:app")
    write_policy(home, {"type": "reject"}, oci={str(home / "image"): [{"type": "insecureAcceptAnything"}]})
    with pytest.raises(PolicyError, match="rejected"):
        api.pull(f"oci:{layout}:app")


def test_the_commands(registry: Registry, home: Path, gpg: Gpg, elfuse: Elfuse) -> None:
    image = sample(b"commands\n")
    ref = registry.push("ns/commands:1", image)
    accept = [{"type": "insecureAcceptAnything"}]
    policy = write_policy(home, {"type": "reject"}, docker={registry.address: [signed_by(gpg)], "": accept})
    shown = elfuse("oci", "policy", "show")
    assert shown.code == 0 and f"Policy: {policy}" in shown.out
    assert [line.split()[:2] for line in shown.out.splitlines()[1:]] == [
        ["TRANSPORT", "SCOPE"],
        ["(default)", "(any)"],
        ["docker", registry.address],
        ["docker", "(any)"],
    ]
    document = json.loads(elfuse("oci", "policy", "show", "--json").out)
    assert document["schemaVersion"] == 1 and document["file"] == str(policy)
    assert document["rules"][0] == {"transport": None, "scope": "", "requirements": ["reject"]}

    # The registry is not asked: it has no such image.
    told = elfuse("oci", "policy", "explain", f"{registry.address}/ns/none:1")
    assert told.code == 0
    assert f'docker "{registry.address}/ns": not in the policy' in told.out
    assert f'docker "{registry.address}": found, decides' in told.out
    assert f"file://{home}/lookaside/ns/none@sha256=.../signature-1" in told.out
    told = elfuse("oci", "policy", "explain", "oci:/srv/x")
    assert "default: decides" in told.out and "Requirement: reject" in told.out

    checked = elfuse("oci", "policy", "check", ref)
    assert checked.code == 1 and checked.err == ""
    assert "no, a signature is required" in checked.out and "Allowed:     no" in checked.out
    digest = sha256(image.raw)
    write_lookaside(home / "lookaside", "ns/commands", digest, gpg.sign(payload(digest, ref)))
    checked = elfuse("oci", "policy", "check", ref)
    assert checked.code == 0 and "Allowed:     yes" in checked.out and digest in checked.out
    document = json.loads(elfuse("oci", "policy", "check", "--json", ref).out)
    assert document["allowed"] is True and document["rule"] == f'docker "{registry.address}"'
    assert document["outcomes"][0]["cause"].startswith(f"signed by the GPG key {gpg.fingerprint('good')}")
    assert elfuse("oci", "policy", "check", "-q", ref).out == "allowed\n"
    gone = elfuse("oci", "policy", "check", f"{registry.address}/ns/none:1")
    assert gone.code == 1 and "no such image" in gone.err
    empty = home / "registries.d"
    empty.mkdir()
    (empty / "x.yaml").write_text("default-docker: {lookaside: 'file:///nowhere'}")
    assert elfuse("oci", "policy", "check", "-q", "--registries.d", str(empty), ref).out == "refused\n"


def test_without_gpgv(registry: Registry, home: Path, gpg: Gpg, elfuse: Elfuse) -> None:
    image = sample(b"no gpgv\n")
    ref = registry.push("nogpgv:1", image)
    digest = sha256(image.raw)
    write_policy(home, signed_by(gpg))
    write_lookaside(home / "lookaside", "nogpgv", digest, gpg.sign(payload(digest, ref)))
    done = elfuse("oci", "pull", ref, PATH=str(home))
    assert done.code == 1 and "gpgv is not installed" in done.err and "package gpgv" in done.err


class Shelf(http.server.ThreadingHTTPServer):
    """A lookaside store on a server: `answers` maps a path to status and body."""

    daemon_threads = True

    def __init__(self, registry: Registry) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.seen: list[tuple[str, str | None]] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(registry.work / "server.crt", registry.work / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Shelf

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        answers = self.server.answers.get(self.path, [(404, b"none")])
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        if status in (301, 302):
            self.send_header("Location", body.decode())
            body = b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shelf(registry: Registry) -> Iterator[Shelf]:
    server = Shelf(registry)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("there", ""),
        ("second", ""),
        ("redirected", ""),
        ("busy once", ""),
        ("missing", "a signature is required"),
        ("forbidden", "answers 403"),
        ("to plain http", "redirects to 'http://"),
        ("to a file", "redirects to 'file:///"),
        ("for ever", "redirects more than 5 times"),
        ("huge", "is larger than"),
        ("html", "in no known format"),
    ],
)
def test_lookaside_on_a_server(
    registry: Registry, home: Path, gpg: Gpg, shelf: Shelf, case: str, words: str
) -> None:
    image = sample(case.encode())
    ref = registry.push(f"served/{case.replace(' ', '-')}:1", image)
    digest = sha256(image.raw)
    good = gpg.sign(payload(digest, ref))
    base = f"/sig/served/{case.replace(' ', '-')}@{digest.replace(':', '=')}"
    first, second = f"{base}/signature-1", f"{base}/signature-2"
    shelf.answers = {
        "there": {first: [(200, good)]},
        "second": {first: [(200, gpg.sign(b"x"))], second: [(200, good)]},
        "redirected": {first: [(302, b"/else")], "/else": [(200, good)]},
        "busy once": {first: [(503, b""), (200, good)]},
        "missing": {},
        "forbidden": {first: [(403, b"")]},
        "to plain http": {first: [(302, f"http://127.0.0.1:{shelf.server_address[1]}/x".encode())]},
        "to a file": {first: [(302, b"file:///etc/passwd")]},
        "for ever": {first: [(302, first.encode())]},
        "huge": {first: [(200, b"\x88" * ((4 << 20) + 1))]},
        "html": {first: [(200, b"<html>")]},
    }[case]
    (home / "home/.config/containers/registries.d/x.yaml").write_text(
        f"docker:\n  {registry.address}:\n    lookaside: {shelf.url}/sig\n"
    )
    write_policy(home, signed_by(gpg))
    verdict = api.Policy.load().check(ref)
    assert verdict.allowed is (not words), verdict
    assert words in verdict.outcomes[0].cause
    assert all(authorization is None for _, authorization in shelf.seen)


def test_a_lookaside_without_a_valid_certificate(
    registry: Registry, home: Path, gpg: Gpg, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = sample(b"untrusted shelf\n")
    ref = registry.push("untrusted:1", image)
    url = shelf.url.replace("127.0.0.1", "127.0.0.2")  # not a name of its certificate
    (home / "home/.config/containers/registries.d/x.yaml").write_text(
        f"default-docker: {{lookaside: '{url}'}}"
    )
    write_policy(home, signed_by(gpg))
    verdict = api.Policy.load().check(ref)
    assert not verdict.allowed and "127.0.0.2" in verdict.outcomes[0].cause and shelf.seen == []


@pytest.mark.parametrize("lookaside", ["ftp://example.org/x", "relative", "file://host/x"])
def test_unknown_lookasides(registry: Registry, home: Path, gpg: Gpg, lookaside: str) -> None:
    ref = registry.push("odd:1", sample())
    (home / "home/.config/containers/registries.d/x.yaml").write_text(
        f"default-docker: {{lookaside: '{lookaside}'}}"
    )
    write_policy(home, signed_by(gpg))
    verdict = api.Policy.load().check(ref)
    assert not verdict.allowed and "the lookaside" in verdict.outcomes[0].cause


def test_a_broken_registries_d_refuses(registry: Registry, home: Path, gpg: Gpg) -> None:
    ref = registry.push("broken:1", sample())
    (home / "home/.config/containers/registries.d/y.yaml").write_text("docker: [")
    write_policy(home, signed_by(gpg))
    verdict = api.Policy.load().check(ref)
    assert not verdict.allowed and "y.yaml is not valid YAML" in verdict.outcomes[0].cause
    # Where no signature is wanted it is not even read.
    write_policy(home, {"type": "insecureAcceptAnything"})
    assert api.Policy.load().check(ref).allowed


# What skopeo 1.9 has not learnt yet.
NEWER = ("keyDatas", "fulcio", "rekorPublicKey", "pki", '"sigstoreSigned", "keyPaths"')


def test_skopeo_refuses_the_same_files(tmp_path: Path) -> None:
    texts = [text for text, _ in BAD_DOCUMENTS]
    texts += [json.dumps({"default": [requirement]}) for requirement, _ in BAD_REQUIREMENTS]
    assert [text for text in texts if _skopeo_reads(tmp_path, text)] == []


def test_skopeo_reads_the_same_files(tmp_path: Path) -> None:
    texts = [json.dumps({"default": [requirement]}) for requirement, _ in GOOD]
    known = [text for text in texts if not any(word in text for word in NEWER)]
    assert len(known) >= 6
    assert [text for text in known if not _skopeo_reads(tmp_path, text)] == []


def _skopeo_reads(directory: Path, text: str) -> bool:
    path = directory / "policy.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    command = ["skopeo", "--policy", str(path), "copy", "dir:/nonexistent", f"dir:{directory}/out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode
    return "loading trust policy" not in done.stderr

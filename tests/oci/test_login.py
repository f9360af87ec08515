"""login and logout as a person uses them, against a registry with Basic over TLS and one with tokens.

skopeo reads what elfuse wrote, and the reverse.
"""

import base64
import json
import os
import pty
import select
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

import elfuse as api
from elfuse.errors import AuthenticationError
from tests.oci.faulty import Exchange, FaultyRegistry
from tests.oci.served import certificates, docker_registry
from tests.unit import keychain

USER, PASSWORD = "user", "pass:w0rd"
# bcrypt, of the least cost: the only hash that docker-registry takes.
HTPASSWD = f"{USER}:$2y$05$abcdefghijklmnopqrstuuaawI20eFRuOzOn6yaWJoSGK0iychT2G\n"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass(frozen=True)
class Registry:
    address: str
    certs: Path


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """docker-registry with one user, over TLS."""
    work = tmp_path_factory.mktemp("locked")
    made = certificates(work)
    (work / "htpasswd").write_text(HTPASSWD)
    with docker_registry(work, made, f"{{htpasswd: {{realm: r, path: {work}/htpasswd}}}}") as address:
        yield Registry(address, made.ca.parent)


@pytest.fixture
def person(home: Path) -> Path:
    """The home of a user whom the machine's own registries.conf does not concern."""
    (home / ".config/containers").mkdir(parents=True)
    (home / ".config/containers/registries.conf").touch()
    return home


@pytest.fixture
def authfile(person: Path, tmp_path: Path) -> Path:
    """Where logins are kept by default."""
    return tmp_path / "runtime/containers/auth.json"


def trust(home: Path, registry: Registry) -> None:
    shutil.copytree(registry.certs, home / ".config/containers/certs.d" / registry.address)


def command() -> list[str]:
    return [sys.executable, "-m", "elfuse", "oci"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "dumb"}


def run(words: list[str], text: str) -> Result:
    done = subprocess.run(
        words, input=text.encode(), capture_output=True, env=environment(), cwd=os.environ["HOME"], timeout=60
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def oci(*words: str, text: str = "") -> Result:
    result = run([*command(), *words], text)
    assert PASSWORD not in result.out + result.err
    return result


def skopeo(*words: str, text: str = "") -> Result:
    return run(["skopeo", *words], text)


def auths(path: Path) -> dict[str, dict[str, str]]:
    document: dict[str, dict[str, dict[str, str]]] = json.loads(path.read_text())
    return document["auths"]


def test_elfuse_logs_in_and_skopeo_is(person: Path, authfile: Path, locked: Registry) -> None:
    trust(person, locked)
    wrong = oci("login", "-u", USER, "--password-stdin", locked.address, text="wrong\n")
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err == f"elfuse: logging in to {locked.address}: invalid user name or password\n"
    assert not authfile.exists()
    done = oci("login", "-u", USER, "--password-stdin", "-v", locked.address, text=PASSWORD + "\n")
    assert (done.code, done.out) == (0, "Login Succeeded!\n") and str(authfile) in done.err
    assert stat.S_IMODE(authfile.stat().st_mode) == 0o600
    assert auths(authfile) == {locked.address: {"auth": BASIC.removeprefix("Basic ")}}
    assert skopeo("login", "--get-login", locked.address).out == f"{USER}\n"
    assert "manifest unknown" in skopeo("inspect", f"docker://{locked.address}/none").err
    assert oci("login", "--get-login", locked.address).out == f"{USER}\n"
    again = oci("login", locked.address)
    assert (again.code, again.out) == (0, f"Already logged in to {locked.address} as {USER}\n")
    assert skopeo("logout", locked.address).code == 0
    gone = oci("login", "--get-login", locked.address)
    assert (gone.code, gone.err) == (1, f"elfuse: not logged in to {locked.address}\n")


def test_skopeo_logs_in_and_elfuse_is(person: Path, authfile: Path, locked: Registry) -> None:
    trust(person, locked)
    assert skopeo("login", "-u", USER, "--password-stdin", locked.address, text=PASSWORD).code == 0
    assert oci("login", "--get-login", f"https://{locked.address}/v2/").out == f"{USER}\n"
    assert oci("login", locked.address).out.startswith("Already logged in")
    done = oci("logout", locked.address)
    assert (done.code, done.out) == (0, f"Removed login credentials for {locked.address}\n")
    assert auths(authfile) == {}
    assert skopeo("login", "--get-login", locked.address).code == 1
    again = oci("logout", locked.address)
    assert (again.code, again.err) == (1, f"elfuse: not logged in to {locked.address}\n")


def test_files_and_namespaces(person: Path, tmp_path: Path, locked: Registry) -> None:
    path = tmp_path / "deep/auth.json"
    login = [
        "login",
        "--authfile",
        str(path),
        "--cert-dir",
        str(locked.certs),
        "-u",
        USER,
        "--password-stdin",
    ]
    done = oci(*login, "--json", f"{locked.address}/ns/app", text=PASSWORD)
    assert json.loads(done.out) == {
        "schemaVersion": 1,
        "registry": f"{locked.address}/ns/app",
        "username": USER,
        "location": str(path),
    }
    assert oci(*login, "-q", "other." + locked.address, text=PASSWORD).code == 1
    assert oci(*login, "-q", locked.address, text=PASSWORD).out == ""
    assert list(auths(path)) == [f"{locked.address}/ns/app", locked.address]
    inspected = skopeo(
        "inspect",
        "--authfile",
        str(path),
        "--cert-dir",
        str(locked.certs),
        f"docker://{locked.address}/ns/app",
    )
    assert "manifest unknown" in inspected.err
    # Without the option the default file counts, which has nothing.
    assert oci("login", "--get-login", locked.address).code == 1
    assert oci("logout", "--authfile", str(path), f"{locked.address}/ns/app").code == 0
    assert list(auths(path)) == [locked.address]
    done = oci("logout", "--all", "--json", "--authfile", str(path))
    assert json.loads(done.out) == {"schemaVersion": 1, "registry": None} and auths(path) == {}
    missing = oci("logout", "--authfile", str(tmp_path / "none"), locked.address)
    assert missing.code == 1 and "no such file of logins" in missing.err


def test_trust_is_asked_for_before_the_password_is_sent(person: Path, locked: Registry) -> None:
    done = oci("login", "-u", USER, "--password-stdin", locked.address, text=PASSWORD)
    assert done.code == 1 and "certificate" in done.err and len(done.err.splitlines()) == 1
    done = oci("login", "-u", USER, "--password-stdin", "--tls-verify=false", locked.address, text=PASSWORD)
    assert (done.code, done.out) == (0, "Login Succeeded!\n")
    done = oci("login", "-u", USER, "--password-stdin", "--tls-verify=false", "r.example", text=PASSWORD)
    assert done.code == 1 and "--tls-verify=false is refused for r.example" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["login"],
        ["login", "a.io", "b.io"],
        ["login", "a.io"],
        ["login", "-u", "me", "a.io"],
        ["login", "--password-stdin", "a.io"],
        ["login", "-u", "me", "-p", "x", "--password-stdin", "a.io"],
        ["login", "--tls-verify=perhaps", "a.io"],
        ["logout"],
        ["logout", "--all", "a.io"],
    ],
)
def test_wrong_usage(person: Path, words: list[str]) -> None:
    done = oci(*words)
    assert done.code == 2 and done.out == "" and "Usage: elfuse oci log" in done.err


def test_what_cannot_be_done_is_one_line(person: Path, authfile: Path, locked: Registry) -> None:
    trust(person, locked)
    for words, message in (
        (["logout", "a b"], "is no registry host"),
        (["login", "-u", "me", "-p", "x", "a.io/b:1"], "a login has no tag or digest"),
        (["login", "-u", "a:b", "-p", PASSWORD, locked.address], "invalid user name or password"),
    ):
        done = oci(*words)
        assert done.code == 1 and done.out == "" and message in done.err.splitlines()[-1]
    authfile.parent.mkdir()
    authfile.write_text('{"auths": {')
    done = oci("login", "-u", USER, "--password-stdin", locked.address, text=PASSWORD)
    assert done.code == 1 and done.err.startswith(f"elfuse: {authfile} is not valid JSON: ")
    assert authfile.read_text() == '{"auths": {'


def at_a_terminal(words: list[str], answers: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    """Run the command with a terminal of its own, and type each answer when its question is there."""
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.chdir(os.environ["HOME"])
            os.execve(words[0], words, environment())
        finally:
            os._exit(127)
    shown, pending = b"", list(answers)
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                chunk = os.read(terminal, 4096)
            except OSError:
                break  # Linux's way to say that the other side is closed
            if not chunk:
                break
            shown += chunk
            if pending and pending[0][0] in shown:
                # Echo is off by the time that the question is shown; a moment for slow machines.
                time.sleep(0.05)
                os.write(terminal, pending.pop(0)[1])
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def test_questions_at_a_terminal(person: Path, authfile: Path, locked: Registry) -> None:
    trust(person, locked)
    code, shown = at_a_terminal(
        [*command(), "login", locked.address],
        [(b"Username: ", f"{USER}\n".encode()), (b"Password: ", f"{PASSWORD}\n".encode())],
    )
    assert code == 0 and b"Login Succeeded!" in shown and PASSWORD.encode() not in shown
    assert list(auths(authfile)) == [locked.address]
    # A login that has gone stale is told, and asked for again.
    authfile.write_text(
        json.dumps({"auths": {locked.address: {"auth": base64.b64encode(b"old:x").decode()}}})
    )
    code, shown = at_a_terminal(
        [*command(), "login", "--username", USER, locked.address], [(b"Password: ", f"{PASSWORD}\n".encode())]
    )
    assert code == 0 and b"Username" not in shown
    authfile.write_text(
        json.dumps({"auths": {locked.address: {"auth": base64.b64encode(b"old:x").decode()}}})
    )
    code, shown = at_a_terminal(
        [*command(), "login", locked.address],
        [(b"Username: ", f"{USER}\n".encode()), (b"Password: ", f"{PASSWORD}\n".encode())],
    )
    assert code == 0 and b"invalid user name or password" in shown
    assert auths(authfile) == {locked.address: {"auth": BASIC.removeprefix("Basic ")}}


def test_credential_helper(
    person: Path, authfile: Path, tmp_path: Path, locked: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(person, locked)
    chain = keychain.install(tmp_path / "bin", monkeypatch)
    authfile.parent.mkdir()
    authfile.write_text(json.dumps({"credHelpers": {locked.address: "chain"}}))
    done = oci("login", "-u", USER, "--password-stdin", "-v", locked.address, text=PASSWORD)
    assert done.code == 0 and "credential helper docker-credential-chain" in done.err
    assert chain.servers() == [locked.address] and "auths" not in json.loads(authfile.read_text())
    assert skopeo("login", "--get-login", locked.address).out == f"{USER}\n"
    assert oci("login", locked.address).out.startswith("Already logged in")
    assert oci("logout", locked.address).code == 0 and chain.servers() == []
    assert skopeo("login", "-u", USER, "--password-stdin", locked.address, text=PASSWORD).code == 0
    assert oci("login", "--get-login", locked.address).out == f"{USER}\n"
    # A helper that is gone is a line on standard error, not the end.
    chain.program.unlink()
    done = oci("login", "--get-login", locked.address)
    assert done.code == 1 and done.err.splitlines()[0] == (
        "elfuse: warning: docker-credential-chain is not on PATH: going on without a login from it"
    )
    done = oci("login", "-u", USER, "--password-stdin", locked.address, text=PASSWORD)
    assert done.code == 1 and "docker-credential-chain is not on PATH" in done.err


@dataclass
class Tokens:
    """A registry that wants a bearer token, on plain HTTP. `realm` None is its own."""

    registry: FaultyRegistry
    realm: str | None = None
    token_status: int = 200

    def __call__(self, exchange: Exchange) -> bool:
        path = urlsplit(exchange.path).path
        if path == "/token":
            if exchange.header("Authorization") != BASIC:
                return exchange.answer(401, b"{}")
            return exchange.answer(self.token_status, b'{"token": "good"}')
        if path == "/v2/" and exchange.header("Authorization") == "Bearer good":
            return exchange.answer(200, b"{}")
        realm = self.realm or f"http://{self.registry.address}/token"
        challenge = f'Bearer realm="{realm}",service="a registry"'
        return exchange.answer(401, b"{}", WWW_Authenticate=challenge)


def test_token_service(person: Path, authfile: Path) -> None:
    with FaultyRegistry() as registry:
        registry.hooks.append(Tokens(registry))
        kept = api.login(registry.address, USER, PASSWORD, tls_verify=False)
        assert (kept.registry, kept.username, kept.location) == (registry.address, USER, str(authfile))
        asked = [path for path, _, _ in registry.seen if path.startswith("/token")]
        assert [parse_qs(urlsplit(path).query) for path in asked] == [
            {"account": [USER], "service": ["a registry"]}
        ]
        # The password goes to the realm alone.
        assert [seen[0].partition("?")[0] for seen in registry.seen if seen[1] == BASIC] == ["/token"]
        with pytest.raises(AuthenticationError, match="invalid user name or password"):
            api.login(registry.address, USER, "wrong", tls_verify=False)
        assert api.get_login(registry.address) == kept


@pytest.mark.parametrize(
    "realm",
    ["http://169.254.169.254/token", "https://10.0.0.1/token", "file:///token", "http://u@127.0.0.1/token"],
)
def test_realms_that_get_no_password(person: Path, authfile: Path, realm: str) -> None:
    with FaultyRegistry() as registry:
        registry.hooks.append(Tokens(registry, realm))
        with pytest.raises(AuthenticationError, match="the token realm"):
            api.login(registry.address, USER, PASSWORD, tls_verify=False)
        assert all(seen[1] is None for seen in registry.seen) and not authfile.exists()


def test_other_answers(person: Path, authfile: Path) -> None:
    with FaultyRegistry() as registry:
        tokens = Tokens(registry, token_status=503)
        registry.hooks.append(tokens)
        with pytest.raises(AuthenticationError, match=r"no token from .* 503"):
            api.login(registry.address, USER, PASSWORD, tls_verify=False)
        registry.hooks[:] = [lambda exchange: exchange.answer(401, b"{}", WWW_Authenticate="Negotiate")]
        with pytest.raises(
            AuthenticationError, match=r"wants a login that elfuse does not know \(negotiate\)"
        ):
            api.login(registry.address, USER, PASSWORD, tls_verify=False)
        elsewhere = f"http://{registry.address}/other"
        registry.hooks[:] = [lambda exchange: exchange.answer(302, b"", Location=elsewhere)]
        with pytest.raises(api.ElfuseError, match="more than 5 redirects"):
            api.login(registry.address, USER, PASSWORD, tls_verify=False)
        assert all(seen[1] is None for seen in registry.seen if not seen[0].startswith("/token"))
        assert not authfile.exists()
        # A registry that asks nobody takes anybody, as with podman.
        registry.hooks[:] = [lambda exchange: exchange.answer(200, b"{}")]
        api.login(registry.address, USER, PASSWORD, tls_verify=False)
        assert list(auths(authfile)) == [registry.address]


def test_a_login_that_would_not_be_used_is_not_taken(person: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"username": "own", "password": "p"}))
    own.chmod(0o600)
    config = person / ".config/elfuse/config.toml"
    config.parent.mkdir()
    config.write_text(f'[registries."r.example"]\nauth_file = "{own}"\n')
    found = api.get_login("r.example")
    assert found is not None and (found.username, found.location) == ("own", str(own))
    with pytest.raises(api.ElfuseError, match=f"{config}: the login of r.example is in its auth_file {own}"):
        api.login("r.example", USER, PASSWORD, check=lambda access, credentials: None)
    api.login(
        *("r.example", USER, PASSWORD),
        authfile=str(tmp_path / "auth.json"),
        check=lambda access, credentials: None,
    )
    with pytest.raises(AuthenticationError, match=f"not logged in .* {own}: remove it there"):
        api.logout("r.example")


def test_identity_tokens_stay(person: Path, authfile: Path) -> None:
    authfile.parent.mkdir()
    authfile.write_text(json.dumps({"auths": {"r.example": {"identitytoken": "t"}}}))
    with pytest.raises(AuthenticationError, match=r"with an identity token from .* log out first"):
        api.login("r.example")
    with pytest.raises(AuthenticationError, match=r"not logged in to q\.example"):
        api.login("q.example")


@pytest.fixture
def mutual(tmp_path: Path) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """A registry that wants a client certificate, and what puts the files for it into a folder."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = 200 if self.headers.get("Authorization") == BASIC else 401
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="r"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            pass

        def get_request(self) -> tuple[socket.socket, object]:
            connection, address = self.socket.accept()
            connection.settimeout(10)
            return context.wrap_socket(connection, server_side=True), address

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    client = authority.issue_cert("client@example")

    def fill(folder: Path) -> None:
        folder.mkdir()
        authority.cert_pem.write_to_path(folder / "ca.crt")
        client.cert_chain_pems[0].write_to_path(folder / "me.cert")
        client.private_key_pem.write_to_path(folder / "me.key")

    yield f"127.0.0.1:{server.server_address[1]}", fill
    server.shutdown()
    server.server_close()
    thread.join()


def test_client_certificate(
    person: Path, authfile: Path, tmp_path: Path, mutual: tuple[str, Callable[[Path], None]]
) -> None:
    address, fill = mutual
    certs = tmp_path / "mine"
    fill(certs)
    api.login(address, USER, PASSWORD, cert_dir=str(certs))
    assert list(auths(authfile)) == [address]
    for name in ("me.cert", "me.key"):
        (certs / name).unlink()
    with pytest.raises(api.ElfuseError, match=address):
        api.login(address, USER, PASSWORD, cert_dir=str(certs))

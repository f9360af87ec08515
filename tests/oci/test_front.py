"""The native front: it answers what Python would, and only where nothing has changed that could matter."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from elfuse.cli import front as memos
from tests.oci.conftest import Registry, blobs
from tests.oci.faulty import Exchange, FaultyRegistry
from tests.oci.images import AMD64, sample, sha256
from tests.oci.installed import HOME, ROOT, Command, Result
from tests.oci.registries import PASSWORD, USER, TokenServer
from tests.oci.served import docker_registry


def unmodified(exchange: Exchange) -> bool:
    """As registries do: 304 to who has it already."""
    name, _, selector = exchange.path.removeprefix("/v2/").partition("/manifests/")
    body = exchange.registry.images.get(name)
    if not selector or body is None or exchange.header("If-None-Match") != f'"{sha256(body)}"':
        return False
    return exchange.answer(304)


@pytest.fixture
def server() -> Iterator[FaultyRegistry]:
    with FaultyRegistry(hooks=[unmodified]) as made:
        yield made


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_an_image_that_is_up_to_date_needs_no_python(server: FaultyRegistry, command: Command) -> None:
    image = sample()
    ref = server.add("app", image)
    first = command.pull(ref)
    assert (first.code, first.out) == (0, f"{ref}@{sha256(image.raw)}\n"), first.err
    assert command.by_python() and command.memos == []  # a memo is of a question that has been answered
    assert command.settle(lambda: command.pull(ref)) == first
    server.seen.clear()
    assert command.pull(ref) == first and not command.by_python()
    assert server.seen == [("/v2/app/manifests/latest", None, None)]
    # A registry that knows no If-None-Match is Python's to ask.
    server.hooks.clear()
    assert command.pull(ref) == first and command.by_python()


def test_a_digest_that_is_here_needs_no_registry(server: FaultyRegistry, command: Command) -> None:
    image = sample()
    ref = f"{server.add('app', image)}@{sha256(image.raw)}"
    first = command.pull(ref)
    assert command.settle(lambda: command.pull(ref)) == first
    server.seen.clear()
    assert command.pull(ref) == first
    assert server.seen == [] and not command.by_python()


@dataclass(frozen=True)
class Prepared:
    """A command that has an answer for `ref`."""

    command: Command
    server: FaultyRegistry
    ref: str
    answer: Result

    @property
    def memo(self) -> Path:
        (path,) = self.command.memos
        return path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    command = Command(tmp_path_factory.mktemp("front"))
    with FaultyRegistry(hooks=[unmodified]) as server:
        ref = server.add("app", sample())
        server.add("other", sample(b"another\n"))
        command.pull(f"{server.address}/other")
        yield Prepared(command, server, ref, command.settle(lambda: command.pull(ref)))


@pytest.fixture
def prepared(shared: Prepared) -> Prepared:
    shared.server.hooks[:] = [unmodified]
    shared.command.settle(lambda: shared.command.pull(shared.ref))
    return shared


def rewritten(path: Path) -> None:
    """The same text and size, written anew in place."""
    path.write_text(path.read_text())


SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
CHANGES: dict[str, Callable[[Prepared], object]] = {
    "config.toml": lambda p: rewritten(p.command.home / ".config/elfuse/config.toml"),
    "config.toml is gone": lambda p: (p.command.home / ".config/elfuse/config.toml").unlink(),
    "registries.conf": lambda p: rewritten(p.command.home / HOME / "registries.conf"),
    "a drop-in more": lambda p: (p.command.home / HOME / "registries.conf.d/x.conf").write_text("# x\n"),
    "a drop-in": lambda p: rewritten(p.command.home / HOME / "registries.conf.d/x.conf"),
    "policy.json": lambda p: rewritten(p.command.home / HOME / "policy.json"),
    "policy.json is gone": lambda p: (p.command.home / HOME / "policy.json").unlink(),
    "certs.d": lambda p: (p.command.home / HOME / "certs.d" / p.server.address).mkdir(parents=True),
    "a certificate": lambda p: (p.command.home / HOME / "certs.d" / p.server.address / "x.crt").touch(),
    "another pin": lambda p: p.command.run("oci", "tag", p.ref, "example.com/other:1"),
    "the version of the store": lambda p: rewritten(p.command.store / "elfuse.json"),
    "a layer is gone": lambda p: layer_of(p).unlink(),
    "a layer is cut": lambda p: os.truncate(layer_of(p), 10),
    "the manifest is damaged": lambda p: damage(p.command.store / "blobs/sha256" / digest_of(p)[7:]),
    "the image is not pinned": lambda p: p.command.run("oci", "rm", p.ref),
    "all is pruned": lambda p: (
        p.command.run("oci", "rm", p.ref),
        p.command.run("oci", "prune", "--commit"),
    ),
    "the memo is for all to read": lambda p: p.memo.chmod(0o644),
    "the folder is for all to read": lambda p: p.memo.parent.chmod(0o755),
    "the memo is a link": lambda p: (p.memo.rename(p.command.place / "x"), link(p)),
    "the memo is cut": lambda p: os.truncate(p.memo, p.memo.stat().st_size - 1),
    "the memo is empty": lambda p: os.truncate(p.memo, 0),
    "the memo is of other words": lambda p: edit(p, words=["oci", "pull", "-q", p.ref]),
    "the memo has words more": lambda p: edit(p, words=[*p_words(p), "more"]),
    "the memo has words less": lambda p: edit(p, words=p_words(p)[:-1]),
    "the memo is of another format": lambda p: edit(p, format=2),
    "the memo is of another environment": lambda p: edit(p, environment=[["HOME", "/nowhere"]]),
    "the memo has no output": lambda p: edit(p, output=None),
}


def digest_of(p: Prepared) -> str:
    return p.answer.out.strip().partition("@")[2]


def layer_of(p: Prepared) -> Path:
    manifest = json.loads((p.command.store / "blobs/sha256" / digest_of(p)[7:]).read_bytes())
    return p.command.store / "blobs/sha256" / manifest["layers"][0]["digest"][7:]


def damage(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b"schemaVersion", b"schemaversion"))
    assert path.read_bytes() != data


def link(p: Prepared) -> None:
    name = json.loads((p.command.place / "x").read_text())
    (p.command.home / ".cache/elfuse/memos" / memos.name_of(name["words"])).symlink_to(p.command.place / "x")


def p_words(p: Prepared) -> list[str]:
    return list(json.loads(p.memo.read_text())["words"])


def edit(p: Prepared, **members: object) -> None:
    p.memo.write_text(json.dumps({**json.loads(p.memo.read_text()), **members}))


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_has_changed_is_python_s_to_judge(prepared: Prepared, change: str) -> None:
    CHANGES[change](prepared)
    prepared.command.by_python()
    done = prepared.command.pull(prepared.ref)
    assert prepared.command.by_python()
    assert (done.code, done.out) == (0, prepared.answer.out), done.err
    assert layer_of(prepared).exists()
    if "folder" in change:
        assert not prepared.memo.with_suffix(".tmp").exists()
        prepared.memo.parent.chmod(0o700)
    if "link" in change:
        prepared.memo.unlink()


def test_an_unchanged_memo_that_was_written_again_is_good(prepared: Prepared) -> None:
    """What the changes above must not be mistaken for."""
    edit(prepared)
    assert prepared.command.pull(prepared.ref) == prepared.answer and not prepared.command.by_python()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ELFUSE_DEBUG", "1"),
        ("ELFUSE_NOT_KNOWN", ""),
        ("_ELFUSE_COMPLETE", "complete_bash"),
        ("SSL_CERT_FILE", os.devnull),
        ("https_proxy", "http://127.0.0.1:9"),
        ("ELFUSE_CONFIG", ""),
        ("ELFUSE_CACHE_DIR", ""),
        ("XDG_CACHE_HOME", "relative"),
        ("PYTHONPATH", f"{ROOT}:{ROOT}"),
    ],
)
def test_another_environment(prepared: Prepared, name: str, value: str) -> None:
    done = prepared.command.pull(prepared.ref, **{name: value})
    assert prepared.command.by_python()
    if name != "_ELFUSE_COMPLETE":
        assert (done.code, done.out) == (0, prepared.answer.out), done.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_memo_of_somebody_else(prepared: Prepared) -> None:
    os.chown(prepared.memo, 65534, 65534)
    assert prepared.command.pull(prepared.ref) == prepared.answer and prepared.command.by_python()


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
def test_any_other_answer_of_the_registry(prepared: Prepared, status: int) -> None:
    def answer(exchange: Exchange) -> bool:
        return exchange.answer(status, b"{}", fields={"Location": "/elsewhere"})

    prepared.server.hooks[:] = [lambda exchange: "/manifests/" in exchange.path and answer(exchange)]
    done = prepared.command.pull(prepared.ref)
    assert prepared.command.by_python()
    assert (done.code, done.out) == (1, "") and done.err.startswith("elfuse: ")


def test_a_registry_that_hangs_up(prepared: Prepared) -> None:
    calls = []

    def hang_up(exchange: Exchange) -> bool:
        calls.append(exchange.path)
        exchange.hang_up()
        return True

    prepared.server.hooks[:] = [lambda exchange: not calls and hang_up(exchange), unmodified]
    assert prepared.command.pull(prepared.ref) == prepared.answer and prepared.command.by_python()
    assert calls == ["/v2/app/manifests/latest"]


def test_a_registry_that_is_down(command: Command) -> None:
    with FaultyRegistry(hooks=[unmodified]) as server:
        ref = server.add("app", sample())
        command.pull(ref)
        command.settle(lambda: command.pull(ref))
    done = command.pull(ref)
    assert command.by_python() and done.code == 1 and "cannot reach" in done.err


def test_another_image_under_the_tag(prepared: Prepared) -> None:
    newer = sample(b"newer\n")
    prepared.server.add("app", newer)
    done = prepared.command.pull(prepared.ref)
    assert prepared.command.by_python() and done.out == f"{prepared.ref}@{sha256(newer.raw)}\n"
    settled = prepared.command.settle(lambda: prepared.command.pull(prepared.ref))
    assert settled == done
    prepared.server.add("app", sample())
    assert prepared.command.pull(prepared.ref) == prepared.answer and prepared.command.by_python()


def test_over_tls_as_python_would(registry: Registry, tmp_path: Path) -> None:
    command = Command(tmp_path)
    image = sample(b"front\n")
    ref = registry.push("front/tls:1", image)

    def pull() -> Result:
        return command.run("oci", "pull", "-q", ref)

    first = pull()
    assert (first.code, first.out) == (0, f"{ref.rpartition(':')[0]}@{sha256(image.raw)}\n"), first.err
    assert command.settle(pull) == first
    # The front has looked at the certificate itself: with other authorities it does not believe it.
    (memo,) = command.memos
    text = memo.read_text()
    memo.write_text(text.replace(f'"bundle": "{registry.ca}"', f'"bundle": "{SYSTEM_BUNDLE}"'))
    assert memo.read_text() != text
    assert pull() == first and command.by_python()
    # CAs of certs.d count beside the bundle.
    shutil.copytree(registry.certs, command.home / HOME / "certs.d" / registry.address)
    command.environment["SSL_CERT_FILE"] = SYSTEM_BUNDLE
    assert command.settle(pull) == first


def test_anybody_s_token(tmp_path: Path) -> None:
    """Of a public image on a registry that wants a token of everybody."""
    command = Command(tmp_path)
    with TokenServer(tmp_path) as tokens, docker_registry(tmp_path, auth=tokens.auth) as address:
        image = Registry(address, tmp_path, tmp_path, tmp_path)
        ref = push(image, "public/app:1")
        first = command.pull(ref)
        assert first.code == 0, first.err
        assert command.settle(lambda: command.pull(ref)) == first
        tokens.seen.clear()
        assert command.pull(ref) == first and not command.by_python()
        ((method, login, form),) = tokens.seen
        assert (method, login, form["scope"]) == ("GET", None, ["repository:public/app:pull"])
        assert "eyJ" not in command.memos[0].read_text()  # how a JSON web token begins
        tokens.life = 0  # a service that gives none that is good
        docker = command.home / ".docker"
        docker.mkdir()
        (docker / "config.json").write_text('{"auths": {}}')
        assert command.pull(ref).code in (0, 1) and command.by_python()


def push(registry: Registry, name: str) -> str:
    from tests.oci.images import write_layout

    layout = write_layout(registry.work / "layout", {"x": [sample()]})
    ref = f"{registry.address}/{name}"
    words = ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"--dest-creds={USER}:{PASSWORD}"]
    subprocess.run([*words, f"oci:{layout}:x", f"docker://{ref}"], check=True)
    return ref


def test_nothing_is_kept_where_a_login_was_used(tmp_path: Path) -> None:
    command = Command(tmp_path)
    with TokenServer(tmp_path) as tokens, docker_registry(tmp_path, auth=tokens.auth) as address:
        ref = push(Registry(address, tmp_path, tmp_path, tmp_path), "private/app:1")
        for words, env in (
            (["--creds", f"{USER}:{PASSWORD}"], {}),
            ([], {"REGISTRY_AUTH_FILE": str(login_file(tmp_path, address))}),
        ):
            for _ in range(3):
                time.sleep(0.1)
                done = command.pull(ref, *words, **env)
                assert done.code == 0 and command.by_python(), done.err
    assert command.memos == []


def login_file(folder: Path, address: str) -> Path:
    import base64

    path = folder / "auth.json"
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    path.write_text(json.dumps({"auths": {address: {"auth": login}}}))
    return path


@pytest.mark.parametrize(
    "words",
    [["--json"], ["--store", "relative"], ["--refresh"], ["--all-platforms"], ["--cert-dir", "/etc/ssl"]],
)
def test_what_is_never_kept(server: FaultyRegistry, command: Command, words: list[str]) -> None:
    ref = server.add("app", sample(), sample(platform=AMD64))
    for _ in range(3):
        assert command.pull(ref, *words).code == 0 and command.by_python()
        time.sleep(0.1)
    assert command.memos == []


def test_a_policy_that_wants_signatures_is_python_s(server: FaultyRegistry, command: Command) -> None:
    ref = server.add("app", sample())
    command.pull(ref)
    command.settle(lambda: command.pull(ref))
    command.by_python()
    (command.home / HOME / "policy.json").write_text('{"default": [{"type": "reject"}]}')
    done = command.pull(ref)
    assert command.by_python() and done.code == 1 and "refused by the policy" in done.err


def test_memos_are_private_and_few(server: FaultyRegistry, command: Command) -> None:
    ref = server.add("app", sample())
    command.pull(ref)
    folder = command.home / ".cache/elfuse/memos"
    folder.mkdir(mode=0o700, parents=True)
    for number in range(100):
        (folder / f"{number:08x}.json").write_text("{}")
        os.utime(folder / f"{number:08x}.json", (number, number))
    command.settle(lambda: command.pull(ref))
    assert len(command.memos) == 64
    assert folder.stat().st_mode & 0o777 == 0o700
    newest = max(command.memos, key=lambda path: path.stat().st_mtime)
    assert newest.stat().st_mode & 0o777 == 0o600 and json.loads(newest.read_text())["words"][-1] == ref
    assert not (folder / f"{30:08x}.json").exists() and (folder / f"{99:08x}.json").exists()


def test_everything_else_is_the_python_command(server: FaultyRegistry, command: Command) -> None:
    assert command.run("--version").out.startswith("elfuse ")
    assert command.run("oci", "pull", "--help").out.startswith("Usage: elfuse oci pull ")
    assert command.run("oci", "nothing").code == 2
    ref = server.add("app", sample())
    assert command.run("oci", "run", "-q", "--tls-verify=false", "--entrypoint", "exit7", ref).code == 7
    (command.place / "link").symlink_to(command.program)
    by_link = [str(command.place / "link"), "--version"]
    assert subprocess.run(by_link, env=command.environment, capture_output=True).returncode == 0


def test_without_the_python_command(command: Command) -> None:
    (command.program.parent / "elfuse-python").unlink()
    for words, code in ((["--version"], 1), ([], 1), (["oci", "run", "x"], 125), (["run", "x"], 125)):
        done = command.run(*words)
        assert (done.code, done.out) == (code, "")
        cause = f"cannot start {command.program}-python: No such file or directory"
        assert done.err == f"elfuse: {cause}; install elfuse again\n"


def test_streams_that_are_closed_or_read_no_more(prepared: Prepared) -> None:
    command = prepared.command
    words = f'"{command.program}" oci pull -q --tls-verify=false {prepared.ref}'
    shell = ["sh", "-c", f"{words} >&-"]
    assert subprocess.run(shell, env=command.environment).returncode == 0 and command.by_python()
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(["sh", "-c", words], env=command.environment, stdout=writing, stderr=-1)
    os.close(writing)
    assert (done.returncode, done.stderr, command.by_python()) == (1, b"", True)


def test_all_that_a_pull_looks_at_is_in_its_memo(prepared: Prepared) -> None:
    """Else the front would go on with an answer that Python no longer gives."""
    command = prepared.command
    words = ("oci", "pull", "-q", "--tls-verify=false", prepared.ref)
    opened, asked = command.watched(*words)
    assert str(command.home / HOME / "registries.conf") in opened
    assert {"HOME", "ELFUSE_STORE"} <= asked
    assert command.forgotten(prepared.memo, opened, asked) == set()


def test_the_store_keeps_what_the_front_answers_for(prepared: Prepared) -> None:
    """A prune beside it: what is pinned stays, so no lease is needed."""
    before = blobs(prepared.command.store)
    prepared.command.run("oci", "prune", "--commit")
    prepared.command.by_python()
    assert prepared.command.pull(prepared.ref) == prepared.answer and not prepared.command.by_python()
    assert {digest_of(prepared)[7:], layer_of(prepared).name} <= blobs(prepared.command.store) <= before

"""Logins in files and helpers: which one counts, what is written, and what is wrong with a file."""

import base64
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfuse.errors import AuthenticationError, ConfigurationError, InvalidReference
from elfuse.oci import authfile, credentials
from elfuse.oci.authfile import AuthPath, Key
from elfuse.oci.credentials import FILES, erase, erase_all, find, parse_key, parse_pair, save
from tests.unit import keychain

HUB = "https://index.docker.io/v1/"


def encoded(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def put(path: Path, *, auths: dict[str, str] | None = None, **members: object) -> Path:
    """A file whose entries are USER:PASSWORD by name."""
    document: dict[str, object] = dict(members)
    if auths is not None:
        document["auths"] = {
            name: {"auth": base64.b64encode(pair.encode()).decode()} for name, pair in auths.items()
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def found(text: str, explicit: str | None = None, **options: object) -> str | None:
    login = find(parse_key(text), explicit=explicit, **options)  # type: ignore[arg-type]
    return f"{login.username}:{login.secret}" if login else None


def runtime(tmp_path: Path) -> Path:
    return tmp_path / "runtime/containers/auth.json"


def test_nothing_anywhere(home: Path) -> None:
    assert found("r.io/app") is None


def test_order_of_the_files(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    legacy = home / ".dockercfg"
    legacy.write_text(json.dumps({"https://r.io/v1/": {"auth": encoded("legacy", "p")}}))
    places = [
        (home / ".docker/config.json", "docker"),
        (home / ".config/containers/auth.json", "user"),
        (runtime(tmp_path), "runtime"),
    ]
    assert found("r.io/app") == "legacy:p"
    for path, name in places:
        put(path, auths={"r.io": f"{name}:p"})
        assert found("r.io/app") == f"{name}:p"
    # A file without the registry does not hide those after it.
    put(runtime(tmp_path), auths={"other.io": "x:y"})
    assert found("r.io/app") == "user:p"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert found("r.io/app") == "docker:p"
    monkeypatch.setenv("DOCKER_CONFIG", str(put(tmp_path / "d/config.json", auths={"r.io": "d:p"}).parent))
    assert found("r.io/app") == "d:p"
    # An explicit file is the only one.
    alone = put(tmp_path / "alone.json", auths={"other.io": "a:b"})
    assert found("r.io/app", explicit=str(alone)) is None
    assert found("other.io", explicit=str(alone)) == "a:b"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(alone))
    assert credentials.explicit_file(None) == str(alone)
    with pytest.raises(ConfigurationError, match="none: no such file of logins; it is from --authfile"):
        credentials.explicit_file(str(tmp_path / "none"))


def test_the_default_file(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert authfile.default_path() == str(runtime(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert authfile.default_path() == f"/run/containers/{os.getuid()}/auth.json"
    monkeypatch.setattr("sys.platform", "darwin")
    assert authfile.default_path() == f"{home}/.config/containers/auth.json"
    assert len(authfile.search_path()) == 3


@pytest.mark.parametrize(
    ("name", "login"),
    [
        ("r.io/a/b/c", "abc"),
        ("r.io/a/b/c/d", "abc"),
        ("r.io/a/b", "a"),
        ("r.io/a", "a"),
        ("r.io/ab", "host"),
        ("r.io:5000/a/b", "port"),
        ("r.io:5001/a", None),
        ("url.io/x", "url"),
        ("url.io", "url"),
        ("docker.io/library/python", "hub"),
        ("docker.io/org/app", "org"),
        ("index.docker.io", "hub"),
        ("localhost/x", "here"),
    ],
)
def test_most_specific_key(home: Path, tmp_path: Path, name: str, login: str | None) -> None:
    path = put(
        tmp_path / "auth.json",
        auths={
            "r.io": "host:p",
            "r.io/a": "a:p",
            "r.io/a/b/c": "abc:p",
            "r.io:5000": "port:p",
            "https://url.io/v2/": "url:p",
            HUB: "hub:p",
            "docker.io/org": "org:p",
            "localhost": "here:p",
        },
    )
    assert found(name, explicit=str(path)) == (f"{login}:p" if login else None)


def test_forms_of_an_entry(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    auths = {
        "colon.io": {"auth": encoded("u", "a:b")},
        "nul.io": {"auth": base64.b64encode(b"u:p\0\0").decode()},
        "token.io": {"auth": encoded("<token>", ""), "identitytoken": "refresh"},
        "bare.io": {"identitytoken": "refresh"},
        "plain.io": {"username": "u", "password": "p"},
        "lines.io": {"auth": encoded("u", "p")[:3] + "\r\n" + encoded("u", "p")[3:]},
        "marker.io": {},
        "null.io": {"auth": None, "email": "x@y"},
    }
    path.write_text(json.dumps({"auths": auths, "HttpHeaders": {"User-Agent": "x"}}))
    explicit = str(path)
    assert found("colon.io", explicit) == "u:a:b" and found("nul.io", explicit) == "u:p"
    assert found("plain.io", explicit) == "u:p" and found("lines.io", explicit) == "u:p"
    assert found("marker.io", explicit) is None and found("null.io", explicit) is None
    for name, username in (("token.io", "<token>"), ("bare.io", "")):
        login = find(Key(name), explicit=explicit)
        assert login and login.is_identity_token and (login.username, login.secret) == (username, "refresh")
        assert login.origin == explicit


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON"),
        ("[1]", "is not a JSON object"),
        ('{"auths": {}, "auths": {}}', "key 'auths' appears twice"),
        ('{"auths": []}', "auths is not an object"),
        ('{"auths": {"r.io": "x"}}', "auths['r.io'] is not an object"),
        ('{"auths": {"r.io": {"auth": 1}}}', "auths['r.io'].auth is not a string"),
        ('{"auths": {"r.io": {"auth": "c2VjcmV0"}}}', "auths['r.io'].auth holds no ':'"),
        ('{"auths": {"r.io": {"auth": "topsecret!"}}}', "auths['r.io'].auth is not base64"),
        ('{"auths": {"r.io": {"auth": "dTpw="}}}', "auths['r.io'].auth is not base64"),
        ('{"auths": {"r.io": {"auth": "/////w=="}}}', "auths['r.io'].auth is not base64"),
        ('{"auths": {"r.io": {"identitytoken": {}}}}', "auths['r.io'].identitytoken is not a string"),
        ('{"credHelpers": {"r.io": 1}}', "credHelpers['r.io'] is not a string"),
        ('{"credsStore": 1}', "credsStore is not a string"),
    ],
)
def test_malformed_files(home: Path, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        find(Key("r.io", "app"), explicit=str(path))
    assert str(path) in caught.value.message and message in caught.value.message
    assert "topsecret" not in str(caught.value) and "secret'" not in str(caught.value)


def test_a_malformed_entry_of_another_registry_is_no_hindrance(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {"a.io": {"auth": "!"}, "b.io": {"auth": encoded("u", "p")}}}))
    assert found("b.io", str(path)) == "u:p"


def test_helpers_of_a_file(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = keychain.install(tmp_path / "bin", monkeypatch)
    chain.put("r.io", "chained", "p")
    path = put(
        home / ".docker/config.json",
        auths={"r.io": "file:p", "r.io/a": "namespace:p"},
        credHelpers={"r.io": "chain", "docker.io": "chain"},
    )
    # credHelpers decides for its registry, whatever else the file says (containers-auth.json(5)).
    assert found("r.io/a/x") == "chained:p" and chain.asked() == ["get r.io"]
    assert found("docker.io/library/x") is None
    assert chain.asked() == ["get docker.io", "get index.docker.io", f"get {HUB}"]
    chain.put(HUB, "hub", "p")
    assert found("docker.io/library/x") == "hub:p"
    assert found("other.io/x") is None and len(chain.asked()) == 3
    # credsStore is asked for whole registries, after namespaces, before the file's own entry.
    put(path, auths={"r.io": "file:p", "r.io/a": "namespace:p", "f.io": "file:p"}, credsStore="chain")
    assert found("r.io/a/x") == "namespace:p" and chain.asked() == []
    assert found("r.io/b") == "chained:p" and found("f.io/b") == "file:p"
    assert found("docker.io/library/x") == "hub:p"
    assert chain.asked() == ["get r.io", "get f.io", f"get {HUB}"]


def test_helpers_of_registries_conf(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = keychain.install(tmp_path / "bin", monkeypatch)
    chain.put("r.io", "chained", "p")
    put(runtime(tmp_path), auths={"r.io": "file:p", "r.io/a": "namespace:p"})
    assert found("r.io/a", helpers=[FILES, "chain"]) == "namespace:p" and chain.asked() == []
    assert found("r.io/a", helpers=["chain", FILES]) == "chained:p"
    assert found("f.io/a", helpers=["chain"]) is None
    assert found("r.io/a", helpers=[]) is None


@pytest.mark.parametrize("name", ["absent", "broken", "../evil"])
def test_a_helper_that_does_not_work_is_a_warning(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    keychain.script(tmp_path / "bin", monkeypatch, "broken", "#!/bin/sh\necho locked; exit 1\n")
    put(runtime(tmp_path), credHelpers={"r.io": name})
    put(home / ".docker/config.json", auths={"r.io": "file:p"}, credsStore=name)
    assert found("r.io/app") == "file:p"
    assert len(caplog.messages) == 2
    assert all("going on without a login from it" in message for message in caplog.messages)


def test_own_file(home: Path, tmp_path: Path) -> None:
    own = tmp_path / "login.json"
    own.write_text(json.dumps({"username": "u", "password": "p"}))
    put(runtime(tmp_path), auths={"r.io": "file:p"})
    own.chmod(0o644)
    with pytest.raises(ConfigurationError, match=f"others may read this file .* chmod 600 {own}"):
        found("r.io", own_file=str(own))
    own.chmod(0o600)
    assert found("r.io", own_file=str(own)) == "u:p"
    # Below an explicit file, above the shared ones.
    assert (
        found("r.io", explicit=str(put(tmp_path / "e.json", auths={"r.io": "e:p"})), own_file=str(own))
        == "e:p"
    )
    put(own, auths={"r.io/app": "own:p"})
    assert found("r.io/app", own_file=str(own)) == "own:p" and found("r.io", own_file=str(own)) == "file:p"
    for text, message in (('{"username": "u"}', "password is missing"), ("{", "is not valid JSON")):
        own.write_text(text)
        with pytest.raises(ConfigurationError, match=message):
            found("r.io", own_file=str(own))
    with pytest.raises(ConfigurationError, match="none cannot be read: No such file"):
        found("r.io", own_file=str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="or it is no file"):
        found("r.io", own_file=str(tmp_path))


def test_saving(home: Path, tmp_path: Path) -> None:
    path = runtime(tmp_path)
    assert save(Key("r.io", "ns"), "u", "p:q", explicit=None) == str(path)
    assert json.loads(path.read_text()) == {"auths": {"r.io/ns": {"auth": encoded("u", "p:q")}}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    # What is there and not ours stays, in its order; the mode is put right.
    document = {
        "z": 1,
        "auths": {"a.io": {"auth": "bad", "email": "x"}},
        "credHelpers": {"b.io": "x"},
        "y": ["ü"],
    }
    path.write_text(json.dumps(document))
    path.chmod(0o644)
    save(Key("r.io"), "u", "p", explicit=None)
    changed = json.loads(path.read_text())
    assert list(changed) == list(document) and changed["auths"].pop("r.io") == {"auth": encoded("u", "p")}
    assert changed == document and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["auth.json"]
    assert found("r.io/ns") == "u:p"
    # Through a link, to where it leads.
    real = tmp_path / "dotfiles/auth.json"
    real.parent.mkdir()
    path.rename(real)
    path.symlink_to(real)
    save(Key("l.io"), "u", "p", explicit=None)
    assert path.is_symlink() and "l.io" in json.loads(real.read_text())["auths"]
    assert found("l.io") == "u:p"


def test_what_is_not_saved(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for username in ("", "a:b"):
        with pytest.raises(AuthenticationError, match="a user's name"):
            save(Key("r.io"), username, "p", explicit=None)
    path = tmp_path / "auth.json"
    path.write_text('{"auths": [')
    with pytest.raises(ConfigurationError, match="is not valid JSON"):
        save(Key("r.io"), "u", "p", explicit=str(path))
    assert path.read_text() == '{"auths": ['
    with pytest.raises(
        ConfigurationError, match=r"cannot be written: Not a directory; name another file with"
    ):
        save(Key("r.io"), "u", "p", explicit=f"{path}/x/auth.json")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    with pytest.raises(ConfigurationError, match="gone does not exist, though XDG_RUNTIME_DIR names it"):
        save(Key("r.io"), "u", "p", explicit=None)
    assert not (tmp_path / "gone").exists()


def test_docker_io_keeps_dockers_name(home: Path, tmp_path: Path) -> None:
    path = put(tmp_path / "config.json", auths={HUB: "old:p"})
    save(Key("docker.io"), "new", "p", explicit=str(path))
    assert json.loads(path.read_text()) == {"auths": {HUB: {"auth": encoded("new", "p")}}}
    assert found("docker.io", str(path)) == "new:p"


def test_saving_and_erasing_in_helpers(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = keychain.install(tmp_path / "bin", monkeypatch)
    path = put(runtime(tmp_path), credHelpers={"r.io": "chain"})
    assert save(Key("r.io"), "u", "p", explicit=None) == "credential helper docker-credential-chain"
    assert chain.servers() == ["r.io"] and json.loads(path.read_text()) == {"credHelpers": {"r.io": "chain"}}
    assert found("r.io/x") == "u:p"
    with pytest.raises(ConfigurationError, match=r"whole registries only, not of r\.io/ns"):
        save(Key("r.io", "ns"), "u", "p", explicit=None)
    assert erase(Key("r.io"), explicit=None) and not erase(Key("r.io"), explicit=None)
    assert chain.servers() == []
    # docker's config.json: the keychain for all, a mark in the file, docker's name for docker.io.
    config = put(tmp_path / "config.json", credsStore="chain", auths={})
    save(Key("docker.io"), "u", "p", explicit=str(config))
    assert chain.servers() == [HUB.replace("/", "_")]
    assert json.loads(config.read_text())["auths"] == {HUB: {}}
    assert found("docker.io/library/x", str(config)) == "u:p"
    assert erase(Key("docker.io"), explicit=str(config)) and chain.servers() == []
    assert json.loads(config.read_text())["auths"] == {}
    # registries.conf's list: the first that takes it.
    keychain.script(tmp_path / "bin", monkeypatch, "broken", "#!/bin/sh\necho locked; exit 1\n")
    assert save(Key("q.io"), "u", "p", explicit=None, helpers=["broken", "chain"]).endswith("-chain")
    assert chain.servers() == ["q.io"]
    assert erase(Key("q.io"), explicit=None, helpers=[FILES, "chain"])
    with pytest.raises(ConfigurationError, match="docker-credential-broken store: locked"):
        save(Key("q.io"), "u", "p", explicit=None, helpers=["broken"])
    with pytest.raises(ConfigurationError, match=r"registries\.conf names no place for logins"):
        save(Key("q.io"), "u", "p", explicit=None, helpers=[])


def test_erasing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not erase(Key("r.io"), explicit=None)
    erase_all(explicit=None)
    assert not runtime(tmp_path).exists()
    path = put(
        runtime(tmp_path),
        auths={"r.io": "u:p", "r.io/ns": "u:p", "https://r.io/v1/": "u:p", HUB: "u:p", "docker.io": "u:p"},
        other=1,
    )
    assert erase(Key("r.io"), explicit=None)
    assert list(json.loads(path.read_text())["auths"]) == ["r.io/ns", HUB, "docker.io"]
    assert erase(Key("docker.io"), explicit=None) and erase(Key("r.io", "ns"), explicit=None)
    assert json.loads(path.read_text()) == {"auths": {}, "other": 1}
    chain = keychain.install(tmp_path / "bin", monkeypatch)
    chain.put("h.io", "u", "p")
    chain.put("other.io", "u", "p")
    put(path, auths={"r.io": "u:p", "r.io/x": "u:p"}, credHelpers={"h.io": "chain"})
    erase_all(explicit=None)
    assert json.loads(path.read_text()) == {"credHelpers": {"h.io": "chain"}, "auths": {}}
    assert chain.servers() == ["other.io"]


def test_writers_take_turns(home: Path, tmp_path: Path) -> None:
    pids = []
    for number in range(6):
        pid = os.fork()
        if pid == 0:
            try:
                for step in range(4):
                    save(Key(f"r{number}.io", f"n{step}"), "u", "p", explicit=None)
                os._exit(0)
            finally:
                os._exit(1)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 6
    assert len(json.loads(runtime(tmp_path).read_text())["auths"]) == 24


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("r.io", "r.io"),
        ("r.io/", "r.io"),
        ("https://r.io:5000/v2/", "r.io:5000"),
        ("r.io/ns/repo", "r.io/ns/repo"),
        ("index.docker.io", "docker.io"),
        ("docker.io/vendor", "docker.io/vendor"),
        ("localhost/ns", "localhost/ns"),
        ("[::1]:5000", "[::1]:5000"),
    ],
)
def test_keys(text: str, key: str) -> None:
    assert str(parse_key(text)) == key


@pytest.mark.parametrize(
    "text", ["", "/", "r.io/a:1", "r.io/a@sha256:0", "r_io", "r.io/UPPER", "ftp://r.io", "a b"]
)
def test_no_keys(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse_key(text)


def test_creds_option() -> None:
    login = parse_pair("user:pass:word")
    assert (login.username, login.secret, login.origin) == ("user", "pass:word", "--creds")
    assert parse_pair("user").secret == ""
    for text in ("", ":p"):
        with pytest.raises(InvalidReference, match="--creds needs USER"):
            parse_pair(text)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(TEXT.filter(lambda text: text and ":" not in text), TEXT)
def test_what_is_encoded_is_decoded(username: str, password: str) -> None:
    data = json.dumps({"auths": {"r.io": {"auth": credentials._encode(username, password)}}}).encode()
    entry = authfile.parse(AuthPath("/auth.json"), data).entry(Key("r.io"))
    assert entry is not None and entry[1] is not None
    assert (entry[1].username, entry[1].secret) == (username, password.strip("\0"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["auths", "auth", "r.io", "r.io/a", "credHelpers", "identitytoken", "username"]),
            inner,
            max_size=3,
        )
    ),
)


@given(JSON)
def test_any_document_gives_a_login_or_an_error(document: object) -> None:
    data = json.dumps(document).encode()
    for legacy in (False, True):
        try:
            authfile.parse(AuthPath("/auth.json", legacy), data).entry(Key("r.io", "a/b"))
        except ConfigurationError as error:
            assert error.message.startswith("/auth.json")

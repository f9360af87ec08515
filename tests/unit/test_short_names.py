"""Short names: aliases, search registries, and when someone is asked."""

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfuse.errors import ConfigurationError, InvalidReference
from elfuse.oci import short_names
from elfuse.oci.reference import Reference, is_short, parse
from elfuse.oci.registries_conf import load
from elfuse.oci.short_names import resolve
from tests.unit.test_registries_conf import DIGEST, user


def names(text: str) -> list[str]:
    return [str(candidate) for candidate in resolve(text).candidates]


def kept(tmp_path: Path, text: str) -> Path:
    path = Path(short_names.aliases_path())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("python", True),
        ("python:3", True),
        ("org/app", True),
        ("docker://org/app", True),
        ("docker.io/python", False),
        ("localhost/app", False),
        ("localhost:5000/app", False),
        ("r:5000/app", False),
        ("oci:dir:tag", False),
        ("docker://r.io/app", False),
    ],
)
def test_what_is_short(text: str, short: bool) -> None:
    assert is_short(text) is short


def test_docker_io_where_nothing_is_set(home: Path) -> None:
    for text in ("python", "org/app:1", f"python@{DIGEST}", "r.io/app:1", "oci:/dir:tag"):
        resolved = resolve(text)
        assert resolved.candidates == (parse(text),) and not resolved.was_asked
    with pytest.raises(InvalidReference):
        resolve("Python")


def test_aliases(home: Path, tmp_path: Path) -> None:
    path = user(home, '[aliases]\n"app" = "r.io/org/app"\n"a/b" = "docker.io/b"\n"gone" = ""\n')
    assert names("app") == ["r.io/org/app:latest"]
    assert names("app:1") == ["r.io/org/app:1"]
    assert names(f"docker://app:1@{DIGEST}") == [f"r.io/org/app:1@{DIGEST}"]
    assert names("a/b") == ["docker.io/library/b:latest"]
    assert names("gone") == ["docker.io/library/gone:latest"]
    assert names("docker.io/library/app") == ["docker.io/library/app:latest"]
    assert names("app/more") == ["docker.io/app/more:latest"]
    assert resolve("app").origin == str(path)
    # The answers that were kept come first.
    kept(tmp_path, '[aliases]\n"app" = "quay.io/app"\n')
    assert names("app") == ["quay.io/app:latest"]
    for broken in ("aliases = 1\n", "[aliases]\na = 1\n", "[aliases]\napp = 'b'\n", "[[aliases]\n"):
        path = kept(tmp_path, broken)
        with pytest.raises(ConfigurationError, match=str(path)):
            resolve("app")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("a", "org/a", "aliases: 'a': 'org/a' is no full name without tag"),
        ("a", "a.io/a:1", "aliases: 'a': 'a.io/a:1' is no full name without tag"),
        ("a", "a.io/A", "aliases: 'a': 'a.io/A' is no full name without tag"),
        ("a.io/a", "b.io/a", "aliases: 'a.io/a' is no short name"),
        ("a:1", "b.io/a", "aliases: 'a:1' is no short name"),
        ('a"', "b.io/a", "is no short name"),
    ],
)
def test_aliases_are_checked_when_they_are_used(home: Path, name: str, value: str, message: str) -> None:
    path = user(home, f"[aliases]\n'{name}' = '{value}'\n")
    alias = load().aliases[name]
    with pytest.raises(ConfigurationError) as caught:
        alias.check(name)
    assert caught.value.message.startswith(str(path)) and message in caught.value.message
    with pytest.raises(ConfigurationError):
        short_names.remember(name, value)
    if is_short(name) and name == "a":
        with pytest.raises(ConfigurationError, match=str(path)):
            resolve(name)


def test_search_registries(home: Path) -> None:
    path = user(home, 'unqualified-search-registries = ["one.io"]\n')
    assert names("app:1") == ["one.io/app:1"]
    assert resolve("app").origin == str(path)
    user(home, 'unqualified-search-registries = ["docker.io", "one.io"]\n')
    assert names("app:1") == ["docker.io/library/app:1", "one.io/app:1"]
    user(home, "unqualified-search-registries = []\n")
    with pytest.raises(ConfigurationError, match=f"app: {path} allows no names without a registry"):
        resolve("app")
    user(home, 'unqualified-search-registries = ["one"]\n')
    with pytest.raises(ConfigurationError, match="'one' is no registry host"):
        resolve("app")


class Person:
    """Answers with the second candidate, and counts the questions."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, text: str, candidates: Sequence[Reference]) -> Reference:
        self.asked.append([text, *map(str, candidates)])
        return candidates[1]


def test_one_question_and_its_answer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user(home, 'unqualified-search-registries = ["one.io", "two.io", "docker.io"]\n')
    person = Person()
    resolved = resolve("app:1", ask=person)
    assert person.asked == [["app:1", "one.io/app:1", "two.io/app:1", "docker.io/library/app:1"]]
    assert [str(candidate) for candidate in resolved.candidates] == ["two.io/app:1"]
    resolve("full.io/app", ask=person)
    assert len(person.asked) == 1
    # Kept only when the caller says that it was right; then nobody is asked again, for any tag.
    assert names("app") == ["one.io/app:latest", "two.io/app:latest", "docker.io/library/app:latest"]
    resolved.remember()
    assert names("app:2") == ["two.io/app:2"]
    resolve("app", ask=person)
    assert len(person.asked) == 1
    path = Path(short_names.aliases_path())
    assert tomllib.loads(path.read_text()) == {"aliases": {"app": "two.io/app"}}
    assert path.stat().st_mode & 0o777 == 0o600
    resolve("other/app", ask=person).remember()
    assert tomllib.loads(path.read_text()) == {
        "aliases": {"app": "two.io/app", "other/app": "two.io/other/app"}
    }
    assert [name for name in os.listdir(path.parent) if name.startswith("file-")] == []
    resolve("docker.io/library/x").remember()
    assert len(tomllib.loads(path.read_text())["aliases"]) == 2


def test_modes(home: Path) -> None:
    both = 'unqualified-search-registries = ["one.io", "two.io"]\n'
    person = Person()
    user(home, both + 'short-name-mode = "disabled"\n')
    assert len(resolve("app", ask=person).candidates) == 2 and not person.asked
    user(home, both + 'short-name-mode = "enforcing"\n')
    assert str(resolve("app", ask=person).source) == "two.io/app:latest"
    with pytest.raises(ConfigurationError, match=r"app may be any of one\.io/app:latest, two\.io/app:latest"):
        resolve("app")
    user(home, 'unqualified-search-registries = ["one.io"]\nshort-name-mode = "enforcing"\n')
    assert names("app") == ["one.io/app:latest"]


def test_where_the_answers_are_kept(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert short_names.aliases_path() == f"{tmp_path}/etc/cache/containers/short-name-aliases.conf"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert short_names.aliases_path() == f"{home}/.cache/containers/short-name-aliases.conf"
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert short_names.aliases_path() == "/c/containers/short-name-aliases.conf"


PARTS = st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}){0,2}(:[a-z]{1,3})?", fullmatch=True)


@given(PARTS)
def test_a_short_name_has_no_host(text: str) -> None:
    assert is_short(text) is not text.startswith("localhost/")
    assert short_names._without_tag(text) == text.partition(":")[0]

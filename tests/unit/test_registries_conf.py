"""registries.conf: which file counts, which table, and what becomes of a reference.

tests/oci/test_configuration.py has skopeo judge the same tables.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfuse.errors import ConfigurationError
from elfuse.oci import registries_conf
from elfuse.oci.reference import parse_reference
from elfuse.oci.registries_conf import RegistriesConf, load, matched

DIGEST = "sha256:" + "a" * 64


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def user(home: Path, text: str, name: str = "registries.conf") -> Path:
    return write(home / ".config/containers" / name, text)


def sources(reference: str) -> list[str]:
    return [str(source.reference) for source in load().sources(parse_reference(reference))]


def test_no_file_at_all(home: Path) -> None:
    assert load() == RegistriesConf()
    assert sources("python") == ["docker.io/library/python:latest"]


TABLES = """
[[registry]]
prefix = "example.com/foo"
location = "127.0.0.1:1/bar"
[[registry.mirror]]
location = "127.0.0.1:2/m"
[[registry.mirror]]
location = "127.0.0.1:3"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "127.0.0.1:4"
pull-from-mirror = "tag-only"

[[registry]]
location = "example.com/foo/deep"
mirror-by-digest-only = true
[[registry.mirror]]
location = "127.0.0.1:5/deep"

[[registry]]
prefix = "*.sub.example.com"
[[registry.mirror]]
location = "127.0.0.1:6"

[[registry]]
prefix = "*.moved.example.com"
location = "127.0.0.1:7/moved"

[[registry]]
prefix = "docker.io"
location = "127.0.0.1:8"

[[registry]]
prefix = "docker.io/library/alpine:3"
location = "127.0.0.1:9/other/alpine:4"

[[registry]]
location = "blocked.example.com"
blocked = true

[[registry]]
location = "blocked.example.com/but/this"
blocked = false

[[registry]]
prefix = "to-hub.example.com"
location = "docker.io"

[[registry]]
prefix = "wide.example.com"
location = "127.0.0.1:10"

[[registry]]
prefix = "wide.example.com:5000"
location = "127.0.0.1:11"
"""


def test_what_became_of_a_reference(home: Path) -> None:
    user(home, TABLES)
    assert sources("example.com/foo/app:1") == [
        "127.0.0.1:2/m/app:1",
        "127.0.0.1:4/app:1",
        "127.0.0.1:1/bar/app:1",
    ]
    assert [source.is_mirror for source in load().sources(parse_reference("example.com/foo/app"))] == [
        True,
        True,
        False,
    ]
    # Documented, though skopeo looks at repositories only: a prefix may have a tag.
    assert sources("docker.io/library/alpine:3") == ["127.0.0.1:9/other/alpine:4"]
    user(home, '[[registry]]\nlocation = "a.example/x:1"\nblocked = true\n')
    assert sources("a.example/x:2") == ["a.example/x:2"]
    with pytest.raises(ConfigurationError, match=r"a\.example/x:1 is blocked"):
        sources("a.example/x:1")


def test_digests_and_tags(home: Path) -> None:
    user(home, TABLES)
    # A digest beats a tag here too; a name that stays as it is keeps both.
    assert sources(f"docker.io/library/alpine:3@{DIGEST}") == [f"127.0.0.1:8/library/alpine@{DIGEST}"]
    assert sources(f"elsewhere.example/x:3@{DIGEST}") == [f"elsewhere.example/x:3@{DIGEST}"]


def test_a_blocked_registry_is_an_error_that_names_the_file(home: Path) -> None:
    path = user(home, TABLES)
    with pytest.raises(ConfigurationError) as caught:
        sources("blocked.example.com/app:1")
    assert caught.value.message == (f"blocked.example.com/app:1: blocked.example.com is blocked by {path}")


def test_insecure_is_told_with_its_file(home: Path) -> None:
    path = user(home, '[[registry]]\nlocation = "a.example"\ninsecure = true\n')
    [source] = load().sources(parse_reference("a.example/x"))
    assert source.insecure and source.origin == str(path)


def test_order_of_the_files(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    etc = tmp_path / "etc/containers"
    table = '[[registry]]\nprefix = "p.example"\nlocation = "{}"\n'
    alias = '[aliases]\n"{}" = "{}"\n'
    helpers = 'credential-helpers = ["{}"]\n'
    search = 'unqualified-search-registries = ["{}"]\n'
    write(
        etc / "registries.conf",
        search.format("one.example") + helpers.format("h") + table.format("one.example"),
    )
    assert sources("p.example/x:1") == ["one.example/x:1"] and load().search == ["one.example"]
    write(etc / "registries.conf.d/20.conf", search.format("three.example"))
    write(etc / "registries.conf.d/10.conf", table.format("two.example") + alias.format("a", "x.example/a"))
    write(etc / "registries.conf.d/99.txt", "not = read")
    (etc / "registries.conf.d/folder.conf").mkdir()
    conf = load()
    assert sources("p.example/x:1") == ["two.example/x:1"] and conf.search == ["three.example"]
    assert conf.credential_helpers == ["h"] and conf.short_name_mode is None
    assert conf.search_origin == str(etc / "registries.conf.d/20.conf")
    user(home, 'short-name-mode = "enforcing"\n' + alias.format("a", ""), "registries.conf.d/05.conf")
    conf = load()
    assert conf.short_name_mode == "enforcing" and conf.aliases["a"].name == ""
    assert conf.search == ["three.example"]
    # The user's own main file leaves /etc out altogether.
    user(home, search.format("user.example"))
    conf = load()
    assert conf.search == ["user.example"] and not conf.registries and conf.short_name_mode == "enforcing"
    # The variable takes the place of the main file alone.
    monkeypatch.setenv(
        registries_conf.VARIABLE, str(write(tmp_path / "mine.conf", table.format("mine.example")))
    )
    conf = load()
    assert conf.search == ["three.example"] and conf.short_name_mode == "enforcing"
    assert sources("p.example/x:1") == ["two.example/x:1"]
    monkeypatch.setenv(registries_conf.VARIABLE, str(tmp_path / "none.conf"))
    with pytest.raises(
        ConfigurationError, match=r"does not exist; it is named by CONTAINERS_REGISTRIES_CONF"
    ):
        load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[registry]\n", "is not valid TOML"),
        ("[registries.search]\nregistries = ['a.io']\n", "is of version 1 ([registries.search]"),
        ("[[registry]]\nblocked = true\n", "registry[0]: neither prefix nor location is set"),
        ("[[registry]]\nprefix = 'a.io'\n", "registry[0]: a location is needed with the prefix 'a.io'"),
        ("[[registry]]\nlocation = 'https://a.io'\n", "registry[0].location: 'https://a.io' has a URL's"),
        (
            "[[registry]]\nlocation = 'a b/c'\n",
            "registry[0].location: 'a b/c' does not begin with a registry",
        ),
        ("[[registry]]\nprefix = '*.a.io/ns'\n", "registry[0].prefix: '*.a.io/ns' is no wildcard"),
        ("[[registry]]\nprefix = '*.a.io:1'\n", "'*.a.io:1' is no wildcard"),
        ("[[registry]]\nprefix = 'a.*.io'\nlocation = 'x.io'\n", "registry[0].prefix: 'a.*.io' does not"),
        (
            "[[registry]]\nlocation = 'a.io'\ninsecure = 1\n",
            "registry[0].insecure: expected `bool`, got `int`",
        ),
        ("[[registry]]\nlocation = 'a.io'\npull-from-mirror = 'all'\n", "belongs into [[registry.mirror]]"),
        ("[[registry]]\nlocation = 'a.io'\n[[registry.mirror]]\n", "mirror[0]: the location is not set"),
        (
            "[[registry]]\nlocation = 'a.io'\nmirror-by-digest-only = true\n"
            "[[registry.mirror]]\nlocation = 'b.io'\npull-from-mirror = 'all'\n",
            "exclude each other",
        ),
        (
            "[[registry]]\nlocation = 'a.io'\n"
            "[[registry.mirror]]\nlocation = 'b.io'\npull-from-mirror = 'no'\n",
            "registry[0].mirror[0].pull-from-mirror: invalid enum value 'no'",
        ),
        (
            "[[registry]]\nlocation = 'a.io'\n"
            "[[registry]]\nprefix = 'b.io'\nlocation = 'a.io'\nblocked = true\n",
            "a.io is both blocked and not blocked",
        ),
        (
            "[[registry]]\nlocation = 'a.io'\n"
            "[[registry]]\nprefix = 'b.io'\nlocation = 'a.io'\ninsecure = true\n",
            "a.io is both insecure and not insecure",
        ),
        ("unqualified-search-registries = ['a.io/ns']\n", "'a.io/ns' is no registry host"),
        ("short-name-mode = 'ask'\n", "short-name-mode: 'ask' is none of enforcing, permissive or disabled"),
    ],
)
def test_errors_name_the_file_and_the_key(home: Path, text: str, message: str) -> None:
    path = user(home, text)
    with pytest.raises(ConfigurationError) as caught:
        load()
    assert caught.value.message.startswith(str(path)) and message in caught.value.message


def test_an_impossible_name_is_an_error_of_the_file_that_made_it(home: Path) -> None:
    path = user(home, '[[registry]]\nprefix = "a.example"\nlocation = "mirror"\n')
    with pytest.raises(ConfigurationError) as caught:
        sources("a.example/x:1")
    assert caught.value.message.startswith(f"{path}: a.example/x:1 becomes 'mirror/x:1': ")


def test_keys_of_later_versions_are_passed_over(home: Path) -> None:
    user(home, 'additional-layer-store-auth-helper = "x"\n[[registry]]\nlocation = "a.io"\nfuture = 1\n')
    assert list(load().registries) == ["a.io"]


NAMES = st.from_regex(r"[a-c](\.[a-c]){0,2}(:[0-9])?((/[a-c]){1,2}(:[a-c])?)?", fullmatch=True)


@given(NAMES, NAMES)
def test_a_prefix_ends_where_a_part_of_the_name_ends(name: str, prefix: str) -> None:
    length = matched(name, prefix)
    assert length in (0, len(prefix))
    if length:
        assert name.startswith(prefix) and name[length : length + 1] in ("", ":", "/", "@")
    else:
        assert not any(name == prefix or name.startswith(prefix + mark) for mark in ":/@")


@given(NAMES, st.from_regex(r"[a-c](\.[a-c]){0,2}", fullmatch=True))
def test_a_wildcard_covers_hosts_below_it(name: str, domain: str) -> None:
    host = name.partition("/")[0].partition(":")[0]
    length = matched(name, f"*.{domain}")
    assert length == (len(host) if host.endswith(f".{domain}") else 0)

"""Challenges and realms: the registry's words, and where they may send us."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse.errors import AuthenticationError
from elfuse.oci.auth import Challenge, Token, challenge_of, check_realm, parse_challenges, token_in, token_url
from elfuse.oci.http import is_internal, is_loopback

HUB = "https://registry-1.docker.io"


def test_challenges() -> None:
    hub = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b:pull,push"'
    assert parse_challenges([hub]) == [
        Challenge(
            "bearer",
            {
                "realm": "https://auth.docker.io/token",
                "service": "registry.docker.io",
                "scope": "a:b:pull,push",
            },
        )
    ]
    both = parse_challenges(['Basic realm="a, b", Bearer Realm=x , service="q\\"s"', "Negotiate"])
    assert both == [
        Challenge("basic", {"realm": "a, b"}),
        Challenge("bearer", {"realm": "x", "service": 'q"s'}),
        Challenge("negotiate", {}),
    ]
    assert challenge_of(['Basic realm="a"', 'Bearer realm="b"'], "r").parameters == {"realm": "b"}
    assert challenge_of(["Negotiate", "Basic realm=x"], "r").scheme == "basic"
    with pytest.raises(AuthenticationError, match="digest, negotiate"):
        challenge_of(["Negotiate", "Digest realm=x"], "r")
    with pytest.raises(AuthenticationError, match="no known scheme"):
        challenge_of([], "r")


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=3))
def test_any_challenge_is_parsed(values: list[str]) -> None:
    for challenge in parse_challenges(values):
        assert challenge.scheme == challenge.scheme.lower()


@pytest.mark.parametrize(
    "realm",
    ["https://auth.docker.io/token", "https://registry-1.docker.io/token", "https://93.184.216.34/token"],
)
def test_good_realms(realm: str) -> None:
    check_realm(realm, HUB)


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.docker.io/token",
        "https://127.0.0.1/token",
        "https://localhost/token",
        "https://x.localhost/token",
        "https://[::1]/token",
        "https://[::ffff:127.0.0.1]/token",
        "https://192.168.1.1/token",
        "https://169.254.169.254/token",
        "https://[fe80::1]/token",
        "https://0x7f.1/token",
        "https://0177.0.0.1/token",
        "https://127.1/token",
        "https://2130706433/token",
        "https://0/token",
        "https://a:b@auth.docker.io/token",
        "file:///etc/passwd",
        "gopher://x/",
        "//auth.docker.io/token",
        "/token",
        "",
    ],
)
def test_hostile_realms(realm: str) -> None:
    with pytest.raises(AuthenticationError):
        check_realm(realm, HUB)


def test_a_registry_on_this_machine_may_have_its_tokens_here() -> None:
    check_realm("https://127.0.0.1:5001/token", "https://127.0.0.1:5000")
    check_realm("http://localhost:5001/token", "http://127.0.0.1:5000")
    for realm in ("http://127.0.0.1:5001/token", "https://10.0.0.1/token"):
        with pytest.raises(AuthenticationError):
            check_realm(realm, "https://127.0.0.1:5000")


def test_token_urls() -> None:
    challenge = Challenge("bearer", {"realm": "https://a/t?x=1#f", "service": "a&b=c"})
    assert (
        token_url(challenge, ("repository:o/r:pull",))
        == "https://a/t?x=1&service=a%26b%3Dc&scope=repository:o/r:pull"
    )
    assert (
        token_url(Challenge("bearer", {"realm": "https://a/t"}), ("repository:r:pull,push",), "me")
        == "https://a/t?account=me&scope=repository:r:pull,push"
    )
    assert token_url(Challenge("bearer", {"realm": "https://a/t"}), ()) == "https://a/t"


def test_tokens() -> None:
    assert token_in(b'{"token":"a.b-c","expires_in":300}', "x") == Token("a.b-c", 300.0)
    for body in (
        b'{"access_token":"z"}',
        b'{"token":"z","expires_in":true}',
        b'{"token":"z","expires_in":-1}',
    ):
        assert token_in(body, "x") == Token("z", 60.0)
    for body in (
        b"{}",
        b'{"token":"a b"}',
        b'{"token":"a\\n"}',
        b'{"token":""}',
        b'{"token":"a","token":"b"}',
    ):
        with pytest.raises(AuthenticationError):
            token_in(body, "x")


def test_hosts() -> None:
    assert is_loopback("127.8.9.1") and is_loopback("[::1]") and is_loopback("LOCALHOST")
    assert not is_loopback("localhost.example.com") and not is_loopback("10.0.0.1")
    assert is_internal("10.0.0.1") and is_internal("127.1") and not is_internal("example.com")

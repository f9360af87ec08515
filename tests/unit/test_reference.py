"""The reference grammar, and names that skopeo and umoci accept."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse.errors import InvalidReference
from elfuse.oci.reference import LayoutReference, Reference, parse, parse_reference, ref_name

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("python", "docker.io/library/python:latest"),
        ("python:3.13", "docker.io/library/python:3.13"),
        ("org/app", "docker.io/org/app:latest"),
        ("docker.io/python", "docker.io/library/python:latest"),
        ("index.docker.io/a/b:c", "docker.io/a/b:c"),
        ("docker://quay.io/a/b/c:d", "quay.io/a/b/c:d"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:x", "localhost:5000/app:x"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("Registry/app", "Registry/app:latest"),
        (f"a@sha256:{HEX}", f"docker.io/library/a@sha256:{HEX}"),
        (f"a:t@sha256:{HEX}", f"docker.io/library/a:t@sha256:{HEX}"),
        ("a.b/c__d/e--f.g_h", "a.b/c__d/e--f.g_h:latest"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
    assert str(parse(canonical)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "a:",
        "a@",
        "/a",
        "a/",
        "a//b",
        "A",
        "a/B",
        "a b",
        "a:b c",
        "a..b",
        "a___b",
        "-a",
        "a-",
        "../a",
        "a/../b",
        "a:.x",
        "a:" + "x" * 129,
        "x" * 256,
        "a@sha256:abc",
        f"a@sha256:{HEX.upper()}",
        f"a@md5:{HEX}",
        f"a@sha256:{HEX}0",
        f"a@sha256:{HEX}\n",
        "a\n",
        "a:b\n",
        "http://a/b",
        "user@host/a",
        "host:port/a",
        "host:123456/a",
        "-x.com/a",
        "oci:",
        "oci:dir:",
        "oci:dir:bad tag",
        "oci:dir:../x",
        "docker://",
        "\N{LATIN SMALL LETTER E WITH ACUTE}",
        "a\0b",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(InvalidReference, match="invalid image reference"):
        parse(text)


def test_upper_case_is_explained() -> None:
    with pytest.raises(InvalidReference, match="a repository name is lower case"):
        parse("org/App")


def test_a_digest_beats_a_tag() -> None:
    reference = parse_reference(f"a:t@sha256:{HEX}")
    assert reference.selector == f"sha256:{HEX}"
    assert reference.pin == f"docker.io/library/a@sha256:{HEX}"


def test_docker_hub_is_asked_at_its_own_host() -> None:
    assert parse_reference("python").host == "registry-1.docker.io"
    assert parse_reference("quay.io/x").host == "quay.io"


def test_layouts() -> None:
    assert parse("oci:a/b", cwd="/w") == LayoutReference("/w/a/b", None)
    assert parse("oci:../b:t", cwd="/w/x") == LayoutReference("/w/b", "t")
    assert parse("oci:/b:127.0.0.1:5000/x:y") == LayoutReference("/b", "127.0.0.1:5000/x:y")


component = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}", fullmatch=True)
domains = st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,5}){1,2}(:[0-9]{1,5})?", fullmatch=True)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,40}", fullmatch=True)
references = st.builds(
    Reference,
    domains,
    st.lists(component, min_size=1, max_size=4).map("/".join),
    tags,
    st.none(),
)


@settings(deadline=None)
@given(references)
def test_every_reference_round_trips(reference: Reference) -> None:
    assert parse(str(reference)) == reference


@settings(deadline=None)
@given(references, references)
def test_ref_names_suit_other_tools_and_stay_apart(one: Reference, other: Reference) -> None:
    part = r"[A-Za-z0-9]+(([-._:@+]|--)[A-Za-z0-9]+)*"
    assert re.fullmatch(f"{part}(/{part})*", ref_name(one.pin))
    assert (ref_name(one.pin) == ref_name(other.pin)) == (one.pin == other.pin)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parsed = parse(text, cwd="/")
    except InvalidReference:
        return
    if isinstance(parsed, Reference):
        assert parse(str(parsed)) == parsed
        # What becomes part of a URL holds nothing that a URL gives meaning to.
        assert not re.search(r"[\s?#%\\]|\.\.", f"{parsed.path}{parsed.selector if parsed.digest else ''}")

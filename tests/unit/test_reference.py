"""The reference grammar, and names that skopeo and umoci accept."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse.errors import InvalidReference
from elfuse.oci.reference import (
    DirReference,
    DockerArchiveReference,
    LayoutReference,
    OciArchiveReference,
    Reference,
    parse,
    parse_reference,
    ref_name,
)

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
        "oci:dir:@",
        "oci:dir:@-1",
        "oci:dir:@1x",
        "oci:dir:@1000000",
        "oci:dir\0",
        "oci:dir\udcff",
        "oci:" + "d" * 4096,
        "oci-archive:",
        "oci-archive::tag",
        "oci-archive:file:bad tag",
        "docker-archive:",
        "docker-archive:file:",
        "docker-archive:file:Bad/Name",
        f"docker-archive:file:a@sha256:{HEX}",
        "docker-archive:file:@x",
        "dir:",
        "dir:a\0b",
        "docker-daemon:a:b",
        "containers-storage:a",
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


@pytest.mark.parametrize(
    ("text", "parsed", "canonical"),
    [
        ("oci:l:@3", LayoutReference("/w/l", index=3), "oci:/w/l:@3"),
        ("oci-archive:a.tar", OciArchiveReference("/w/a.tar"), "oci-archive:/w/a.tar"),
        ("oci-archive:../a.tar:v1", OciArchiveReference("/a.tar", "v1"), "oci-archive:/a.tar:v1"),
        ("oci-archive:/a:@0", OciArchiveReference("/a", index=0), "oci-archive:/a:@0"),
        ("docker-archive:a", DockerArchiveReference("/w/a"), "docker-archive:/w/a"),
        (
            "docker-archive:a:app",
            DockerArchiveReference("/w/a", parse_reference("app")),
            "docker-archive:/w/a:docker.io/library/app:latest",
        ),
        ("docker-archive:a:@12", DockerArchiveReference("/w/a", index=12), "docker-archive:/w/a:@12"),
        ("dir:./x/../d:1", DirReference("/w/d:1"), "dir:/w/d:1"),
    ],
)
def test_transports(text: str, parsed: object, canonical: str) -> None:
    """A relative path becomes absolute, and what is printed and pinned names the same image again."""
    reference = parse(text, cwd="/w")
    assert reference == parsed and reference.pin == str(reference) == canonical
    assert parse(canonical, cwd="/elsewhere") == reference


def test_a_path_that_would_be_cut_at_its_colon_is_refused() -> None:
    with pytest.raises(InvalidReference, match="has a ':', where this transport ends a path"):
        parse("oci:layout", cwd="/my:dir")
    assert parse("dir:d", cwd="/my:dir") == DirReference("/my:dir/d")


def test_images_called_as_a_transport_is() -> None:
    assert str(parse("docker:dind")) == "docker.io/library/docker:dind"
    assert str(parse("library/oci:1")) == "docker.io/library/oci:1"


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


@settings(deadline=None)
@given(st.sampled_from(["oci:", "oci-archive:", "docker-archive:", "dir:"]), st.text(max_size=60))
def test_any_path_is_parsed_or_refused(transport: str, rest: str) -> None:
    try:
        parsed = parse(transport + rest, cwd="/w")
    except InvalidReference:
        return
    assert parsed.path.startswith("/") and "/../" not in f"{parsed.path}/"
    assert parse(str(parsed), cwd="/other") == parsed
    assert str(parsed).encode()

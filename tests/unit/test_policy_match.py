"""Which rule is for an image, which signed name is accepted for it, and where its signatures are."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse.errors import PolicyError
from elfuse.oci.digest import Digest
from elfuse.oci.policy.document import parse_policy
from elfuse.oci.policy.identity import named, parse_identity
from elfuse.oci.policy.registries_d import Registries, load_registries, signature_url
from elfuse.oci.policy.scopes import identity_of, local_identity
from elfuse.oci.policy.strict import parse as parse_json
from elfuse.oci.policy.verdict import explain
from elfuse.oci.reference import Reference, parse

HEX = "a" * 64
SHA = f"sha256:{HEX}"


def scopes(text: str) -> tuple[str, ...]:
    return identity_of(parse(text)).scopes


def test_docker_scopes_from_most_to_least_specific() -> None:
    assert scopes("registry.example.org:5000/a/b/c:1") == (
        "registry.example.org:5000/a/b/c:1",
        "registry.example.org:5000/a/b/c",
        "registry.example.org:5000/a/b",
        "registry.example.org:5000/a",
        "registry.example.org:5000",
        "*.example.org",
        "*.org",
    )
    assert scopes("busybox")[:4] == (
        "docker.io/library/busybox:latest",
        "docker.io/library/busybox",
        "docker.io/library",
        "docker.io",
    )
    assert scopes(f"q.io/a@{SHA}")[0] == f"q.io/a@{SHA}"
    # A tag beside a digest is no part of what the image is.
    assert scopes(f"q.io/a:1@{SHA}") == scopes(f"q.io/a@{SHA}")
    assert scopes("localhost:5000/x") == ("localhost:5000/x:latest", "localhost:5000/x", "localhost:5000")


def test_path_scopes_have_no_links(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "layout").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    found = identity_of(parse(f"oci:{tmp_path}/link/layout:tag"))
    top = os.path.realpath(tmp_path)
    assert found.transport == "oci" and found.docker_reference is None
    assert found.scopes[:3] == (f"{top}/real/layout", f"{top}/real", top)
    assert "/" not in found.scopes and "" not in found.scopes


def test_local_images() -> None:
    for transport in ("oci", "oci-archive", "dir"):
        found = local_identity(transport, "/nonexistent/a/b")
        assert found.transport == transport and found.docker_reference is None
        assert found.scopes == ("/nonexistent/a/b", "/nonexistent/a", "/nonexistent")
    found = local_identity("docker-archive", "/nonexistent/a.tar", reference(f"q.io/a:1@{SHA}"))
    assert found.scopes == () and str(found.docker_reference) == f"q.io/a@{SHA}"


RULES = {
    "docker": ["docker.io/library/busybox", "docker.io", "*.example.org", "reg.example.org/ns", ""],
    "oci": ["/srv/images"],
}


def rule(text: str, rules: dict[str, list[str]] = RULES) -> str:
    accept = [{"type": "insecureAcceptAnything"}]
    transports = {name: dict.fromkeys(known, accept) for name, known in rules.items()}
    document = parse_policy(
        json.dumps({"default": [{"type": "reject"}], "transports": transports}).encode(), "f"
    )
    return explain(document, parse(text)).rule


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("busybox", 'docker "docker.io/library/busybox"'),
        ("busybox:1", 'docker "docker.io/library/busybox"'),
        (f"busybox@{SHA}", 'docker "docker.io/library/busybox"'),
        ("busyboxx", 'docker "docker.io"'),
        ("someone/busybox", 'docker "docker.io"'),
        ("reg.example.org/ns/x", 'docker "reg.example.org/ns"'),
        ("reg.example.org/nsx/x", 'docker "*.example.org"'),
        ("reg.example.org:5000/ns/x", 'docker "*.example.org"'),
        ("a.b.example.org/x", 'docker "*.example.org"'),
        ("example.org/x", 'docker ""'),
        ("notexample.org/x", 'docker ""'),
        ("quay.io/x", 'docker ""'),
        ("oci:/srv/images/one:tag", 'oci "/srv/images"'),
        ("oci:/srv/images", 'oci "/srv/images"'),
        ("oci:/srv/imagesx", "default"),
        ("oci:/srv/images/../x", "default"),
    ],
)
def test_the_most_specific_scope_decides_alone(image: str, expected: str) -> None:
    assert rule(image) == expected


def test_the_default_is_for_transports_without_a_rule() -> None:
    assert rule("busybox", {"oci": [""]}) == "default"
    assert rule("busybox", {"docker": ["quay.io"]}) == "default"
    assert rule("oci:/x", {"oci": [""]}) == 'oci ""'


def accepts(kind: str | dict[str, Any], image: str | None, signed: str) -> bool:
    fields = {"type": kind} if isinstance(kind, str) else kind
    wanted = None
    if image is not None:
        source = parse(image)
        wanted = identity_of(source).docker_reference
    return parse_identity(parse_json(json.dumps(fields).encode(), limit=1 << 20)).accepts(wanted, signed)


EXACT_REFERENCE = {"type": "exactReference", "dockerReference": "q.io/a:1"}
EXACT_REPOSITORY = {"type": "exactRepository", "dockerRepository": "q.io/a"}
REMAP = {"type": "remapIdentity", "prefix": "mirror.org/q", "signedPrefix": "q.io"}


@pytest.mark.parametrize(
    ("kind", "image", "signed", "expected"),
    [
        ("matchExact", "q.io/a:1", "q.io/a:1", True),
        ("matchExact", "q.io/a:1", "q.io/a:2", False),
        ("matchExact", "q.io/a:1", "q.io/a", False),
        ("matchExact", "q.io/a:1", "q.io/b:1", False),
        ("matchExact", "busybox:1", "docker.io/library/busybox:1", True),
        ("matchExact", "busybox:1", "busybox:1", True),
        ("matchExact", "busybox", "busybox", False),
        ("matchExact", "busybox", "busybox:latest", True),
        ("matchExact", f"q.io/a@{SHA}", f"q.io/a@{SHA}", True),
        ("matchExact", f"q.io/a@{SHA}", "q.io/a:1", False),
        ("matchExact", f"q.io/a:1@{SHA}", "q.io/a:1", False),
        ("matchExact", None, "q.io/a:1", False),
        ("matchExact", "q.io/a:1", "", False),
        ("matchExact", "q.io/a:1", "Q/:", False),
        ("matchRepoDigestOrExact", "q.io/a:1", "q.io/a:1", True),
        ("matchRepoDigestOrExact", "q.io/a:1", "q.io/a:2", False),
        ("matchRepoDigestOrExact", "q.io/a:1", f"q.io/a@{SHA}", False),
        ("matchRepoDigestOrExact", f"q.io/a@{SHA}", "q.io/a:2", True),
        ("matchRepoDigestOrExact", f"q.io/a@{SHA}", "q.io/a", False),
        ("matchRepoDigestOrExact", f"q.io/a@{SHA}", "q.io/b:2", False),
        ("matchRepoDigestOrExact", None, "q.io/a:1", False),
        ("matchRepository", "q.io/a:1", "q.io/a", True),
        ("matchRepository", "q.io/a:1", "q.io/a:2", True),
        ("matchRepository", f"q.io/a@{SHA}", "q.io/a", True),
        ("matchRepository", "q.io/a:1", "q.io/a/b", False),
        ("matchRepository", "q.io/a:1", "q.io:1/a", False),
        ("matchRepository", None, "q.io/a", False),
        (EXACT_REFERENCE, "elsewhere.org/x:9", "q.io/a:1", True),
        (EXACT_REFERENCE, None, "q.io/a:1", True),
        (EXACT_REFERENCE, None, "q.io/a:2", False),
        (EXACT_REFERENCE, None, "q.io/a", False),
        (EXACT_REPOSITORY, "elsewhere.org/x:9", "q.io/a:7", True),
        (EXACT_REPOSITORY, None, "q.io/a", True),
        (EXACT_REPOSITORY, None, "q.io/ab", False),
        (REMAP, "mirror.org/q/a:1", "q.io/a:1", True),
        (REMAP, "mirror.org/q/a:1", "mirror.org/q/a:1", False),
        (REMAP, "mirror.org/qq/a:1", "q.io/a:1", False),
        (REMAP, "mirror.org/qq/a:1", "mirror.org/qq/a:1", True),
        (REMAP, f"mirror.org/q/a@{SHA}", "q.io/a:1", True),
        (REMAP, "mirror.org/q/a:1", "q.io/a", False),
        (REMAP, None, "q.io/a:1", False),
        # The prefix is the whole name, and what it becomes is no name of an image.
        (REMAP, "mirror.org/q:1", "q.io:1", False),
    ],
)
def test_signed_identities(
    kind: str | dict[str, Any], image: str | None, signed: str, expected: bool
) -> None:
    assert accepts(kind, image, signed) is expected


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[a-z.]{1,8}(:[0-9]{1,3})?/[a-z_/-]{1,8}(:[a-z]{1,4})?"))
def test_any_signed_name_is_accepted_only_as_itself(text: str) -> None:
    found = named(text)
    for image in ("q.io/a:1", "busybox:latest", f"q.io/a@{SHA}"):
        wanted = identity_of(parse(image)).docker_reference
        if accepts("matchExact", image, text):
            assert found == wanted


# -- registries.d


def section(tmp_path: Path, **files: str) -> Registries:
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return load_registries(str(tmp_path))


def reference(text: str) -> Reference:
    found = parse(text)
    assert isinstance(found, Reference)
    return found


def test_registries_d_values_come_from_the_most_specific_scope_that_has_them(tmp_path: Path) -> None:
    found = section(
        tmp_path,
        a="default-docker:\n  lookaside: file:///d\n  lookaside-staging: file:///never\n"
        "docker:\n  q.io:\n    use-sigstore-attachments: true\n  q.io/ns:\n    lookaside: https://l/x\n",
        b="docker:\n  q.io/ns/app:\n    use-sigstore-attachments: false\n    unknown-to-us: 1\n"
        "  old.io:\n    sigstore: file:///old\n",
    )
    assert found.lookaside(reference("q.io/ns/app:1")) == "https://l/x/ns/app"
    assert not found.uses_attachments(reference("q.io/ns/app:1"))
    assert found.uses_attachments(reference("q.io/ns/other"))
    assert found.uses_attachments(reference(f"q.io/x:1@{SHA}"))
    assert not found.uses_attachments(reference("q.io:5000/x"))
    assert found.lookaside(reference("q.io:5000/x")) == "file:///d/x"
    assert found.lookaside(reference("old.io/x/y")) == "file:///old/x/y"
    url = signature_url(found.lookaside(reference("old.io/x/y")), Digest(SHA), 2)
    assert url == f"file:///old/x/y@sha256={HEX}/signature-2"


def test_registries_d_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    nothing = load_registries(system=str(tmp_path / "none"))
    assert nothing.directory is None and not nothing.uses_attachments(reference("q.io/x"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert nothing.lookaside(reference("q.io/x")) == f"file://{tmp_path}/.local/share/containers/sigstore/x"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert nothing.lookaside(reference("q.io/x")) == "file:///var/lib/containers/sigstore/x"
    user = tmp_path / ".config/containers/registries.d"
    user.mkdir(parents=True)
    assert load_registries(system=str(tmp_path / "none")).directory == str(user)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"a": "docker: {q.io: {}}", "b": "docker: {q.io: {}}"},
            "'q.io' is defined in .*a.yaml and in .*b.y",
        ),
        ({"a": "default-docker: {}", "b": "default-docker: {}"}, "default-docker is defined in"),
        ({"a": "docker:\n  q.io: {}\n  q.io: {}"}, "line 3: the name 'q.io' appears twice"),
        ({"a": "docker: ["}, "not valid YAML: line"),
        ({"a": "docker: [1]"}, "docker is no mapping"),
        ({"a": "- x"}, "the document is no mapping"),
        ({"a": "docker: {1: {}}"}, "docker is no mapping of names"),
        ({"a": "docker: {q.io: {use-sigstore-attachments: maybe}}"}, "neither true nor false"),
        ({"a": "docker: {q.io: {lookaside: [x]}}"}, "lookaside is no text"),
        ({"a": "x: !!python/object/apply:os.system [true]"}, "not valid YAML"),
        ({"a": "? {a: 1}\n: 1"}, "not valid YAML"),
        ({"a": "\x00"}, "not valid YAML"),
    ],
)
def test_wrong_registries_d_is_an_error(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    with pytest.raises(PolicyError, match=reason):
        section(tmp_path, **files)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "x.yaml").mkdir()
    with pytest.raises(PolicyError, match="cannot be read"):
        load_registries(str(tmp_path / "more"))

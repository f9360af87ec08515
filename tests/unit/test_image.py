"""Indexes, manifests and configs of strangers."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfuse.errors import ElfuseError, InvalidImage
from elfuse.oci import media
from elfuse.oci.digest import Digest, chain_id, digest_of, parse_digest
from elfuse.oci.image import (
    Index,
    Manifest,
    load_json,
    parse_config,
    parse_document,
    parse_platform,
)

D = "sha256:" + "a" * 64
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": D, "size": 5}
CONFIG = {"mediaType": media.OCI_CONFIG, "digest": D, "size": 5}
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
MANIFEST: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": media.OCI_MANIFEST,
    "config": CONFIG,
    "layers": [LAYER],
}


def read(document: object, kind: str = media.OCI_MANIFEST) -> Index | Manifest:
    return parse_document(json.dumps(document).encode(), kind, "X")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"manifests": []}, "has a member 'manifests': ambiguous"),
        ({"fsLayers": []}, "ambiguous"),
        ({"schemaVersion": 3}, "has schemaVersion 3"),
        ({"schemaVersion": 1}, "Docker schema 1"),
        ({"mediaType": media.OCI_INDEX}, "was delivered as"),
        ({"mediaType": 5}, "was delivered as"),
        ({"layers": []}, "has no layers"),
        ({"layers": [LAYER] * 513}, "more than 512 layers"),
        ({"layers": [{**LAYER, "mediaType": "text/plain"}]}, "unsupported type 'text/plain'"),
        ({"layers": [{**LAYER, "digest": "sha256:../../x"}]}, r"digest"),
        ({"layers": [{**LAYER, "digest": D + "\n"}]}, r"digest"),
        ({"layers": [{**LAYER, "digest": "sha512:" + "a" * 128}]}, r"digest"),
        ({"layers": [{**LAYER, "size": -1}]}, "size"),
        ({"layers": [{**LAYER, "size": 1 << 63}]}, "int|size"),
        ({"layers": [{**LAYER, "size": "5"}]}, "size"),
        ({"config": {**CONFIG, "size": 5 << 20}}, "config larger than 4 MiB"),
        ({"config": {**CONFIG, "mediaType": "application/vnd.oci.empty.v1+json"}}, "is an artifact"),
        ({"config": None}, "Expected"),
        ({"layers": [{**LAYER, "mediaType": FOREIGN}]}, "has a foreign layer .*address in the manifest"),
    ],
)
def test_manifests_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidImage, match=message):
        read({**MANIFEST, **change})


def test_media_type_comes_from_either_side() -> None:
    bare = {key: value for key, value in MANIFEST.items() if key != "mediaType"}
    assert isinstance(read(bare), Manifest)
    assert isinstance(read(MANIFEST, "application/json"), Manifest)
    with pytest.raises(InvalidImage, match="no image manifest or index"):
        read(bare, "application/json")
    with pytest.raises(InvalidImage, match="was delivered as"):
        read(MANIFEST, media.DOCKER_MANIFEST)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"schemaVersion":2,"schemaVersion":2}', "appears twice"),
        (b'{"a":{"b":1,"b":2}}', "appears twice"),
        (b"[" * 200_000, "nested too deeply|not valid JSON"),
        (b'{"a":NaN}', "no JSON number"),
        (b"\xff\xfe", "not valid JSON"),
        (b"", "not valid JSON"),
        (b" " * ((4 << 20) + 1), "larger than 4 MiB"),
    ],
)
def test_json_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidImage, match=message):
        load_json(data, "X")


@settings(deadline=None)
@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text(max_size=5) | st.integers(), st.lists).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_garbage_is_an_error_not_a_crash(data: bytes) -> None:
    with pytest.raises(ElfuseError):
        parse_document(data, media.OCI_MANIFEST, "X")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(D),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CONFIG_DOCUMENT: dict[str, Any] = {
    "architecture": "arm64",
    "os": "linux",
    "config": {
        "Env": ["A=b"],
        "Cmd": ["x"],
        "Entrypoint": ["e"],
        "User": "u",
        "WorkingDir": "/w",
        "Labels": {"a": "b"},
    },
    "rootfs": {"type": "layers", "diff_ids": [D]},
    "history": [{"created_by": "x"}],
}


def spoiled(document: Any, data: st.DataObject) -> Any:
    """The document with one value, somewhere in it, replaced."""
    if isinstance(document, dict) and document and data.draw(st.integers(0, 3)):
        key = data.draw(st.sampled_from(sorted(document)))
        return {**document, key: spoiled(document[key], data)}
    if isinstance(document, list) and document and data.draw(st.booleans()):
        return [spoiled(document[0], data), *document[1:]]
    return data.draw(JSON)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_one_wrong_value_is_read_or_refused(data: st.DataObject) -> None:
    manifest = Manifest
    for kind, document in ((media.OCI_MANIFEST, MANIFEST), (media.OCI_INDEX, {"manifests": [CONFIG]})):
        with contextlib.suppress(ElfuseError):
            parsed = read(spoiled({"schemaVersion": 2, "mediaType": kind, **document}, data), kind)
            assert isinstance(parsed, (Index, manifest))
    good = read(MANIFEST)
    assert isinstance(good, Manifest)
    with contextlib.suppress(ElfuseError):
        config = parse_config(json.dumps(spoiled(CONFIG_DOCUMENT, data)).encode(), good, "X")
        assert len(config.diff_ids) == 1
        run = config.run
        words = [*(run.env or []), *(run.cmd or []), run.user or "", run.working_dir or ""]
        assert all(isinstance(word, str) for word in words)


def test_platform_words_refused() -> None:
    for text in ("", "linux/", "a/b/c/d", "linux/ARM64", "linux/arm 64"):
        with pytest.raises(InvalidImage):
            parse_platform(text)


def config_of(**members: Any) -> bytes:
    base = {"os": "linux", "architecture": "arm64", "rootfs": {"type": "layers", "diff_ids": [D]}}
    return json.dumps({**base, **members}).encode()


def test_configs() -> None:
    manifest = read(MANIFEST)
    assert isinstance(manifest, Manifest)
    config = parse_config(
        config_of(config={"Entrypoint": None, "Cmd": ["x"], "Labels": {"a": "b"}}), manifest, "C"
    )
    assert config.run.entrypoint is None and config.run.cmd == ["x"]
    assert parse_config(config_of(config=None), manifest, "C").run.env is None
    for bad in (
        config_of(rootfs={"type": "layers", "diff_ids": []}),
        config_of(rootfs={"type": "other", "diff_ids": [D]}),
        config_of(config={"Env": "A=B"}),
        config_of(config={"User": 0}),
        b"{}",
    ):
        with pytest.raises(InvalidImage):
            parse_config(bad, manifest, "C")


def test_chain_id_of_the_specification() -> None:
    one, two = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
    assert chain_id([one]) == one
    assert chain_id([one, two]) == digest_of(f"{one} {two}".encode())
    assert chain_id([one, two, two]) == digest_of(f"{chain_id([one, two])} {two}".encode())
    with pytest.raises(InvalidImage):
        chain_id([])


@pytest.mark.parametrize(
    "text", ["", "sha256:", D + "0", D.upper(), D + "\n", "sha256:" + "g" * 64, "../" + D]
)
def test_digests_refused(text: str) -> None:
    with pytest.raises(InvalidImage):
        parse_digest(text)

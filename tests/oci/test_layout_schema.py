"""The store as image-spec and other tools see it: its schemas hold, skopeo and umoci read it as it lies."""

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema

import elfuse as api
from elfuse.api.store import Store
from tests.oci.conftest import Registry, blobs
from tests.oci.images import AMD64, sample, write_layout

# From image-spec v1.1's text: image-layout.md, image-index.md, manifest.md, config.md, descriptor.md.
DIGEST = {"type": "string", "pattern": r"^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"}
MEDIA_TYPE = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$",
}
NOTES = {"type": "object", "additionalProperties": {"type": "string"}}
DESCRIPTOR: dict[str, Any] = {
    "type": "object",
    "required": ["mediaType", "digest", "size"],
    "properties": {
        "mediaType": MEDIA_TYPE,
        "digest": DIGEST,
        "size": {"type": "integer", "minimum": 0},
        "urls": {"type": "array", "items": {"type": "string", "format": "uri"}},
        "annotations": NOTES,
        "artifactType": MEDIA_TYPE,
        "data": {"type": "string"},
    },
}
PLATFORM = {
    "type": "object",
    "required": ["architecture", "os"],
    "properties": {
        "architecture": {"type": "string"},
        "os": {"type": "string"},
        "variant": {"type": "string"},
        "os.version": {"type": "string"},
        "os.features": {"type": "array", "items": {"type": "string"}},
    },
}
IMAGE_LAYOUT = {
    "type": "object",
    "required": ["imageLayoutVersion"],
    "properties": {"imageLayoutVersion": {"const": "1.0.0"}},
}
INDEX = {
    "type": "object",
    "required": ["schemaVersion", "manifests"],
    "properties": {
        "schemaVersion": {"const": 2},
        "mediaType": {"const": "application/vnd.oci.image.index.v1+json"},
        "manifests": {
            "type": "array",
            "items": {
                **DESCRIPTOR,
                "properties": {**DESCRIPTOR["properties"], "platform": PLATFORM},
            },
        },
        "annotations": NOTES,
    },
}
MANIFEST = {
    "type": "object",
    "required": ["schemaVersion", "config", "layers"],
    "properties": {
        "schemaVersion": {"const": 2},
        "mediaType": {"const": "application/vnd.oci.image.manifest.v1+json"},
        "config": DESCRIPTOR,
        "layers": {"type": "array", "minItems": 1, "items": DESCRIPTOR},
        "annotations": NOTES,
    },
}
CONFIG = {
    "type": "object",
    "required": ["architecture", "os", "rootfs"],
    "properties": {
        "created": {"type": "string", "format": "date-time"},
        "architecture": {"type": "string"},
        "os": {"type": "string"},
        "rootfs": {
            "type": "object",
            "required": ["type", "diff_ids"],
            "properties": {
                "type": {"const": "layers"},
                "diff_ids": {"type": "array", "items": DIGEST},
            },
        },
    },
}


def check(document: Any, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)


def assert_is_a_layout(store: Path) -> None:
    """image-layout.md: both files, and every blob under the name of its content, all that pins need."""
    check(json.loads((store / "oci-layout").read_text()), IMAGE_LAYOUT)
    index = json.loads((store / "index.json").read_text())
    check(index, INDEX)
    for entry in index["manifests"]:
        manifest = json.loads((store / "blobs/sha256" / entry["digest"][7:]).read_text())
        check(manifest, MANIFEST)
        check(json.loads((store / "blobs/sha256" / manifest["config"]["digest"][7:]).read_text()), CONFIG)
    names = [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in index["manifests"]]
    assert len(names) == len(set(names))


def test_schemas_and_other_tools(registry: Registry, store_path: Path, tmp_path: Path) -> None:
    """Through pulls, tags, removals and prunes."""
    refs = [registry.push(f"schema/{name}:1", sample(name.encode())) for name in ("a", "b")]
    layout = write_layout(tmp_path / "layout", {"multi": [sample(), sample(platform=AMD64)]})
    for ref in [*refs, f"oci:{layout}:multi"]:
        api.pull(ref)
        assert_is_a_layout(store_path)
    store = Store(str(store_path))
    store.tag(refs[0], "localhost/again:1")
    store.remove(refs[1])
    assert_is_a_layout(store_path)
    store.prune(commit=True)
    assert store.verify(repair=True).problems == []
    assert_is_a_layout(store_path)
    index = json.loads((store_path / "index.json").read_text())
    assert len(index["manifests"]) == 3
    for entry in index["manifests"]:
        name = entry["annotations"]["org.opencontainers.image.ref.name"]
        raw = subprocess.run(
            ["skopeo", "inspect", "--raw", f"oci:{store_path}:{name}"], check=True, capture_output=True
        ).stdout
        assert raw == (store_path / "blobs/sha256" / entry["digest"][7:]).read_bytes()
        copy = tmp_path / "copy"
        subprocess.run(["skopeo", "copy", "-q", f"oci:{store_path}:{name}", f"oci:{copy}:x"], check=True)
        assert blobs(copy) <= blobs(store_path)
    listed = subprocess.run(
        ["umoci", "ls", "--layout", store_path], check=True, capture_output=True, text=True
    )
    assert sorted(listed.stdout.split()) == sorted(
        entry["annotations"]["org.opencontainers.image.ref.name"] for entry in index["manifests"]
    )


def test_a_layout_of_another_tool_becomes_a_store(tmp_path: Path, store_path: Path) -> None:
    layout = write_layout(tmp_path / "from", {"x": [sample()]})
    subprocess.run(["skopeo", "copy", "-q", f"oci:{layout}:x", f"oci:{store_path}:app"], check=True)
    store = Store(str(store_path))
    assert [image.name for image in store.images()] == ["app"] and store.verify(repair=True)
    api.pull(f"oci:{layout}:x")
    store.prune(commit=True)
    subprocess.run(["umoci", "tag", "--image", f"{store_path}:app", "more"], check=True)
    assert {image.name for image in store.images()} == {"app", "more", f"oci:{layout}:x"}
    # umoci's own garbage collection and ours agree on what is needed.
    before = blobs(store_path)
    subprocess.run(["umoci", "gc", "--layout", store_path], check=True)
    assert blobs(store_path) == before

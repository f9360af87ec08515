"""inspect: indexes, other platforms, registries and paths, and what an image shares with others."""

import json
import ssl
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import elfuse as api
from elfuse.errors import ContentMismatch, ImageNotFound, PlatformNotFound
from elfuse.oci.layout import Store
from tests.oci.conftest import Registry, Result, blobs
from tests.oci.images import AMD64, ARM64, MANIFEST, Image, index_of, sample, sha256, tar, write_layout

Elfuse = Callable[..., Result]
ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}


def with_attestation(path: Path, images: list[Image]) -> bytes:
    """A layout whose tag x is an index of the images and of a BuildKit attestation. The index's bytes."""
    write_layout(path, {"x": images})
    layer = {"mediaType": "application/vnd.in-toto+json", "digest": sha256(b"{}"), "size": 2}
    note = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": layer, "layers": [layer]}
    ).encode()
    index = json.loads(index_of(images))
    index["manifests"].append(
        {
            "mediaType": MANIFEST,
            "digest": sha256(note),
            "size": len(note),
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": ATTESTATION,
        }
    )
    top = json.dumps(index).encode()
    for data in (b"{}", note, top):
        (path / "blobs/sha256" / sha256(data)[7:]).write_bytes(data)
    entry: dict[str, Any] = {"mediaType": index["mediaType"], "digest": sha256(top), "size": len(top)}
    entry["annotations"] = {"org.opencontainers.image.ref.name": "x"}
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return top


def test_the_index_of_a_stored_image(tmp_path: Path, store_path: Path, elfuse: Elfuse) -> None:
    arm, amd = sample(), sample(b"amd\n", platform=AMD64)
    top = with_attestation(tmp_path / "layout", [amd, arm])
    name = api.pull(f"oci:{tmp_path}/layout:x").reference
    text = elfuse("oci", "inspect", name).out
    table = text.partition("\n\n")[2].splitlines()
    assert table[0].split() == ["PLATFORM", "DIGEST", "IN", "STORE"]
    assert [line.split() for line in table[1:]] == [
        ["linux/amd64", sha256(amd.raw), "no"],
        ["*", "linux/arm64/v8", sha256(arm.raw), "yes"],
    ]
    text = elfuse("oci", "inspect", "--all-platforms", name).out
    assert "unknown/unknown (attestation)" in text and f"{sha256(arm.raw)}  yes            2  " in text
    assert elfuse("oci", "inspect", "--raw", name).out == arm.raw.decode()
    assert elfuse("oci", "inspect", "--raw", "--all-platforms", name).out == top.decode()
    done = elfuse("oci", "inspect", "--platform", "linux/amd64", name)
    assert done.code == 1 and "for linux/arm64/v8, not for linux/amd64; ask with --remote" in done.err
    with pytest.raises(PlatformNotFound, match="it offers linux/amd64, linux/arm64/v8"):
        api.inspect(name, platform="linux/s390x")
    # Once the other platform's documents are here, the store can tell of them, too.
    for data in (amd.raw, amd.blobs[amd.manifest["config"]["digest"]]):
        (store_path / "blobs/sha256" / sha256(data)[7:]).write_bytes(data)
    details = api.inspect(name, platform="linux/amd64")
    assert details.digest == sha256(amd.raw) and details.platform == "linux/amd64"
    assert [row.chosen for row in details.platforms] == [True, False, False]


def test_a_single_manifest_has_no_table(tmp_path: Path, store_path: Path, elfuse: Elfuse) -> None:
    layout = write_layout(tmp_path / "layout", {"x": [sample()]})
    name = api.pull(f"oci:{layout}:x").reference
    done = elfuse("oci", "inspect", name)
    assert "Index:      none\n" in done.out and "PLATFORM" not in done.out
    assert api.inspect(name, platform="linux/arm64").digest == sha256(sample().raw)
    with pytest.raises(PlatformNotFound, match="has no image for linux/amd64; it offers linux/arm64/v8"):
        api.inspect(name, platform="linux/amd64")


def test_a_registry_is_asked_with_remote(registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    arm, amd = sample(), sample(b"amd\n", platform=AMD64)
    ref = registry.push("insp/remote:1", arm, amd)
    done = elfuse("oci", "inspect", "--remote", "--json", ref)
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert document["remote"] is True and document["digest"] == sha256(arm.raw)
    assert [layer["size"] for layer in document["layers"]] == [x["size"] for x in arm.manifest["layers"]]
    assert document["size"] == sum(layer["size"] for layer in arm.manifest["layers"])
    assert [row["platform"] for row in document["platforms"]] == ["linux/arm64/v8", "linux/amd64"]
    assert document["referrers"] == [] and document["reuse"] is None
    assert not store_path.exists()  # a look makes no store
    other = elfuse("oci", "inspect", "--remote", "--platform", "linux/amd64", "--config", "--raw", ref)
    assert other.out == amd.blobs[amd.manifest["config"]["digest"]].decode()
    assert (
        elfuse("oci", "inspect", "--remote", "--raw", "--all-platforms", ref).out
        == index_of([arm, amd]).decode()
    )
    every = api.inspect(ref, remote=True, all_platforms=True)
    assert [(row.layers, row.present) for row in every.platforms] == [(2, False), (2, False)]
    with pytest.raises(ImageNotFound):
        api.inspect(f"{registry.address}/insp/none", remote=True)
    api.pull(ref)
    assert api.inspect(ref, remote=True).platforms[0].present


def test_referrers(registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    """docker-registry has no referrers API: they are found by the specification's fallback tag."""
    image = sample()
    ref = registry.push("insp/ref:1", image)
    entry = {
        "mediaType": MANIFEST,
        "digest": sha256(image.raw),
        "size": len(image.raw),
        "artifactType": "application/spdx+json",
        "annotations": {"made.by": "a test"},
    }
    kind = "application/vnd.oci.image.index.v1+json"
    data = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]})
    tag = sha256(image.raw).replace(":", "-")
    url = f"https://{registry.address}/v2/insp/ref/manifests/{tag}"
    request = urllib.request.Request(url, data.encode(), {"Content-Type": kind}, method="PUT")
    urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(registry.ca))).close()
    found = api.inspect(ref, remote=True).referrers
    assert found is not None and [item.artifact_type for item in found] == ["application/spdx+json"]
    assert found[0].annotations == {"made.by": "a test"}
    text = elfuse("oci", "inspect", "--remote", ref).out
    assert f"Referrer:   {sha256(image.raw)} application/spdx+json\n" in text


@pytest.mark.parametrize("transport", ["oci", "dir", "oci-archive", "docker-archive"])
def test_paths_are_looked_at_with_remote(tmp_path: Path, store_path: Path, transport: str) -> None:
    layout = write_layout(tmp_path / "layout", {"x": [sample()]})
    target = f"{transport}:{tmp_path}/copy"
    subprocess.run(["skopeo", "copy", "-q", f"oci:{layout}:x", target], check=True)
    details = api.inspect(target, remote=True)
    assert details.config_digest == sample().manifest["config"]["digest"]
    assert details.referrers is None and details.entrypoint == ["/bin/hello"]
    assert not store_path.exists()


def test_a_wrong_config_at_a_path(tmp_path: Path, store_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"x": [sample()]})
    victim = layout / "blobs/sha256" / sample().manifest["config"]["digest"][7:]
    victim.write_bytes(victim.read_bytes() + b" ")
    with pytest.raises(ContentMismatch, match="wrong content or size"):
        api.inspect(f"oci:{layout}:x", remote=True)


def test_what_is_shared_with_other_images(tmp_path: Path, store_path: Path, elfuse: Elfuse) -> None:
    base, middle = tar([("base", b"b" * 4000)]), tar([("middle", b"m" * 3000)])
    tops = [tar([("top", bytes([65 + number]))]) for number in range(3)]
    images = {
        "one": [Image([base, middle, tops[0]])],
        "two": [Image([base, middle, tops[1]])],
        "other-order": [Image([tops[2], base])],
        "alone": [Image([tar([("alone", b"x")])])],
    }
    layout = write_layout(tmp_path / "layout", images)
    name = api.pull(f"oci:{layout}:one").reference
    assert "Reuse:      no other image to compare with\n" in elfuse("oci", "inspect", name).out
    api.pull(f"oci:{layout}:alone")
    assert "Reuse:      nothing of 1 other image\n" in elfuse("oci", "inspect", name).out
    for tag in ("two", "other-order"):
        api.pull(f"oci:{layout}:{tag}")
    reuse = api.inspect(name).reuse
    layers = images["one"][0].manifest["layers"]
    assert reuse is not None and (reuse.layers, reuse.total, reuse.images) == (2, 3, 2)
    assert reuse.size == layers[0]["size"] + layers[1]["size"] and reuse.compared == 3
    assert (reuse.depth, reuse.neighbour, reuse.unpacked) == (2, f"oci:{layout}:two", False)
    text = elfuse("oci", "inspect", name).out
    assert "Reuse:      2 of 3 layers (" in text and "shared with 2 other images\n" in text
    assert f"Reuse:      the lowest 2 of 3 layers as a stack with oci:{layout}:two\n" in text
    shared = api.inspect(f"oci:{layout}:other-order").reuse
    assert shared is not None and (shared.layers, shared.depth, shared.neighbour) == (1, 0, None)
    # A name of the same image is no other image; a store with holes is compared as far as it goes.
    store = Store.open()
    pin = next(pin for pin in store.pins() if pin.name == name)
    store.set_pin("docker.io/library/again:1", pin.manifest, pin.index)
    victim = images["two"][0].manifest["config"]["digest"]
    (store_path / "blobs/sha256" / victim[7:]).unlink()
    reuse = api.inspect(name).reuse
    assert reuse is not None and (reuse.compared, reuse.layers, reuse.depth) == (2, 1, 0)


def test_raw_stack_and_blob_reuse_differ(tmp_path: Path, store_path: Path) -> None:
    """The same tar in another compression is another blob, and the same stack."""
    layer = tar([("f", b"content")])
    plain = Image([layer], platform=dict(ARM64))
    plain.manifest["layers"] = [plain._put(layer, "application/vnd.oci.image.layer.v1.tar")]
    layout = write_layout(tmp_path / "layout", {"gz": [Image([layer])], "plain": [plain]})
    for tag in ("gz", "plain"):
        api.pull(f"oci:{layout}:{tag}")
    api.unpack(f"oci:{layout}:gz")
    reuse = api.inspect(f"oci:{layout}:plain").reuse
    assert reuse is not None and (reuse.layers, reuse.depth, reuse.unpacked) == (0, 1, True)
    assert len(blobs(store_path)) == 5

"""Push: to Debian's docker-registry, to a registry that fails, and to the local transports."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import elfuse as api
from elfuse.errors import (
    AuthenticationError,
    ContentMismatch,
    ElfuseError,
    InvalidImage,
    InvalidReference,
    RegistryError,
    StoreError,
)
from elfuse.oci.access import AccessOptions
from elfuse.oci.layout import Store
from elfuse.oci.reference import parse
from tests.oci.conftest import Registry, Result
from tests.oci.images import AMD64, MANIFEST, Image, index_of, sample, sha256, tar, write_dir, write_layout
from tests.oci.test_inspect import with_attestation
from tests.oci.upload_registry import Uploads, serving

Elfuse = Callable[..., Result]
PLAIN = AccessOptions(tls_verify=False)


@pytest.fixture
def image(tmp_path: Path, store_path: Path) -> str:
    """A present image of one platform, by its name."""
    layout = write_layout(tmp_path / "layout", {"app": [sample()]})
    return api.pull(f"oci:{layout}:app").reference


@pytest.fixture
def uploads() -> Iterator[Uploads]:
    with serving() as state:
        yield state


def skopeo_digest(reference: str, *options: str) -> str:
    command = [
        "skopeo",
        "inspect",
        *options,
        "--format",
        "{{.Digest}}",
        "--override-arch",
        "arm64",
        reference,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_push_to_a_registry(registry: Registry, image: str, tmp_path: Path, elfuse: Elfuse) -> None:
    target = f"{registry.address}/push/app:1"
    done = elfuse("oci", "push", "--digestfile", "digest", image, target)
    assert (done.code, done.out) == (0, sha256(sample().raw) + "\n"), done.err
    assert (tmp_path / "digest").read_text() == sha256(sample().raw)
    assert done.err.count(" sent") == 4  # the config, two layers, the manifest
    certs = ("--cert-dir", str(registry.certs))
    assert skopeo_digest(f"docker://{target}", *certs) == sha256(sample().raw)
    again = elfuse("oci", "push", "--json", image, f"docker://{target}")
    assert again.err.count(" present") == 3 and again.err.count(" sent") == 1
    document = json.loads(again.out)
    assert document["digest"] == sha256(sample().raw) and document["destination"] == target
    assert elfuse("oci", "run", "-q", "--pull=always", target).out == "hello\n"


def test_push_to_where_the_name_says(registry: Registry, image: str, elfuse: Elfuse) -> None:
    name = f"{registry.address}/push/named:2"
    pin = next(pin for pin in Store.open().pins() if pin.name == image)
    Store.open().set_pin(name, pin.manifest, pin.index)
    assert elfuse("oci", "push", "-q", name).code == 0
    assert skopeo_digest(f"docker://{name}", "--cert-dir", str(registry.certs)) == sha256(sample().raw)


def test_blobs_of_another_repository_are_mounted(
    registry: Registry, store_path: Path, elfuse: Elfuse
) -> None:
    data = os.urandom(2 << 20)
    source = registry.push("mount/from:1", Image([tar([("data", data)])]))
    api.pull(source)
    done = elfuse("oci", "push", source, f"{registry.address}/mount/to:1")
    assert done.code == 0 and done.err.count(" present") == 2 and done.err.count(" sent") == 1, done.err


def test_a_push_by_digest(registry: Registry, image: str) -> None:
    digest = sha256(sample().raw)
    assert api.push(image, f"{registry.address}/push/digest@{digest}").digest == digest
    api.pull(f"{registry.address}/push/digest@{digest}")
    with pytest.raises(InvalidReference, match="it is another digest"):
        api.push(image, f"{registry.address}/push/digest@sha256:{'0' * 64}")


def test_a_whole_index(registry: Registry, tmp_path: Path, store_path: Path, elfuse: Elfuse) -> None:
    arm, amd = sample(), sample(b"amd\n", platform=AMD64)
    layout = write_layout(tmp_path / "layout", {"m": [arm, amd]})
    name = api.pull(f"oci:{layout}:m").reference
    target = f"{registry.address}/push/index:1"
    done = elfuse("oci", "push", "--all", name, target)
    assert done.code == 1 and f"{sha256(amd.raw)} for linux/amd64 is missing" in done.err
    assert "leave out --all" in done.err
    # The other platform's parts, as a pull of all platforms brings them.
    for digest, data in {**amd.blobs, sha256(amd.raw): amd.raw}.items():
        (store_path / "blobs/sha256" / digest[7:]).write_bytes(data)
    done = elfuse("oci", "push", "-q", "--all", name, target)
    assert (done.code, done.out) == (0, sha256(index_of([arm, amd])) + "\n"), done.err
    raw = subprocess.run(
        ["skopeo", "inspect", "--raw", "--cert-dir", str(registry.certs), f"docker://{target}"],
        check=True,
        capture_output=True,
    ).stdout
    assert raw == index_of([arm, amd])
    for path in (f"oci:{tmp_path}/all:x", f"dir:{tmp_path}/alldir", f"oci-archive:{tmp_path}/all.tar:x"):
        assert api.push(name, path, all_platforms=True).digest == sha256(raw)
        command = ["skopeo", "copy", "-q", "--all", path, f"dir:{tmp_path}/judge-{path[:4]}"]
        subprocess.run(command, check=True)
    done = elfuse("oci", "push", "--all", name, "docker-archive:x.tar")
    assert done.code == 1 and "has no manifests" in done.err


def test_all_platforms_with_attestations(registry: Registry, tmp_path: Path, store_path: Path) -> None:
    """What a pull of all platforms brought is pushed whole, what is no image too."""
    top = with_attestation(tmp_path / "layout", [sample(), sample(b"amd\n", platform=AMD64)])
    name = api.pull(f"oci:{tmp_path}/layout:x", all_platforms=True).reference
    target = f"{registry.address}/push/attested:1"
    assert api.push(name, target, all_platforms=True).digest == sha256(top)
    details = api.inspect(target, remote=True, all_platforms=True)
    assert details.raw_index == top and [row.artifact for row in details.platforms] == [False, False, True]
    api.save(name, str(tmp_path / "all.tar"), format="oci-archive", all_platforms=True)
    fresh = str(tmp_path / "fresh")
    assert api.pull(f"oci-archive:{tmp_path}/all.tar", all_platforms=True, store=fresh).digest == sha256(
        sample().raw
    )


def test_another_name_of_an_index_is_the_whole_of_it(tmp_path: Path, store_path: Path) -> None:
    top = with_attestation(tmp_path / "layout", [sample(), sample(b"amd\n", platform=AMD64)])
    name = api.pull(f"oci:{tmp_path}/layout:x", all_platforms=True).reference
    store = api.Store()
    store.tag(name, "kept:1")
    store.remove(name)
    store.prune(commit=True)
    assert store.verify().problems == []
    entries = json.loads((store_path / "index.json").read_text())["manifests"]
    assert [entry["digest"] for entry in entries] == [sha256(top)]  # what skopeo and crane copy by the name
    assert api.push("kept:1", f"oci:{tmp_path}/out:x", all_platforms=True).digest == sha256(top)


def test_formats(registry: Registry, image: str, tmp_path: Path) -> None:
    target = f"{registry.address}/push/format:1"
    docker = api.push(image, target, format="v2s2").digest
    certs = ("--cert-dir", str(registry.certs))
    assert skopeo_digest(f"docker://{target}", *certs) == docker != sha256(sample().raw)
    pulled = api.pull(target)
    assert pulled.digest == docker and pulled.config_digest == sample().manifest["config"]["digest"]
    # An image layout has OCI types only, so the way back gives an OCI manifest of the same blobs.
    back = api.push(target, f"oci:{tmp_path}/back:x").digest
    assert skopeo_digest(f"oci:{tmp_path}/back:x") == back
    manifest = json.loads((tmp_path / "back/blobs/sha256" / back[7:]).read_text())
    assert manifest["mediaType"] == MANIFEST
    assert [layer["digest"] for layer in manifest["layers"]] == [
        layer["digest"] for layer in sample().manifest["layers"]
    ]


def test_docker_manifests_have_no_zstd(store_path: Path, tmp_path: Path) -> None:
    layout = tmp_path / "zstd"
    write_dir(layout, Image([tar([("f", b"x" * 1000)])]), "zstd")
    name = api.pull(f"dir:{layout}").reference
    with pytest.raises(InvalidImage, match=r"tar\+zstd', which v2s2 manifests cannot have"):
        api.push(name, f"dir:{tmp_path}/out", format="v2s2")
    assert not (tmp_path / "out").exists()


def test_local_transports(
    image: str, tmp_path: Path, elfuse: Elfuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = elfuse("oci", "push", "-q", image, "oci:out:1")
    assert (done.code, done.out) == (0, sha256(sample().raw) + "\n"), done.err
    monkeypatch.chdir(tmp_path)
    for target in ("oci:out:2", "oci-archive:out.tar:1", "dir:outdir"):
        assert api.push(image, target).digest == sha256(sample().raw)
        transport, _, rest = target.partition(":")
        assert skopeo_digest(f"{transport}:{tmp_path}/{rest}") == sha256(sample().raw)
    api.push(image, "docker-archive:docker.tar:org/app:1")
    listed = subprocess.run(
        ["skopeo", "list-tags", f"docker-archive:{tmp_path}/docker.tar"], check=True, capture_output=True
    ).stdout
    assert json.loads(listed)["Tags"] == ["docker.io/org/app:1"]
    # What is there is not lost to what comes: a second tag of a layout leaves the first.
    entries = json.loads((tmp_path / "out/index.json").read_text())["manifests"]
    assert [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries] == ["1", "2"]
    for target, message in (
        ("dir:outdir", "exists and is not an empty directory"),
        ("oci:layout/blobs:x", "is no OCI image layout, and not empty"),
        ("oci:out:@0", "a position names what is there"),
        ("oci-archive:outdir:x", "it is a directory"),
    ):
        with pytest.raises(ElfuseError) as caught:
            api.push(image, target)
        assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*elfuse-*"))


def test_a_damaged_blob_is_not_passed_on(
    registry: Registry, image: str, store_path: Path, tmp_path: Path
) -> None:
    victim = store_path / "blobs/sha256" / sample().manifest["layers"][0]["digest"][7:]
    data = victim.read_bytes()
    victim.write_bytes(data[:-1] + b"?")
    for target in (f"oci:{tmp_path}/o:x", f"oci-archive:{tmp_path}/o.tar", f"docker-archive:{tmp_path}/d.tar",
                   f"dir:{tmp_path}/d", f"{registry.address}/push/damaged:1"):  # fmt: skip
        with pytest.raises(ContentMismatch, match="pull the image again"):
            api.push(image, target)
    assert {path.name for path in tmp_path.iterdir()} <= {"store", "layout", "o"}
    assert not (tmp_path / "o/index.json").exists()
    victim.unlink()
    with pytest.raises(StoreError, match="is missing from the store"):
        api.push(image, f"dir:{tmp_path}/d")


# -- a registry that fails


def big(tmp_path: Path) -> tuple[str, bytes]:
    """A present image with a layer of 3 MiB, and that layer's blob."""
    made = Image([tar([("noise", os.urandom(3 << 20))])])
    layout = write_layout(tmp_path / "big", {"x": [made]})
    digest = made.manifest["layers"][0]["digest"]
    return api.pull(f"oci:{layout}:x").reference, made.blobs[digest]


def test_a_broken_upload_goes_on_where_it_broke(uploads: Uploads, tmp_path: Path, store_path: Path) -> None:
    name, blob = big(tmp_path)
    uploads.cut = 1 << 20
    push_large_alone(name, uploads)
    assert uploads.blobs[sha256(blob)] == blob
    config = next(data for digest, data in uploads.blobs.items() if digest != sha256(blob))
    # Each byte once: what the registry said that it has was not sent again.
    assert uploads.received == len(blob) + len(config)


def push_large_alone(name: str, uploads: Uploads) -> api.PushedImage:
    """Push with the config sent before, so that what fails is the layer."""
    config = api.inspect(name).raw_config
    uploads.blobs[sha256(config)] = config
    done = api.push(name, f"{uploads.address}/a/b:1", access=PLAIN)
    uploads.received += len(config)
    return done


@pytest.mark.parametrize("how", ["forget", "unresumable", "busy"])
def test_an_upload_that_cannot_go_on_begins_again(
    uploads: Uploads, tmp_path: Path, store_path: Path, how: str
) -> None:
    name, blob = big(tmp_path)
    if how == "busy":
        uploads.statuses = [503, 429]
    else:
        uploads.cut, uploads.forget, uploads.resumable = 1 << 20, how == "forget", False
    push_large_alone(name, uploads)
    assert uploads.blobs[sha256(blob)] == blob and uploads.manifests["1"][0]
    assert sum(entry.startswith("POST") for entry in uploads.log) >= 2


def test_manifests_come_last(uploads: Uploads, image: str) -> None:
    api.push(image, f"{uploads.address}/a/b:1", access=PLAIN)
    puts = [entry for entry in uploads.log if entry.startswith("PUT")]
    assert [("/manifests/" in entry) for entry in puts] == [False, False, False, True]
    assert uploads.manifests == {"1": (sample().raw, MANIFEST)}


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"denied": True}, AuthenticationError, "denies access"),
        ({"location": "http://registry.example.com/x"}, RegistryError, "which is not https|uploads sent"),
        ({"location": "http://user@127.0.0.1/x"}, RegistryError, "has uploads sent to"),
        ({"location": "file:///etc/passwd"}, RegistryError, "has uploads sent to"),
        ({"announce": f"sha256:{'0' * 64}"}, ContentMismatch, "the registry took it as sha256:0"),
        ({"statuses": [400] * 9}, RegistryError, "answers 400"),
    ],
)
def test_registries_that_refuse_or_lie(
    uploads: Uploads, image: str, state: dict[str, Any], error: type[ElfuseError], message: str
) -> None:
    for key, value in state.items():
        setattr(uploads, key, value)
    with pytest.raises(error, match=message):
        api.push(image, f"{uploads.address}/a/b:1", access=PLAIN)


def test_what_is_not_there_cannot_be_pushed(image: str, elfuse: Elfuse) -> None:
    done = elfuse("oci", "push", "nothing", "oci:x:y")
    assert done.code == 1 and "no such image in the store" in done.err
    done = elfuse("oci", "push", image, "registry.example.com/x", "--tls-verify=false")
    assert done.code == 1 and "it is not on this machine" in done.err
    assert parse(image).pin == image

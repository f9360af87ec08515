"""Pull, inspect, unpack against a real registry over real TLS, and other tools on the same store."""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import elfuse as api
from elfuse.errors import ContentMismatch, ImageNotFound, PlatformNotFound, StoreError
from elfuse.oci.layout import Store
from tests.oci.conftest import Registry, Result, assert_clean, blobs
from tests.oci.images import AMD64, Image, index_of, sample, sha256, tar, write_layout

Elfuse = Callable[..., Result]


def test_pull_pins_the_arm64_leaf_of_an_index(registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    amd, arm = sample(b"amd\n", platform=AMD64), sample()
    ref = registry.push("lib/app:1", amd, arm)
    done = elfuse("oci", "pull", ref)
    assert (done.code, done.out) == (0, f"{registry.address}/lib/app@{sha256(arm.raw)}\n"), done.err
    # The index, the leaf, its config and layers: nothing of the other platform.
    assert blobs(store_path) >= {digest[7:] for digest in [sha256(arm.raw), *arm.blobs]}
    assert len(blobs(store_path)) == len(arm.blobs) + 2
    assert list((store_path / "tmp").iterdir()) == []


def test_a_second_pull_fetches_no_blob(registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    ref = registry.push("again:1", sample())
    first = elfuse("oci", "pull", ref)
    before = {path: path.stat().st_ino for path in store_path.rglob("*") if path.is_file()}
    second = elfuse("oci", "pull", ref)
    assert (second.code, second.out) == (0, first.out)
    assert first.err.count(" fetched") == 4 and second.err.count(" present") == 4
    after = {path: path.stat().st_ino for path in store_path.rglob("*") if path.is_file()}
    assert before == after


def test_pull_quiet_and_many(registry: Registry, elfuse: Elfuse) -> None:
    one, two = registry.push("many/one:1", sample(b"1")), registry.push("many/two:1", sample(b"2"))
    done = elfuse("oci", "pull", "-q", one, two)
    assert (done.code, done.err, len(done.out.splitlines())) == (0, "", 2)
    done = elfuse("oci", "pull", "-q", one, f"{registry.address}/many/none:1", two)
    assert (done.code, len(done.out.splitlines()), len(done.err.splitlines())) == (1, 2, 1)


def test_platform_can_be_named_and_run_refuses_another(registry: Registry, elfuse: Elfuse) -> None:
    amd = sample(b"amd\n", platform=AMD64)
    ref = registry.push("plat:1", amd, sample())
    done = elfuse("oci", "pull", "--platform", "linux/amd64", ref)
    assert done.code == 0 and done.out.endswith(f"@{sha256(amd.raw)}\n")
    run = elfuse("oci", "run", "--pull=never", ref)
    assert run.code == 125 and "was pulled for linux/amd64; elfuse runs linux/arm64" in run.err
    assert elfuse("oci", "pull", "--platform", "arm64/quux/a/b", ref).code == 1


def test_no_such_image(registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    done = elfuse("oci", "pull", f"{registry.address}/nothing/here:9")
    assert done.code == 1 and done.out == ""
    assert done.err.startswith(f"elfuse: no such image: {registry.address}/nothing/here:9 (")
    assert len(done.err.splitlines()) == 1
    assert_clean(store_path)
    run = elfuse("oci", "run", f"{registry.address}/nothing/here:9")
    assert run.code == 125 and "no such image" in run.err
    assert_clean(store_path)


def test_no_arm64_leaf_names_what_is_offered(registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    arm_v6 = sample(platform={"os": "linux", "architecture": "arm", "variant": "v6"})
    ref = registry.push("noarm:1", sample(platform=AMD64), arm_v6)
    done = elfuse("oci", "pull", ref)
    assert done.code == 1
    assert done.err == f"elfuse: {ref} has no image for linux/arm64; it offers linux/amd64, linux/arm/v6\n"
    assert_clean(store_path)


def test_single_amd64_manifest_is_refused(registry: Registry, store_path: Path) -> None:
    ref = registry.push("single:1", sample(platform=AMD64))
    with pytest.raises(PlatformNotFound, match="it offers linux/amd64"):
        api.pull(ref)
    with pytest.raises(ImageNotFound, match="no such image in the store"):
        api.inspect(ref)


def test_pull_by_digest(registry: Registry, store_path: Path) -> None:
    arm = sample()
    registry.push("digest:1", arm, sample(platform=AMD64))
    ref = f"{registry.address}/digest@{sha256(arm.raw)}"
    assert api.pull(ref).pinned == ref
    assert api.inspect(ref).digest == sha256(arm.raw)
    with pytest.raises(ImageNotFound):
        api.pull(f"{registry.address}/digest@sha256:{'0' * 64}")


def test_what_pull_prints_names_what_was_pulled(registry: Registry, store_path: Path) -> None:
    arm, amd = sample(), sample(platform=AMD64)
    ref = registry.push("printed:1", arm, amd)
    registry.push("printed2:1", arm)
    assert api.inspect(api.pull(ref).pinned).reference == ref
    assert api.inspect(f"{registry.address}/printed@{sha256(index_of([arm, amd]))}").reference == ref
    for other in (f"printed@{sha256(amd.raw)}", f"printed2@{sha256(arm.raw)}"):
        with pytest.raises(ImageNotFound):
            api.inspect(f"{registry.address}/{other}")


def test_inspect(registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    arm = sample()
    ref = registry.push("insp:1", arm, sample(platform=AMD64))
    assert elfuse("oci", "inspect", ref).code == 1
    assert elfuse("oci", "pull", "-q", ref).code == 0
    assert elfuse("oci", "inspect", "--raw", ref).out == arm.raw.decode()
    config = arm.blobs[arm.manifest["config"]["digest"]].decode()
    assert elfuse("oci", "inspect", "--config", "--raw", ref).out == config
    assert json.loads(elfuse("oci", "inspect", "--config", ref).out) == json.loads(config)
    document = json.loads(elfuse("oci", "inspect", "--json", ref).out)
    assert document["schemaVersion"] == 1 and document["digest"] == sha256(arm.raw)
    assert [layer["digest"] for layer in document["layers"]] == [x["digest"] for x in arm.manifest["layers"]]
    text = elfuse("oci", "inspect", ref).out
    assert f"Digest:     {sha256(arm.raw)}\n" in text and "User:       app\n" in text


def test_tls_is_verified(tls_registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    ref = tls_registry.push("tls:1", sample())
    done = elfuse("oci", "pull", ref, SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt")
    assert done.code == 1 and "name the registry's CA with SSL_CERT_FILE" in done.err
    assert_clean(store_path)
    assert elfuse("oci", "pull", "--tls-verify=false", ref).code == 0


def test_tls_verify_false_is_for_this_machine_only(store_path: Path, elfuse: Elfuse) -> None:
    done = elfuse("oci", "pull", "--tls-verify=false", "registry.example.com/x")
    assert done.code == 1 and "it is not on this machine" in done.err


def test_no_network(store_path: Path, elfuse: Elfuse) -> None:
    done = elfuse("oci", "pull", "127.0.0.1:1/x")
    assert done.code == 1 and done.err.startswith("elfuse: cannot reach 127.0.0.1:1: ")
    assert "check the network" in done.err and len(done.err.splitlines()) == 1
    done = elfuse("oci", "pull", "registry.invalid/x")
    assert done.code == 1 and done.err.startswith("elfuse: cannot reach registry.invalid: ")
    assert_clean(store_path)


def test_a_proxy_is_used_but_not_for_this_machine(
    registry: Registry, store_path: Path, elfuse: Elfuse
) -> None:
    ref = registry.push("proxy:1", sample())
    proxy = {"https_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"}
    done = elfuse("oci", "pull", ref, **proxy)
    assert done.code == 0, done.err
    done = elfuse("oci", "pull", "registry.invalid/x", **proxy)
    assert done.code == 1 and "over proxy 127.0.0.1" in done.err


def test_oci_transport(tmp_path: Path, store_path: Path, elfuse: Elfuse) -> None:
    arm = sample()
    layout = write_layout(tmp_path / "layout", {"a": [arm, sample(platform=AMD64)], "b": [sample(b"b")]})
    done = elfuse("oci", "pull", "oci:layout:a")
    assert (done.code, done.out) == (0, f"oci:{layout}:a\n"), done.err
    assert api.inspect(f"oci:{layout}:a").digest == sha256(arm.raw)
    done = elfuse("oci", "pull", "oci:layout")
    assert done.code == 1 and "holds a, b" in done.err
    done = elfuse("oci", "pull", "oci:layout:c")
    assert done.code == 1 and "no such image" in done.err
    done = elfuse("oci", "pull", "oci:nowhere:a")
    assert done.code == 1 and "no OCI image layout" in done.err
    # A layout is as little trusted as a registry.
    victim = layout / "blobs" / "sha256" / arm.manifest["layers"][0]["digest"][7:]
    data = victim.read_bytes()
    victim.write_bytes(data[:-1] + b"?")
    fresh = store_path.parent / "fresh"
    with pytest.raises(ContentMismatch, match="wrong content"):
        api.pull(f"oci:{layout}:a", store=str(fresh))
    victim.write_bytes(data[:-1])
    with pytest.raises(ContentMismatch, match="truncated"):
        api.pull(f"oci:{layout}:a", store=str(fresh))
    assert_clean(fresh)


def test_skopeo_and_umoci_read_the_store(registry: Registry, store_path: Path, tmp_path: Path) -> None:
    arm = sample()
    ref = registry.push("org/tools:1.2", arm, sample(platform=AMD64))
    digest_ref = f"{registry.address}/org/tools@{sha256(arm.raw)}"
    api.pull(ref)
    api.pull(digest_ref)
    api.unpack(ref)
    for name in (ref, digest_ref):
        command = ["skopeo", "inspect", f"oci:{store_path}:{name}"]
        shown = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        assert shown["Digest"] == sha256(arm.raw) and shown["Architecture"] == "arm64"
    theirs = tmp_path / "bundle"
    command = ["umoci", "unpack", "--image", f"{store_path}:{ref}", str(theirs)]
    if os.geteuid() != 0:
        command.insert(2, "--rootless")
    subprocess.run(command, check=True, capture_output=True)
    ours = tmp_path / "ours"
    assert api.unpack(ref, str(ours)) == str(ours)
    assert listing(ours) == listing(theirs / "rootfs")


def listing(tree: Path) -> dict[str, tuple[object, ...]]:
    """Every entry with what a guest could see of it."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(tree.rglob("*")):
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = sha256(path.read_bytes())
        owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else ()
        links = status.st_nlink if not path.is_dir() else 0
        name = str(path.relative_to(tree))
        # Directories that no layer names get the time of unpacking.
        mtime = int(status.st_mtime) if path.is_file() and not path.is_symlink() else 0
        found[name] = (oct(status.st_mode), *owner, links, mtime, content)
    return found


def test_unpack_prints_the_path_only(registry: Registry, store_path: Path, elfuse: Elfuse) -> None:
    ref = registry.push("unpack:1", sample())
    assert elfuse("oci", "unpack", ref).code == 1
    elfuse("oci", "pull", ref)
    done = elfuse("oci", "unpack", ref)
    assert done.code == 0 and done.err == ""
    tree = Path(done.out.removesuffix("\n"))
    assert tree.is_relative_to(store_path / "stacks" / "sha256")
    assert (tree / "srv/app/data").read_bytes() == b"x" * 5000
    assert not (tree / "gone").exists() and (tree / "bin/hi").is_symlink()
    assert elfuse("oci", "unpack", ref).out == done.out
    taken = elfuse("oci", "unpack", ref, str(store_path))
    assert taken.code == 1 and "exists and is not an empty directory" in taken.err


def test_a_wrong_diff_id_leaves_no_tree(registry: Registry, store_path: Path) -> None:
    image = sample()
    document = json.loads(image.blobs[image.manifest["config"]["digest"]])
    document["rootfs"]["diff_ids"][1] = "sha256:" + "1" * 64
    image.manifest["config"] = image._put(
        json.dumps(document).encode(), image.manifest["config"]["mediaType"]
    )
    ref = registry.push("diffid:1", image)
    api.pull(ref)
    with pytest.raises(ContentMismatch, match=r"layer sha256:\w+ of "):
        api.unpack(ref)
    assert list((store_path / "stacks/sha256").iterdir()) == []


def test_a_blob_damaged_on_disk_is_noticed_and_pulled_again(registry: Registry, store_path: Path) -> None:
    image = sample()
    ref = registry.push("damaged:1", image)
    api.pull(ref)
    victim = store_path / "blobs/sha256" / image.manifest["layers"][0]["digest"][7:]
    data = victim.read_bytes()
    victim.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
    with pytest.raises(ContentMismatch, match="damaged in the store; pull the image again"):
        api.unpack(ref)
    api.pull(ref)
    assert victim.read_bytes() == data and api.unpack(ref)
    # A blob cut short, as after a power cut on a careless file system, counts as absent.
    victim.write_bytes(b"")
    api.pull(ref)
    assert victim.read_bytes() == data


def test_layer_that_is_no_tar(registry: Registry, store_path: Path) -> None:
    image = Image([b"this is no tar" * 100])
    ref = registry.push("notar:1", image)
    api.pull(ref)
    with pytest.raises(api.ElfuseError, match="layer sha256:"):
        api.unpack(ref)
    assert list((store_path / "stacks/sha256").iterdir()) == []


def test_a_full_disk_is_noticed_before_and_while_fetching(
    registry: Registry, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = registry.push("full:1", Image([tar([("noise", os.urandom(3 << 20))])]))
    Store.open()
    real = os.statvfs(store_path)
    full = os.statvfs_result((*real[:4], 5, *real[5:]))
    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", lambda path: full)
        with pytest.raises(StoreError, match=rf"needs 3 MiB in {store_path}, which has 0 MiB free"):
            api.pull(ref)
    assert_clean(store_path)
    # A limit on the size of files stands in for a disk that fills up under way.
    code = (
        "import resource, signal, elfuse\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))\n"
        f"elfuse.pull({ref!r})"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True)
    assert b"StoreError: the pull of " in done.stderr and b"File too large" in done.stderr
    assert_clean(store_path)
    api.pull(ref)


def test_many_layers_arrive_in_parallel(registry: Registry, store_path: Path) -> None:
    layers = [tar([(f"file{i}", os.urandom(300_000))]) for i in range(12)]
    layers.append(layers[3])  # the same blob twice
    image = Image(layers)
    ref = registry.push("layers:1", image)
    assert api.pull(ref).size == sum(layer["size"] for layer in image.manifest["layers"])
    tree = Path(api.unpack(ref))
    with tarfile.open(fileobj=io.BytesIO(layers[7])) as archive:
        member = archive.extractfile("file7")
        assert member is not None and (tree / "file7").read_bytes() == member.read()
    assert gzip.decompress(image.blobs[image.manifest["layers"][0]["digest"]]) == layers[0]

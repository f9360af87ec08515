"""Images that other tools wrote come in, run, and go out again with the digest that skopeo gave them."""

import json
import os
import pty
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import elfuse as api
from elfuse.errors import ElfuseError, ImageNotFound, InvalidImage, StoreError
from tests.oci.conftest import Registry, Result, assert_store_is_sound
from tests.oci.images import (
    AMD64,
    DOCKER_SCHEMA,
    Image,
    hello_program,
    index_of,
    sample,
    sha256,
    tar,
    write_dir,
    write_layout,
)

Elfuse = Callable[..., Result]
Writer = Callable[[Path], str]


def run(*command: object, **options: Any) -> str:
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, **options)
    return done.stdout.strip()


def plain_layout(work: Path) -> Path:
    return write_layout(work / "made", {"x": [sample()]})


# -- images by other tools


def skopeo_oci(work: Path) -> str:
    run("skopeo", "copy", "-q", f"oci:{plain_layout(work)}:x", f"oci:{work}/out:tag")
    return f"oci:{work}/out:tag"


def skopeo_docker(work: Path) -> str:
    run("skopeo", "copy", "-q", "--format", "v2s2", f"oci:{plain_layout(work)}:x", f"dir:{work}/out")
    return f"dir:{work}/out"


def skopeo_zstd(work: Path) -> str:
    source = write_dir(work / "none", sample(), "none")
    zstd = ["--dest-compress", "--dest-compress-format", "zstd"]
    run("skopeo", "copy", "-q", *zstd, f"dir:{source}", f"dir:{work}/out")
    return f"dir:{work}/out"


def skopeo_uncompressed(work: Path) -> str:
    run("skopeo", "copy", "-q", "--dest-decompress", f"oci:{plain_layout(work)}:x", f"dir:{work}/out")
    return f"dir:{work}/out"


def skopeo_docker_archive(work: Path) -> str:
    run("skopeo", "copy", "-q", f"oci:{plain_layout(work)}:x", f"docker-archive:{work}/out.tar:org/app:1")
    return f"docker-archive:{work}/out.tar"


def skopeo_oci_archive(work: Path) -> str:
    run("skopeo", "copy", "-q", f"oci:{plain_layout(work)}:x", f"oci-archive:{work}/out.tar:tag")
    return f"oci-archive:{work}/out.tar"


def program(work: Path) -> Path:
    path = work / "hello"
    path.write_bytes(hello_program(b"hello\n"))
    path.chmod(0o755)
    return path


def umoci(work: Path) -> str:
    layout, bundle = work / "out", work / "bundle"
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    run("umoci", "init", "--layout", layout)
    run("umoci", "new", "--image", f"{layout}:tag")
    run("umoci", "unpack", *rootless, "--image", f"{layout}:tag", bundle)
    (bundle / "rootfs/bin").mkdir()
    program(work).rename(bundle / "rootfs/bin/hello")
    run("umoci", "repack", "--image", f"{layout}:tag", bundle)
    settings = ["--architecture", "arm64", "--os", "linux", "--config.entrypoint", "/bin/hello"]
    run("umoci", "config", "--image", f"{layout}:tag", *settings)
    return f"oci:{layout}:tag"


def buildah(work: Path, form: str, target: str) -> str:
    """Without a mount: `buildah copy` writes the layer in the vfs driver's own tree."""
    storage = ["--root", work / "root", "--runroot", work / "run", "--storage-driver", "vfs"]
    container = run("buildah", *storage, "from", "--arch", "arm64", "scratch")
    run("buildah", *storage, "copy", container, program(work), "/bin/hello")
    run("buildah", *storage, "config", "--entrypoint", '["/bin/hello"]', container)
    run("buildah", *storage, "commit", "-q", "--format", form, container, target)
    return target


def buildah_oci(work: Path) -> str:
    return buildah(work, "oci", f"oci-archive:{work}/out.tar:tag")


def buildah_docker(work: Path) -> str:
    return buildah(work, "docker", f"dir:{work}/out")


def skopeo_digest(reference: str, *options: str) -> str:
    return run("skopeo", "inspect", *options, "--format", "{{.Digest}}", reference)


as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="buildah needs a range of subordinate user IDs, which an ordinary user may lack"
)
WRITERS = [
    skopeo_oci,
    skopeo_docker,
    skopeo_zstd,
    skopeo_uncompressed,
    skopeo_oci_archive,
    umoci,
    pytest.param(buildah_oci, marks=as_root),
    pytest.param(buildah_docker, marks=as_root),
]


@pytest.mark.parametrize("writer", WRITERS)
def test_in_run_and_out_again(registry: Registry, store_path: Path, tmp_path: Path, writer: Writer) -> None:
    work = tmp_path / "work"
    work.mkdir()
    origin = writer(work)
    digest = skopeo_digest(origin)
    assert api.pull(origin).digest == digest
    assert api.run(origin, capture_output=True).stdout == b"hello\n"
    target = f"{registry.address}/round/{writer.__name__}:1"
    assert api.push(origin, target).digest == digest
    assert skopeo_digest(f"docker://{target}", "--cert-dir", str(registry.certs)) == digest
    # From the registry it is the same image once more.
    shutil.rmtree(store_path)
    assert api.pull(target).digest == digest
    assert_store_is_sound(store_path)


def test_the_writers_cover_all_compressions_and_types(tmp_path: Path, store_path: Path) -> None:
    """What the round trips above are about is really in them."""
    types = set()
    for number, writer in enumerate((skopeo_oci, skopeo_docker, skopeo_zstd, skopeo_uncompressed)):
        work = tmp_path / str(number)
        work.mkdir()
        manifest = json.loads(api.inspect(api.pull(writer(work)).reference).raw_manifest)
        types |= {layer["mediaType"] for layer in manifest["layers"]}
    assert types == {
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    }


def test_a_docker_archive_keeps_the_image_id(tmp_path: Path, store_path: Path) -> None:
    name = skopeo_docker_archive(tmp_path)
    pulled = api.pull(name)
    assert pulled.config_digest == sample().manifest["config"]["digest"]
    api.save(name, str(tmp_path / "again.tar"))
    config = run("skopeo", "inspect", "--raw", f"docker-archive:{tmp_path}/again.tar")
    assert json.loads(config)["config"]["digest"] == pulled.config_digest


# -- save and load


@pytest.fixture
def names(registry: Registry, store_path: Path) -> list[str]:
    """Two images of a registry, present."""
    found = [registry.push("save/one:1", sample()), registry.push("save/two:2", sample(b"other\n"))]
    for name in found:
        api.pull(name)
    return found


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "oci-dir"])
def test_save_and_load(names: list[str], tmp_path: Path, elfuse: Elfuse, store_path: Path, form: str) -> None:
    done = elfuse("oci", "save", "--format", form, "-o", "out", *names)
    assert (done.code, done.out) == (0, ""), done.err
    fresh = {"ELFUSE_STORE": str(tmp_path / "fresh")}
    loaded = elfuse("oci", "load", "-i", "out", **fresh)
    assert loaded.out == "".join(f"Loaded image: {name}\n" for name in names), loaded.err
    for name, text in zip(names, (b"hello\n", b"other\n"), strict=True):
        done_run = api.run(name, pull="never", capture_output=True, store=str(tmp_path / "fresh"))
        assert done_run.stdout == text
        theirs, ours = api.inspect(name, store=str(tmp_path / "fresh")), api.inspect(name)
        assert theirs.config_digest == ours.config_digest
        assert (theirs.digest == ours.digest) == (form != "docker-archive")
    assert_store_is_sound(tmp_path / "fresh")
    # skopeo sees the same image in it.
    transport = {"docker-archive": "docker-archive", "oci-archive": "oci-archive", "oci-dir": "oci"}[form]
    raw = json.loads(run("skopeo", "inspect", "--raw", f"{transport}:{tmp_path}/out:{names[1]}"))
    assert raw["config"]["digest"] == api.inspect(names[1]).config_digest


def test_a_docker_dir_has_dockers_types(names: list[str], tmp_path: Path, elfuse: Elfuse) -> None:
    assert elfuse("oci", "save", "-q", "--format", "docker-dir", "-o", "out", names[0]).code == 0
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["mediaType"] == DOCKER_SCHEMA
    loaded = json.loads(elfuse("oci", "load", "--json", "-i", "out").out)["images"]
    digest = sha256((tmp_path / "out/manifest.json").read_bytes())
    assert loaded[0]["names"] == [f"localhost/loaded@{digest}"] and loaded[0]["digest"] == digest
    assert elfuse("oci", "run", "-q", loaded[0]["names"][0]).out == "hello\n"
    done = elfuse("oci", "save", "--format", "docker-dir", "-o", "two", *names)
    assert done.code == 1 and "a docker-dir holds one image" in done.err


def test_archives_are_deterministic(names: list[str], tmp_path: Path) -> None:
    for form in ("docker-archive", "oci-archive"):
        api.save(names, str(tmp_path / "a.tar"), format=form)  # type: ignore[arg-type]
        os.environ["TZ"] = "Pacific/Chatham"
        try:
            api.save(names, str(tmp_path / "b.tar"), format=form)  # type: ignore[arg-type]
        finally:
            del os.environ["TZ"]
        assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
        with tarfile.open(tmp_path / "a.tar") as archive:
            members = archive.getmembers()
        assert len({member.name for member in members}) == len(members)
        assert {(m.uid, m.gid, m.mtime, m.mode) for m in members} == {(0, 0, 0, 0o644)}


def test_through_a_pipe(names: list[str], tmp_path: Path, store_path: Path) -> None:
    elfuse, fresh = '"$PYTHON" -m elfuse', f"ELFUSE_STORE={tmp_path}/fresh"
    script = f"{elfuse} oci save --format oci-archive {names[0]} | gzip | {fresh} {elfuse} oci load"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHON": sys.executable}
    done = subprocess.run(script, shell=True, env=env, capture_output=True, text=True, timeout=120)
    assert done.stdout == f"Loaded image: {names[0]}\n", done.stderr


def test_from_a_redirected_file(names: list[str], tmp_path: Path, store_path: Path) -> None:
    api.save(names[0], str(tmp_path / "a.tar"))
    command = [sys.executable, "-m", "elfuse", "oci", "load", "-q"]
    env = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "ELFUSE_STORE": str(tmp_path / "fresh"),
    }
    with (tmp_path / "a.tar").open("rb") as archive:
        done = subprocess.run(command, stdin=archive, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Loaded image: {names[0]}\n", "")
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == "elfuse: standard input is no readable tar archive: empty file\n"


def test_no_tar_to_a_terminal(names: list[str], store_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "elfuse", "oci", "save", names[0]]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, env=env, timeout=60)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 1
    assert (
        done.stderr == b"elfuse: an archive is no text for a terminal; use -o FILE, or redirect the output\n"
    )


def test_a_save_that_fails_leaves_what_was_there(
    names: list[str], tmp_path: Path, elfuse: Elfuse, store_path: Path
) -> None:
    (tmp_path / "out.tar").write_bytes(b"before")
    layer = sample(b"other\n").manifest["layers"][0]["digest"]
    (store_path / "blobs/sha256" / layer[7:]).write_bytes(b"?" * 10)
    for form in ("docker-archive", "oci-archive"):
        with pytest.raises(StoreError, match="is missing from the store; pull the image again"):
            api.save(names, str(tmp_path / "out.tar"), format=form)  # type: ignore[arg-type]
    assert (tmp_path / "out.tar").read_bytes() == b"before"
    assert {path.name for path in tmp_path.iterdir()} == {"out.tar", "store"}
    for path, message in (
        ("none/out.tar", "elfuse: saving failed: "),
        ("/dev/full", "elfuse: saving failed: /dev/full: No space left on device\n"),
    ):
        done = elfuse("oci", "save", "-q", "-o", path, names[0])
        assert done.code == 1 and done.err.startswith(message) and len(done.err.splitlines()) == 1, done.err
    done = elfuse("oci", "save", "--format", "oci-dir", names[0])
    assert done.code == 1 and "use -o DIR" in done.err


def test_all_platforms(store_path: Path, tmp_path: Path, elfuse: Elfuse) -> None:
    amd = sample(platform=AMD64)
    layout = write_layout(tmp_path / "layout", {"m": [sample(), amd]})
    api.pull(f"oci:{layout}:m")
    for digest, data in {**amd.blobs, sha256(amd.raw): amd.raw}.items():
        (store_path / "blobs/sha256" / digest[7:]).write_bytes(data)
    api.save(f"oci:{layout}:m", str(tmp_path / "all.tar"), format="oci-archive", all_platforms=True)
    assert (
        run("skopeo", "inspect", "--raw", f"oci-archive:{tmp_path}/all.tar")
        == index_of([sample(), amd]).decode()
    )
    done = elfuse("oci", "save", "--all", f"oci:{layout}:m", "-o", "x.tar")
    assert done.code == 1 and "has no place for an index; use --format oci-archive" in done.err


def test_names_that_archives_claim(tmp_path: Path, store_path: Path) -> None:
    """Names are made canonical; what is none, or says another digest, is not believed."""
    layout = write_layout(tmp_path / "layout", {"x": [sample()]})
    index = json.loads((layout / "index.json").read_text())
    entry = index["manifests"][0]
    truth, lie = f"example.com/a@{entry['digest']}", f"docker.io/library/python@sha256:{'0' * 64}"
    nameless = f"localhost/loaded@{entry['digest']}"
    for claimed, expected in (
        ("app", "docker.io/library/app:latest"),
        (truth, truth),
        (lie, nameless),
        ("../../etc/passwd", nameless),
        ("Bad Name\x1b[2J", nameless),
    ):
        entry["annotations"] = {"org.opencontainers.image.ref.name": claimed}
        (layout / "index.json").write_text(json.dumps(index))
        assert [image.names for image in api.load(str(layout))] == [[expected]]
    entry["annotations"] = {
        "org.opencontainers.image.ref.name": "3.1",
        "io.containerd.image.name": "example.com/whole/name:3.1",
    }
    (layout / "index.json").write_text(json.dumps(index))
    assert api.load(str(layout))[0].names == ["example.com/whole/name:3.1"]


def test_what_current_docker_saves(tmp_path: Path, store_path: Path) -> None:
    """Since Docker 25 an archive is an OCI layout and an archive of docker at once, over the same blobs."""
    image = sample()
    layout = write_layout(tmp_path / "layout", {"1": [image, sample(platform=AMD64)]})
    index = json.loads((layout / "index.json").read_text())
    index["manifests"][0]["annotations"]["io.containerd.image.name"] = "docker.io/org/app:1"
    (layout / "index.json").write_text(json.dumps(index))
    item = {
        "Config": f"blobs/sha256/{image.manifest['config']['digest'][7:]}",
        "RepoTags": ["org/app:1"],
        "Layers": [f"blobs/sha256/{layer['digest'][7:]}" for layer in image.manifest["layers"]],
    }
    (layout / "manifest.json").write_text(json.dumps([item]))
    with tarfile.open(tmp_path / "docker.tar", "w") as archive:
        archive.add(layout, "")
    loaded = api.load(str(tmp_path / "docker.tar"))
    assert [(found.names, found.digest) for found in loaded] == [(["docker.io/org/app:1"], sha256(image.raw))]
    assert api.pull(f"oci-archive:{tmp_path}/docker.tar:1").digest == sha256(image.raw)
    # Read the other way it is the same image: compressed layers stay as they lie.
    other = f"docker-archive:{tmp_path}/docker.tar:org/app:1"
    assert api.pull(other).config_digest == image.manifest["config"]["digest"]
    assert [layer.digest for layer in api.inspect(other).layers] == [
        layer["digest"] for layer in image.manifest["layers"]
    ]
    assert api.run(other, capture_output=True).stdout == b"hello\n"


def test_an_image_for_another_machine_can_be_loaded(tmp_path: Path, store_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"amd": [sample(platform=AMD64)]})
    assert api.load(str(layout))[0].platform == "linux/amd64"


def test_what_is_no_archive(tmp_path: Path, store_path: Path) -> None:
    (tmp_path / "text").write_text("just words " * 200)
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(tmp_path / "text", "text")
    for path, message in (
        ("text", "is no readable tar archive"),
        ("other.tar", "it has neither oci-layout nor manifest.json"),
        ("none", "does not exist"),
        (".", "is no OCI image layout"),
    ):
        with pytest.raises(ElfuseError) as caught:
            api.load(str(tmp_path / path))
        assert message in str(caught.value) and "\n" not in str(caught.value)
    empty = write_layout(tmp_path / "empty", {})
    with pytest.raises(ImageNotFound, match="holds no image"):
        api.load(str(empty))
    (tmp_path / "old.tar").unlink(missing_ok=True)
    with tarfile.open(tmp_path / "old.tar", "w") as archive:
        archive.add(tmp_path / "text", "repositories")
    with pytest.raises(InvalidImage, match="is no archive of images"):
        api.load(str(tmp_path / "old.tar"))


# image-spec's schema/image-layout-schema.json and image-index-schema.json, in few words.
LAYOUT_SCHEMA = {"type": "object", "required": ["imageLayoutVersion"], "properties": {
    "imageLayoutVersion": {"enum": ["1.0.0"]}}}  # fmt: skip
DESCRIPTOR = {
    "type": "object",
    "required": ["mediaType", "digest", "size"],
    "properties": {
        "mediaType": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9].*$"},
        "digest": {"type": "string", "pattern": "^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"},
        "size": {"type": "integer", "minimum": 0},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "platform": {"type": "object", "required": ["architecture", "os"]},
    },
}
INDEX_SCHEMA = {
    "type": "object",
    "required": ["schemaVersion", "manifests"],
    "properties": {
        "schemaVersion": {"enum": [2]},
        "mediaType": {"type": "string"},
        "manifests": {"type": "array", "items": DESCRIPTOR},
    },
}
MANIFEST_SCHEMA = {
    "type": "object",
    "required": ["schemaVersion", "config", "layers"],
    "properties": {
        "schemaVersion": {"enum": [2]},
        "config": DESCRIPTOR,
        "layers": {"type": "array", "minItems": 1, "items": DESCRIPTOR},
    },
}


def test_store_and_saved_layouts_follow_the_schemas(
    names: list[str], tmp_path: Path, store_path: Path
) -> None:
    api.save(names, str(tmp_path / "saved"), format="oci-dir")
    for layout in (store_path, tmp_path / "saved"):
        jsonschema.validate(json.loads((layout / "oci-layout").read_text()), LAYOUT_SCHEMA)
        index = json.loads((layout / "index.json").read_text())
        jsonschema.validate(index, INDEX_SCHEMA)
        for entry in index["manifests"]:
            data = (layout / "blobs/sha256" / entry["digest"][7:]).read_bytes()
            assert len(data) == entry["size"] and sha256(data) == entry["digest"]
            jsonschema.validate(json.loads(data), MANIFEST_SCHEMA)
        blobs = {path.name for path in (layout / "blobs/sha256").iterdir()}
        assert all(len(name) == 64 for name in blobs)
    assert not [path for path in (tmp_path / "saved").rglob("*") if path.name.startswith(".")]


def test_a_layer_of_any_size_of_blocks(tmp_path: Path, store_path: Path) -> None:
    """An uncompressed tar that is no multiple of 512 bytes is padded, and comes back as it was."""
    odd = Image([tar([("a", b"a")]) + b"\0" * 7])
    layout = write_layout(tmp_path / "layout", {"odd": [odd]})
    api.pull(f"oci:{layout}:odd")
    api.save(f"oci:{layout}:odd", str(tmp_path / "a.tar"))
    loaded = api.load(str(tmp_path / "a.tar"))
    assert loaded[0].names == ["docker.io/library/odd:latest"]  # what the layout calls it
    assert loaded[0].config_digest == odd.manifest["config"]["digest"]

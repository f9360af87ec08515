"""oci-archive:, docker-archive: and dir:, written by skopeo and umoci, read by us; and hostile ones."""

import gzip
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import elfuse as api
from elfuse.errors import ContentMismatch, ElfuseError, ImageNotFound, InvalidImage
from elfuse.oci.transport.archive import Archive, ArchiveWriter
from tests.oci.conftest import Result, assert_clean, blobs
from tests.oci.images import AMD64, Image, index_of, sample, sha256, write_layout

Elfuse = Callable[..., Result]


def skopeo(*words: object) -> None:
    subprocess.run(["skopeo", "copy", "-q", *map(str, words)], check=True)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "layout", {"m": [sample(), sample(platform=AMD64)], "s": [sample()]})


def manifest_of(store: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(api.inspect(name, store=str(store)).raw_manifest)
    return document


def test_what_skopeo_wrote_is_pulled_and_run(
    layout: Path, tmp_path: Path, store_path: Path, elfuse: Elfuse
) -> None:
    arm = sample()
    skopeo(f"oci:{layout}:s", f"oci-archive:{tmp_path}/one.tar:v1")
    skopeo("--all", f"oci:{layout}:m", f"oci-archive:{tmp_path}/all.tar")
    skopeo("--all", f"oci:{layout}:m", f"dir:{tmp_path}/all")
    skopeo(f"oci:{layout}:s", f"dir:{tmp_path}/one")
    for name in (
        "oci-archive:one.tar:v1",
        "oci-archive:one.tar",
        "oci-archive:all.tar",
        "dir:all",
        "dir:one",
    ):
        store = store_path.parent / name.replace(":", "_")
        transport, _, path = name.partition(":")
        full = f"{transport}:{tmp_path}/{path}"
        assert api.run(full, capture_output=True, store=str(store)).stdout == b"hello\n"
        assert api.inspect(full, store=str(store)).digest == sha256(arm.raw)
    assert elfuse("oci", "run", "-q", "dir:all").out == "hello\n"  # relative to where the user is


def test_a_docker_archive_is_an_oci_image_of_its_tars(
    layout: Path, tmp_path: Path, store_path: Path, elfuse: Elfuse
) -> None:
    arm, tar = sample(), tmp_path / "docker.tar"
    skopeo(f"oci:{layout}:s", f"docker-archive:{tar}:example.com/org/app:1")
    done = elfuse("oci", "run", "-q", "docker-archive:docker.tar:example.com/org/app:1")
    assert (done.code, done.out) == (0, "hello\n"), done.err
    name = f"docker-archive:{tar}:example.com/org/app:1"
    manifest = manifest_of(store_path, name)
    assert manifest["config"]["digest"] == arm.manifest["config"]["digest"]
    assert [layer["digest"] for layer in manifest["layers"]] == [sha256(layer) for layer in arm.layers]
    for selector in ("", ":@0"):
        assert api.pull(f"docker-archive:{tar}{selector}").config_digest == arm.manifest["config"]["digest"]
    with pytest.raises(ImageNotFound, match=r"the archive holds example\.com/org/app:1"):
        api.pull(f"docker-archive:{tar}:other")
    # The store stays a layout that other tools read.
    shown = subprocess.run(
        ["skopeo", "inspect", "--raw", f"oci:{store_path}:{pin_name(store_path, name)}"],
        check=True,
        capture_output=True,
    ).stdout
    assert json.loads(shown) == manifest


def pin_name(store: Path, name: str) -> str:
    for entry in json.loads((store / "index.json").read_text())["manifests"]:
        if entry["annotations"]["io.containerd.image.name"] == name:
            ref: str = entry["annotations"]["org.opencontainers.image.ref.name"]
            return ref
    raise AssertionError(f"no pin {name}")


@pytest.mark.parametrize("tool", ["gzip", "zstd"])
def test_compressed_archives(layout: Path, tmp_path: Path, store_path: Path, tool: str) -> None:
    skopeo(f"oci:{layout}:s", f"oci-archive:{tmp_path}/a.tar")
    packed = subprocess.run([tool, "-c", f"{tmp_path}/a.tar"], check=True, capture_output=True).stdout
    (tmp_path / "packed").write_bytes(packed)
    assert api.pull(f"oci-archive:{tmp_path}/packed").digest == sha256(sample().raw)


def test_an_archive_of_another_compression(tmp_path: Path, store_path: Path) -> None:
    (tmp_path / "a.xz").write_bytes(b"\xfd7zXZ\0" + bytes(100))
    with pytest.raises(InvalidImage, match="is compressed with xz; decompress it first"):
        api.pull(f"oci-archive:{tmp_path}/a.xz")


def test_an_archive_from_a_pipe(layout: Path, tmp_path: Path, store_path: Path) -> None:
    skopeo(f"oci:{layout}:s", f"oci-archive:{tmp_path}/a.tar")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cp", f"{tmp_path}/a.tar", str(fifo)]):
        assert api.pull(f"oci-archive:{fifo}").digest == sha256(sample().raw)


def archive(path: Path, members: list[tarfile.TarInfo | tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def docker_members(image: Image, **change: Any) -> list[tarfile.TarInfo | tuple[str, bytes]]:
    config = image.blobs[image.manifest["config"]["digest"]]
    item = {"Config": "config.json", "RepoTags": ["app:1"], "Layers": ["0/layer.tar", "1/layer.tar"]}
    return [
        ("manifest.json", json.dumps([{**item, **change}]).encode()),
        ("config.json", config),
        ("0/layer.tar", image.layers[0]),
        ("1/layer.tar", image.layers[1]),
    ]


def test_layers_that_are_links_as_old_docker_wrote_them(tmp_path: Path, store_path: Path) -> None:
    members = docker_members(sample())
    members[2:] = [
        ("shared.tar", sample().layers[0]),
        link("0/layer.tar", "../shared.tar"),
        link("1/layer.tar", "./two/layer.tar", tarfile.LNKTYPE),
        ("two/layer.tar", sample().layers[1]),
    ]
    path = archive(tmp_path / "a.tar", members)
    assert api.run(f"docker-archive:{path}", capture_output=True).stdout == b"hello\n"


def test_layers_that_are_compressed_inside(tmp_path: Path, store_path: Path) -> None:
    members = docker_members(sample())
    members[2] = ("0/layer.tar", gzip.compress(sample().layers[0]))
    members[3] = ("1/layer.tar", subprocess.run(
        ["zstd", "-qc"], input=sample().layers[1], check=True, capture_output=True).stdout)  # fmt: skip
    path = archive(tmp_path / "a.tar", members)
    name = f"docker-archive:{path}"
    assert api.run(name, capture_output=True).stdout == b"hello\n"
    types = [layer["mediaType"].rpartition(".")[2] for layer in manifest_of(store_path, name)["layers"]]
    assert types == ["tar+gzip", "tar+zstd"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Config": "../../etc/passwd"}, "lacks '../../etc/passwd'"),
        ({"Config": "/etc/passwd"}, "lacks '/etc/passwd'"),
        ({"Layers": ["0/layer.tar"]}, "has 1 layers for 2 diff_ids"),
        ({"Layers": ["0/layer.tar", "nothing"]}, "lacks 'nothing'"),
        ({"Layers": ["0/layer.tar", "out"]}, "lacks 'out'"),
        ({"Layers": ["0/layer.tar", "absolute"]}, "lacks 'absolute'"),
        ({"Layers": ["0/layer.tar", "loop"]}, "link to a link without end"),
        ({"Layers": ["0/layer.tar", "twice"]}, "two members named 'twice': ambiguous"),
        ({"Layers": ["0/layer.tar", "dir"]}, "lacks 'dir'"),
        ({"Layers": 5}, "manifest.json: Expected"),
        ({"Config": "0/layer.tar"}, "is not valid JSON"),
    ],
)
def test_hostile_docker_archives(
    tmp_path: Path, store_path: Path, change: dict[str, Any], message: str
) -> None:
    members = docker_members(sample(), **change)
    members += [link("out", "../../../etc/passwd"), link("absolute", "/etc/passwd"), link("loop", "loop")]
    members += [("twice", b"a"), ("twice", b"b"), link("dir", "", tarfile.DIRTYPE)]
    path = archive(tmp_path / "a.tar", members)
    with pytest.raises(InvalidImage) as caught:
        api.pull(f"docker-archive:{path}")
    assert message in str(caught.value)
    assert_clean(store_path)


def test_wrong_layers_in_a_docker_archive(tmp_path: Path, store_path: Path) -> None:
    members = docker_members(sample(), Layers=["1/layer.tar", "0/layer.tar"])
    with pytest.raises(ContentMismatch, match=r"truncated|wrong content|more than"):
        api.pull(f"docker-archive:{archive(tmp_path / 'a.tar', members)}")
    assert_clean(store_path)


def test_a_wrong_blob_in_an_oci_archive(layout: Path, tmp_path: Path, store_path: Path) -> None:
    victim = layout / "blobs/sha256" / sample().manifest["layers"][0]["digest"][7:]
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(layout, ".")
    with pytest.raises(ContentMismatch, match="wrong content"):
        api.pull(f"oci-archive:{tmp_path}/a.tar:s")
    assert_clean(store_path)


def test_a_directory_of_another_kind(tmp_path: Path, store_path: Path) -> None:
    for name, message in (
        ("dir:none", "is no directory of skopeo's dir: transport: it does not exist"),
        ("dir:.", "it has no version"),
        ("oci:.", "is no OCI image layout: it has no oci-layout file"),
        ("oci-archive:none", "does not exist"),
        ("oci-archive:.", "is a directory, not an archive; use oci: or dir:"),
        ("docker-archive:empty", "is no readable tar archive"),
    ):
        (tmp_path / "empty").write_bytes(b"")
        transport, _, path = name.partition(":")
        with pytest.raises((ImageNotFound, InvalidImage)) as caught:
            api.pull(f"{transport}:{tmp_path}/{path}")
        assert message in str(caught.value)
    os.mkfifo(tmp_path / "oci-layout")
    with pytest.raises(InvalidImage, match="oci-layout is no plain file"):
        api.pull(f"oci:{tmp_path}")
    (tmp_path / "version").write_text("Directory Transport Version: 2.0\n")
    (tmp_path / "manifest.json").write_bytes(index_of([sample()]))
    with pytest.raises(InvalidImage, match=r"another version than 1\.x"):
        api.pull(f"dir:{tmp_path}")
    assert blobs(store_path) == set()


def test_an_image_of_a_layout_by_its_position(layout: Path, store_path: Path) -> None:
    assert api.pull(f"oci:{layout}:@1").digest == sha256(sample().raw)
    with pytest.raises(ImageNotFound, match="it holds 2"):
        api.pull(f"oci:{layout}:@2")


def test_archives_cut_anywhere_are_errors(tmp_path: Path) -> None:
    whole = archive(tmp_path / "a.tar", docker_members(sample())).read_bytes()
    full = set(Archive(str(tmp_path / "a.tar")).names())
    assert full == {"manifest.json", "config.json", "0/layer.tar", "1/layer.tar"}
    for cut in range(0, len(whole) - 11_000, 997):
        (tmp_path / "cut.tar").write_bytes(whole[:cut])
        try:
            found = set(Archive(str(tmp_path / "cut.tar")).names())
        except InvalidImage:
            continue
        assert found < full


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_headers_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever a header says: no crash, no endless scan, and no byte from outside the file."""
    path = tmp_path / "a.tar"
    if not path.exists():
        long = tarfile.TarInfo("n" * 300)
        long.pax_headers = {"path": "p" * 200, "size": "7"}
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            tar.addfile(long)
            tar.addfile(tarfile.TarInfo("plain"))
            tar.addfile(link("l", "plain"))
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        block = data.draw(st.integers(0, 8)) * 512
        at = block + data.draw(
            st.sampled_from([0, 100, 124, 125, 135, 136, 148, 156, 157, 257, 345, 386, 482])
        )
        damaged[at] = data.draw(st.sampled_from([0, 0x80, 0xFF, 0x30, 0x37, 0x4C, 0x78, 0x53]))
        if data.draw(st.booleans()):  # a checksum that fits
            header = damaged[block : block + 512]
            header[148:156] = b" " * 8
            damaged[block + 148 : block + 156] = b"%06o\0 " % sum(header)
    (tmp_path / "b.tar").write_bytes(damaged)
    try:
        found = Archive(str(tmp_path / "b.tar"))
        for name in found.names():
            content = b"".join(found.chunks(name))
            assert len(content) <= len(damaged)
    except (ElfuseError, FileNotFoundError):
        pass


def test_an_extended_header_of_any_size_is_not_read(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2 << 20
    with (tmp_path / "a.tar").open("wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.truncate(4 << 20)
    with pytest.raises(InvalidImage, match="a header of 2097152 bytes"):
        Archive(str(tmp_path / "a.tar"))


def test_the_archive_writer_is_read_by_tar(tmp_path: Path) -> None:
    long = "blobs/" + "x" * 200
    for name in ("a.tar", "b.tar"):
        fd = os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT, 0o600)
        writer = ArchiveWriter(fd)
        writer.add("one", b"1" * 700)
        writer.add_stream(long, 5, [b"ab", b"cde"])
        writer.finish()
        os.close(fd)
    with open(os.devnull, "wb") as null, pytest.raises(ValueError, match="shorter than promised"):
        ArchiveWriter(null.fileno()).add_stream("short", 9, [b"x"])
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    listed = subprocess.run(["tar", "tf", tmp_path / "a.tar"], check=True, capture_output=True).stdout
    assert listed.decode().split() == ["one", long]
    with tarfile.open(tmp_path / "a.tar") as tar:
        member = tar.extractfile(long)
        assert member is not None and member.read() == b"abcde"

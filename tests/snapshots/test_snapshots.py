"""What a program may rely on in its root, by every strategy on every file system that the machine has.

The programs also run natively over the host's own overlayfs, which is the reference of what an overlay is.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import elfuse as api
from elfuse.errors import RunError
from elfuse.oci.layout import Store
from elfuse.oci.runs import remove_run
from elfuse.oci.snapshot import NAMES
from elfuse.oci.snapshot.choice import VARIABLE, choose
from tests.guest.harness import COMPILER, FLAGS
from tests.oci.images import Image, write_layout
from tests.snapshots import file_systems

SOURCES = Path(__file__).resolve().parent
PROGRAMS = ("names", "contents", "attributes")
RUNS, MORE_RUNS = 50, 5  # of each strategy, and once more on the other file systems
KINDS = ("here", "xfs", "btrfs")
# What is not as on a plain file system, in the words of tree.h.
WORDS = {
    "reflink": ["broken"],
    "runtime": ["broken"],
    # In a user namespace overlayfs may not look a file up by its handle, which leads back to its number.
    "overlay": ["broken", "exdev", "numbers"],
    "copy": ["whiteouts"],
    "reference": ["broken", "exdev"],
}


def compiled(compiler: str, name: str, out: Path) -> Path:
    flags = [*FLAGS, "-static", "-Wno-unused-function"]
    subprocess.run([compiler, *flags, "-o", str(out), str(SOURCES / f"{name}.c")], check=True)
    return out


def member(name: str, content: bytes | str | None, mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    """A file, a symbolic link to a text, or without content a directory."""
    info = tarfile.TarInfo(name)
    info.mtime, info.mode = 1_600_000_000, mode
    if isinstance(content, bytes):
        info.size = len(content)
        return info, content
    info.type, info.mode = (tarfile.DIRTYPE, 0o755) if content is None else (tarfile.SYMTYPE, 0o777)
    info.linkname = content or ""
    return info, b""


def tree(program: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    """What the programs find in /image; `program` is one of them."""
    whole: dict[str, bytes | str | None] = dict.fromkeys(["dir", "dir/sub", "dir/sub/deep", "empty", "many"])
    whole |= dict.fromkeys(["filled", "filled/below"])
    whole |= dict.fromkeys(["file", "file2", "cut", "cut2", "cut3", "cut4", "gone", "linkee"], b"0123456789")
    whole |= {"dir/a": b"a\n", "dir/b": b"b\n", "dir/sub/x": b"x\n", "dir/sub/deep/y": b"y\n"}
    whole |= {"filled/one": b"1\n", "filled/below/two": b"2\n", "theirs": b"theirs\n", "owned": b"owned\n"}
    whole |= {"link": "file", "dangling": "nowhere", "name1": b"two names\n", "marked": b"marked\n"}
    whole |= {f"many/{number:03}": b"" for number in range(300)}
    whole |= {"big": bytes(ord("A") + at % 26 for at in range(1 << 20))}
    members = [member(f"image/{name}", content) for name, content in whole.items()]
    by_name = {info.name: info for info, _ in members}
    by_name["image/marked"].pax_headers = {"SCHILY.xattr.user.test": "image"}
    by_name["image/owned"].uid, by_name["image/owned"].gid = 1001, 1002
    second_name = tarfile.TarInfo("image/name2")
    second_name.type, second_name.linkname = tarfile.LNKTYPE, "image/name1"
    return [*members, (second_name, b""), member("image/program", program, 0o755)]


def packed(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def image_of(programs: dict[str, Path]) -> Image:
    """/image in the upper of two layers, the lower of which has what the upper one hides and replaces."""
    below = [member(f"bin/{name}", path.read_bytes(), 0o755) for name, path in programs.items()]
    below += [member(f"image/{name}", b"hidden") for name in ("dir/hidden", "many/999", "filled")]
    hiding = [member(f"image/{name}", b"") for name in ("dir/.wh.hidden", "many/.wh..wh..opq")]
    above = tree(programs["contents"].read_bytes())
    return Image([packed(below), packed([*above, *hiding])], {"Env": ["PATH=/bin"]})


@dataclass(frozen=True)
class Place:
    """A store with the image, unpacked, on one kind of file system."""

    kind: str
    store: str
    image: str
    tree: Path

    def run(self, *words: str, **options: Any) -> api.CompletedRun[str]:
        return api.run(self.image, words, store=self.store, capture_output=True, text=True, **options)

    def digest(self) -> str:
        """Of all that there is to know of the image's tree, but when it was last read."""
        hasher = hashlib.sha256()
        for path in sorted([self.tree, *self.tree.rglob("*")]):
            status = path.lstat()
            facts = [status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_nlink]
            facts += [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
            names = [] if stat.S_ISLNK(status.st_mode) else sorted(os.listxattr(path))
            attributes = [(name, os.getxattr(path, name)) for name in names]
            hasher.update(repr((str(path), facts, attributes)).encode())
            if stat.S_ISREG(status.st_mode):
                hasher.update(path.read_bytes())
        return hasher.hexdigest()


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("snapshots")
    programs = {name: compiled(COMPILER, name, top / name) for name in (*PROGRAMS, "disturb")}
    return write_layout(top / "layout", {"latest": [image_of(programs)]})


@pytest.fixture(scope="module", params=KINDS)
def place(
    request: pytest.FixtureRequest, layout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    kind = request.param
    if kind != "here" and (why := file_systems.why_not(kind)):
        pytest.skip(why)
    with contextlib.ExitStack() as stack:
        here = tmp_path_factory.mktemp("store")
        top = here if kind == "here" else stack.enter_context(file_systems.mounted(kind))
        store, image = str(top / "store"), f"oci:{layout}:latest"
        api.pull(image, store=store)
        yield Place(kind, store, image, Path(api.unpack(image, store=store)))


@pytest.fixture(params=NAMES)
def strategy(request: pytest.FixtureRequest, place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setenv(VARIABLE, name)
    try:
        choose(Store.open(place.store))
    except RunError as error:
        pytest.skip(error.message)
    return name


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str, place: Place, strategy: str) -> None:
    before = place.digest()
    done = place.run(program, "/image", *WORDS[strategy])
    assert (done.stdout, done.returncode) == (f"{program}: ok\n", 0), done.stderr
    assert place.digest() == before


def test_the_image_is_never_written_to(place: Place, strategy: str) -> None:
    before = place.digest()
    for _ in range(RUNS if place.kind == "here" or strategy == "reflink" else MORE_RUNS):
        done = place.run("disturb", "/image", *WORDS[strategy])
        assert (done.stdout, done.returncode) == ("disturb: ok\n", 0), done.stderr
    assert place.digest() == before


def test_what_a_run_writes_is_its_own(place: Place, strategy: str) -> None:
    """Two at once, and one after the other."""
    words = ("/image", *WORDS[strategy])
    with api.Popen(place.image, ["disturb", *words], store=place.store, stdout=subprocess.PIPE) as first:
        assert place.run("names", *words).stdout == "names: ok\n"
        assert first.communicate()[0] == b"disturb: ok\n"


def test_a_kept_run(place: Place, strategy: str) -> None:
    run = f"kept-{strategy}"
    done = place.run("disturb", "/image", *WORDS[strategy], name=run, keep=True)
    assert done.returncode == 0
    made = [path for path in Path(place.store, "runs", run).rglob("made/file") if path.is_file()]
    assert [path.read_text() for path in made] == ["x"]
    remove_run(Store.open(place.store), run)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts an overlay as it likes")
@pytest.mark.parametrize("program", PROGRAMS)
def test_program_on_the_reference(program: str, tmp_path: Path) -> None:
    """The same checks, compiled for this machine, over an overlayfs of the host's."""
    lower, upper, work, merged = (tmp_path / name for name in ("lower", "upper", "work", "merged"))
    for path in (lower, upper, work, merged):
        path.mkdir()
    native = compiled("cc", program, tmp_path / program)
    inner = compiled("cc", "contents", tmp_path / "contents")
    with tarfile.open(fileobj=io.BytesIO(packed(tree(inner.read_bytes())))) as archive:
        archive.extractall(lower, filter="fully_trusted", numeric_owner=True)
    os.setxattr(lower / "image/marked", "user.test", b"image")
    options = f"lowerdir={lower},upperdir={upper},workdir={work},index=off"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(merged)], check=True)
    try:
        words = [str(native), str(merged / "image"), *WORDS["reference"]]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == (f"{program}: ok\n", 0), done.stderr
    finally:
        subprocess.run(["umount", str(merged)], check=True)

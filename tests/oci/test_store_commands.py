"""The commands about the store, as a person gives them: pipes for plain text, a pty for tables with bars."""

import json
import os
import pty
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import elfuse as api
from elfuse.api.store import Store
from tests.oci.conftest import Result, blobs
from tests.oci.images import Image, sample, sha256, tar, write_layout
from tests.oci.programs import LOOP

Elfuse = Callable[..., Result]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    loop = Image([tar([("bin/loop", LOOP, 0o755)])], {"Cmd": ["/bin/loop"]})
    return write_layout(tmp_path / "layout", {"app": [sample()], "loop": [loop]})


@pytest.fixture
def app(layout: Path, store_path: Path) -> str:
    """A present image, by its name."""
    api.pull(f"oci:{layout}:app")
    return f"oci:{layout}:app"


def document(done: Result) -> dict[str, Any]:
    assert done.code == 0, done
    found: dict[str, Any] = json.loads(done.out)
    assert found["schemaVersion"] == 1
    return found


def at_terminal(*words: str) -> str:
    """What a person sees: the command on a pty of 120 columns."""
    pid, master = pty.fork()
    if pid == 0:
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm", "COLUMNS": "120"}
        env.pop("ELFUSE_OCI_PROGRESS", None)
        os.execve(sys.executable, [sys.executable, "-m", "elfuse", *words], env)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, seen
    return seen.decode()


def test_list(elfuse: Elfuse, app: str) -> None:
    assert elfuse("oci", "tag", app, "localhost/base:1", "other").out == (
        "localhost/base:1\ndocker.io/library/other:latest\n"
    )
    done = elfuse("oci", "list")
    lines = done.out.splitlines()
    assert lines[0].split() == ["NAME", "DIGEST", "PLATFORM", "SIZE", "CREATED", "STATE"]
    assert [line.split()[0] for line in lines[1:]] == [
        app,
        "localhost/base:1",
        "docker.io/library/other:latest",
    ]
    assert elfuse("oci", "ls").out == done.out
    digest = api.inspect(app).digest
    assert elfuse("oci", "list", "-q").out.split() == [digest] * 3
    api.unpack(app)
    images = document(elfuse("oci", "list", "--json"))["images"]
    assert images[0] == {
        "name": app,
        "digest": digest,
        "platform": "linux/arm64/v8",
        "size": sum(layer.size for layer in api.inspect(app).layers),
        "created": "",
        "unpacked": True,
        "status": "ok",
    }
    assert "localhost/base:1" in at_terminal("oci", "list")


def test_an_empty_store(elfuse: Elfuse) -> None:
    assert elfuse("oci", "list", "-q").out == ""
    assert elfuse("oci", "ps", "-aq").out == ""
    assert document(elfuse("oci", "status", "--json"))["totals"]["blobs"] == 0
    assert elfuse("oci", "prune", "--commit").code == 0
    assert elfuse("oci", "verify").out == "0 blobs (0 B) are right; 0 trees; 0 problems\n"


def test_rm(elfuse: Elfuse, app: str, layout: Path, store_path: Path) -> None:
    digest = api.inspect(app).digest
    elfuse("oci", "tag", app, "a:1", "b:1")
    done = elfuse("oci", "rm", "a:1", "nope", "b:1")
    assert done.code == 1 and done.out == "untagged docker.io/library/a:1\nuntagged docker.io/library/b:1\n"
    assert done.err.splitlines() == [
        "elfuse: no such image in the store: nope; elfuse oci list shows what there is"
    ]
    assert elfuse("oci", "rm", "--ignore", "nope").code == 0
    elfuse("oci", "tag", app, "a:1")
    # By ID: all names of it, as the manifest's digest or as podman's and docker's ID.
    for prefix in (digest[:19], api.inspect(app).config_digest[7:19]):
        assert elfuse("oci", "rm", prefix).out.count("untagged") == 2
        assert elfuse("oci", "list", "-q").out == ""
        api.pull(app)
        elfuse("oci", "tag", app, "a:1")
    assert document(elfuse("oci", "rm", "-a", "--json"))["images"] == [app, "docker.io/library/a:1"]
    assert blobs(store_path)
    assert elfuse("oci", "prune", "--commit").code == 0
    assert blobs(store_path) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["rm"],
        ["rm", "-a", "x"],
        ["tag", "x"],
        ["prune", "--older-than", "5x"],
        ["prune", "--older-than", "-5"],
        ["prune", "--older-than", " 5s"],
        ["prune", "--keep-bytes", "1.5G"],
        ["prune", "--keep-bytes=9999999999999999G"],
        ["prune", "x"],
        ["status", "x"],
        ["clone"],
    ],
)
def test_wrong_usage_is_2(elfuse: Elfuse, words: list[str]) -> None:
    done = elfuse("oci", *words)
    assert done.code == 2 and done.out == "" and "Usage: elfuse" in done.err


def test_tag_refuses(elfuse: Elfuse, app: str) -> None:
    for words, message in (
        (("nope", "x:1"), "no such image in the store: nope"),
        ((app, "Bad/Name"), "lower case"),
        ((app, f"x@sha256:{'0' * 64}"), "a digest is given to no image"),
    ):
        done = elfuse("oci", "tag", *words)
        assert done.code == 1 and message in done.err and len(done.err.splitlines()) == 1


def test_status(elfuse: Elfuse, app: str, layout: Path, store_path: Path) -> None:
    api.pull(f"oci:{layout}:loop")
    api.unpack(app)
    elfuse("oci", "run", "--keep", "--name", "kept", app)
    text = elfuse("oci", "status").out
    for words in ("Snapshots:   r", "Blobs:       7 (", "Trees:       1 (", "Runs:        1 ("):
        assert words in text, text
    found = document(elfuse("oci", "status", "--json"))
    assert [(pin["name"], pin["layers"], pin["unpacked"], pin["status"]) for pin in found["pins"]] == [
        (app, 2, True, "ok"),
        (f"oci:{layout}:loop", 1, False, "ok"),
    ]
    assert found["trees"][0]["images"] == [app] and found["trees"][0]["runs"] == ["kept"]
    assert found["engine"] in ("jit", "interp") and found["snapshotStrategy"] in ("reflink", "runtime")
    assert "copy" not in found["snapshotsRefused"]
    totals = found["totals"]
    size = sum(path.stat().st_size for path in (store_path / "blobs/sha256").iterdir())
    assert (totals["blobs"], totals["blobBytes"], totals["blocked"]) == (7, size, None)
    assert totals["treeBytes"] >= 5000 and totals["reclaimable"] >= 0
    quick = document(elfuse("oci", "status", "--json", "--no-disk-usage"))["totals"]
    assert quick["blobBytes"] is None and quick["treeBytes"] is None
    assert "(disk usage skipped)" in elfuse("oci", "status", "--no-disk-usage").out
    seen = at_terminal("oci", "status")
    assert "\u2588" in seen and "unpacked" in seen


def test_status_marks_what_is_broken(elfuse: Elfuse, app: str, layout: Path, store_path: Path) -> None:
    api.pull(f"oci:{layout}:loop")
    details = api.inspect(app)
    elfuse("oci", "status")  # the cache knows all
    (store_path / "blobs/sha256" / details.layers[0].digest[7:]).unlink()
    manifest = store_path / "blobs/sha256" / api.inspect(f"oci:{layout}:loop").digest[7:]
    manifest.write_bytes(b"")
    found = document(elfuse("oci", "status", "--json"))
    assert [pin["status"] for pin in found["pins"]] == ["missing 1 layers", "corrupt manifest"]
    manifest.unlink()
    found = document(elfuse("oci", "status", "--json"))
    assert found["pins"][1]["status"] == "missing manifest"
    (store_path / "cache/documents").unlink()
    found = document(elfuse("oci", "status", "--json"))
    assert found["pins"][1]["status"] == "missing manifest"
    assert found["totals"]["reclaimable"] is None and ":loop" in found["totals"]["blocked"]
    assert "missing manifest" in elfuse("oci", "list").out


def test_prune(elfuse: Elfuse, app: str, store_path: Path) -> None:
    api.unpack(app)
    before = blobs(store_path)
    elfuse("oci", "rm", app)
    done = elfuse("oci", "prune")
    assert done.code == 0 and "--commit" in done.err
    assert [line.split()[:2] for line in done.out.splitlines()[:4]] == [
        ["KIND", "TO"],
        ["blobs", str(len(before))],
        ["layers", "2"],
        ["trees", "1"],
    ]
    named = elfuse("oci", "prune", "-v").out
    assert all(f"blobs: {name}" in named for name in before)
    plan = document(elfuse("oci", "prune", "--json"))
    assert set(plan["blobs"]["items"]) == before == blobs(store_path) and not plan["committed"]
    young = document(elfuse("oci", "prune", "--json", "--older-than", "1h30m"))
    assert young["blobs"]["items"] == [] and young["blobs"]["spared"] == len(before)
    spared = document(elfuse("oci", "prune", "--json", "--keep-bytes", "1g"))
    assert spared["blobs"]["items"] == []
    assert elfuse("oci", "prune", "-q", "--commit").out == ""
    assert blobs(store_path) == set() and os.listdir(store_path / "stacks/sha256") == []


def test_prune_says_which_root_it_cannot_read(elfuse: Elfuse, app: str, store_path: Path) -> None:
    (store_path / "blobs/sha256" / api.inspect(app).digest[7:]).write_bytes(b"?")
    before = blobs(store_path)
    done = elfuse("oci", "prune", "--commit")
    assert done.code == 1 and done.err.startswith(f"elfuse: {app} cannot be read")
    assert len(done.err.splitlines()) == 1 and blobs(store_path) == before


def test_ps_and_removing_runs(elfuse: Elfuse, layout: Path, store_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "elfuse", "oci", "run", "--name", "web", f"oci:{layout}:loop"]
    guest = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while b"elfuse-vm" not in Path(f"/proc/{guest.pid}/cmdline").read_bytes():
            assert time.monotonic() < deadline and guest.poll() is None
            time.sleep(0.05)
        (live,) = document(elfuse("oci", "ps", "--json"))["runs"]
        assert (live["id"], live["image"], live["command"]) == ("web", f"oci:{layout}:loop", ["/bin/loop"])
        assert (live["state"], live["pid"]) == ("running", guest.pid)
        assert abs(live["created"] - time.time()) < 120
        refused = elfuse("oci", "rm", "--run", "web")
        assert refused.code == 1 and "the run web has not ended" in refused.err
        # Its tree is a root while it lives, whatever becomes of the image.
        assert elfuse("oci", "rm", f"oci:{layout}:loop").code == 0
        assert (
            document(elfuse("oci", "prune", "--commit", "--all", "--runs", "--json"))["stacks"]["needed"] == 1
        )
    finally:
        guest.send_signal(signal.SIGKILL)
        guest.wait(30)
    assert elfuse("oci", "ps", "-q").out == ""
    assert document(elfuse("oci", "prune", "--commit", "--json"))["stacks"]["items"] != []
    assert os.listdir(store_path / "runs") == []


def test_kept_runs(elfuse: Elfuse, app: str, store_path: Path) -> None:
    for name in ("one", "two", "three"):
        assert elfuse("oci", "run", "--keep", "--name", name, app).code == 0
    assert elfuse("oci", "ps").out.splitlines()[1:] == []
    table = elfuse("oci", "ps", "-a").out.splitlines()
    assert table[0].split() == ["ID", "IMAGE", "COMMAND", "SINCE", "STATUS", "PID"]
    assert [line.split()[0] for line in table[1:]] == ["one", "three", "two"]
    assert "/bin/hello world" in table[1] and "ended, kept" in table[1]
    taken = elfuse("oci", "run", "--name", "one", app)
    assert taken.code == 125 and "elfuse oci rm --run one" in taken.err
    assert elfuse("oci", "rm", "--run", "one").out == "one\n"
    assert elfuse("oci", "rm", "--run", "one").code == 1
    assert elfuse("oci", "rm", "--run", "../two").code == 1
    assert elfuse("oci", "prune", "--commit").code == 0
    assert sorted(os.listdir(store_path / "runs")) == ["three", "two"]
    assert document(elfuse("oci", "prune", "--runs", "--json"))["runs"]["items"] == ["three", "two"]
    assert elfuse("oci", "prune", "--runs", "--commit").code == 0
    assert os.listdir(store_path / "runs") == []


def test_exec_is_refused_with_the_reason(elfuse: Elfuse) -> None:
    for words in ([], ["web", "sh"], ["-it", "web", "sh", "-c", "id"]):
        done = elfuse("oci", "exec", *words)
        assert done.code == 125 and done.out == "" and "elfuse oci run -it" in done.err
    assert elfuse("oci", "exec", "--help").code == 0


def test_clone(elfuse: Elfuse, app: str, store_path: Path) -> None:
    path = Path(elfuse("oci", "clone", "--name", "mine", app).out.strip())
    tree = Path(api.unpack(app))
    assert path == store_path / "runs/mine/rootfs"
    assert shape(path) == shape(tree)
    assert (path / "bin/hello").stat().st_nlink == 2 and (path / "bin/hello").stat().st_ino == (
        path / "bin/hello2"
    ).stat().st_ino
    assert (path / "bin/hello").stat().st_ino != (tree / "bin/hello").stat().st_ino
    (path / "etc/passwd").write_text("changed")
    assert (tree / "etc/passwd").read_text() != "changed"
    assert elfuse("run", "--sysroot", str(path), "/bin/hello").out == "hello\n"
    assert elfuse("oci", "ps", "-aq").out == "mine\n"
    assert elfuse("oci", "clone", "--name", "mine", app).code == 1
    assert elfuse("oci", "rm", "--run", "mine").code == 0 and not path.exists()


def shape(top: Path) -> dict[str, Any]:
    found = {}
    for folder, names, files in os.walk(top):
        for name in [*names, *files, ""]:
            path = Path(folder, name)
            status = path.lstat()
            xattrs = {
                key: os.getxattr(path, key, follow_symlinks=False)
                for key in os.listxattr(path, follow_symlinks=False)
            }
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
            target = os.readlink(path) if path.is_symlink() else None
            found[str(path.relative_to(top))] = (status.st_mode, status.st_mtime_ns, xattrs, content, target)
    return found


def test_unpack_force(elfuse: Elfuse, app: str, tmp_path: Path, store_path: Path) -> None:
    target = tmp_path / "tree"
    assert elfuse("oci", "unpack", app, str(target)).code == 0
    (target / "mine").write_text("x")
    refused = elfuse("oci", "unpack", app, str(target))
    assert refused.code == 1 and "--force" in refused.err and (target / "mine").exists()
    assert elfuse("oci", "unpack", "--force", app, str(target)).out == f"{target}\n"
    assert not (target / "mine").exists() and (target / "bin/hello").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layout", "store", "tree"]
    link = tmp_path / "link"
    link.symlink_to(target)
    assert elfuse("oci", "unpack", "--force", app, str(link)).code == 1 and link.is_symlink()
    tree = Path(elfuse("oci", "unpack", app).out.strip())
    (tree / "bin/hello").unlink()
    assert elfuse("oci", "unpack", "-f", app).out.strip() == str(tree) and (tree / "bin/hello").exists()
    elfuse("oci", "run", "--keep", "--name", "k", app)
    used = elfuse("oci", "unpack", "-f", app)
    assert used.code == 1 and "in use by the run k" in used.err


def test_rebuild_cache(elfuse: Elfuse, app: str, layout: Path, store_path: Path) -> None:
    api.pull(f"oci:{layout}:loop")
    api.unpack(app)
    done = elfuse("oci", "rebuild-cache")
    assert done.out.splitlines() == [
        f"{app}: is unpacked already",
        f"oci:{layout}:loop: would be unpacked",
    ]
    assert done.code == 0 and "--commit" in done.err and len(os.listdir(store_path / "stacks/sha256")) == 1
    found = document(elfuse("oci", "rebuild-cache", "--commit", "--json"))
    assert [image["state"] for image in found["images"]] == ["unpacked", "rebuilt"]
    assert len(os.listdir(store_path / "stacks/sha256")) == 2
    loop = api.inspect(f"oci:{layout}:loop")
    (store_path / "blobs/sha256" / loop.layers[0].digest[7:]).unlink()
    elfuse("oci", "rm", app)
    for stack in os.listdir(store_path / "stacks/sha256"):
        os.rename(store_path / "stacks/sha256" / stack, store_path / "trash" / stack)
    broken = elfuse("oci", "rebuild-cache", "--commit")
    assert broken.code == 1 and "missing from the store" in broken.out


def test_doctor_is_also_of_oci(elfuse: Elfuse, store_path: Path) -> None:
    found = document(elfuse("oci", "doctor", "--json"))
    assert found["store"] == str(store_path) and not store_path.exists()
    checks = {check["name"]: check for check in found["checks"]}
    assert checks["store file system"]["ok"] and checks["openat2"]["ok"]
    assert all(check["ok"] or check["remedy"] for check in checks.values())
    elfuse("oci", "list")
    (store_path / "elfuse.json").write_text("{")
    checks = {check["name"]: check for check in document(elfuse("doctor", "--json"))["checks"]}
    assert not checks["store opens"]["ok"] and "damaged" in checks["store opens"]["detail"]
    other = document(elfuse("doctor", "--json", "--store", "/proc"))
    assert "store is writable" in {check["name"] for check in other["checks"]}


def test_a_store_that_is_named(elfuse: Elfuse, app: str, tmp_path: Path) -> None:
    other = str(tmp_path / "other")
    assert elfuse("oci", "list", "--store", other, "-q").out == ""
    assert len(elfuse("oci", "list", "-q").out.split()) == 1
    assert sha256(b"") not in elfuse("oci", "list").out


def test_clone_follows_nothing(store_path: Path, tmp_path: Path) -> None:
    """Links out of the tree, to files and directories, and what the tree cannot be left through."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("the host's")
    entries: list[tarfile.TarInfo | tuple[str, bytes]] = [("etc/own", b"x")]
    for name, target in (("dir", str(outside)), ("file", str(outside / "file")), ("up", "../" * 20 + "etc")):
        link = tarfile.TarInfo(name)
        link.type, link.linkname = tarfile.SYMTYPE, target
        entries.append(link)
    fifo = tarfile.TarInfo("fifo")
    fifo.type = tarfile.FIFOTYPE
    layout = write_layout(tmp_path / "layout", {"x": [Image([tar([*entries, fifo])])]})
    api.pull(f"oci:{layout}:x")
    before = (outside.stat(), (outside / "file").stat())
    path = Path(Store(str(store_path)).clone(f"oci:{layout}:x"))
    assert os.readlink(path / "dir") == str(outside) and os.readlink(path / "up").endswith("etc")
    assert (path / "fifo").is_fifo() and (path / "etc/own").read_bytes() == b"x"
    after = (outside.stat(), (outside / "file").stat())
    assert [(st.st_mode, st.st_mtime_ns, st.st_ctime_ns) for st in before] == [
        (st.st_mode, st.st_mtime_ns, st.st_ctime_ns) for st in after
    ]
    assert shape(path) == shape(Path(api.unpack(f"oci:{layout}:x")))

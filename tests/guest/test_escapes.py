"""What lies outside the root stays there: unread, unchanged, not executed, whatever the guest does.

A canary file, a listening socket and an arm64 program lie one directory above the root; a directory full of
links to them is mounted in the guest.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guest import harness
from tests.guest.test_guest import KINDS

PROGRAMS = {program.name: program for program in harness.programs()}
SECRET = "SECRET: out of the guest's reach\n"
TOOL = '#include <stdio.h>\nint main(void) { puts("SECRET ran"); return 0; }\n'


@pytest.fixture(scope="module")
def tool() -> Path:
    """A program that a guest must not get hold of."""
    harness.BUILD.mkdir(parents=True, exist_ok=True)
    out = harness.BUILD / "escape-tool"
    subprocess.run(
        [harness.COMPILER, "-O1", "-static", "-x", "c", "-", "-o", str(out)],
        input=TOOL,
        text=True,
        check=True,
    )
    return out


class Outside:
    """A root with things around it, and what they looked like before."""

    def __init__(self, root: harness.GuestRoot, tool: Path) -> None:
        self.root = root
        top = self.top = root.top
        self.canary = top / "canary"
        self.canary.write_text(SECRET)
        self.canary.chmod(0o666)
        (top / "tool").write_bytes(tool.read_bytes())
        (top / "tool").chmod(0o755)
        (top / "outside").mkdir()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(top / "listening"))
        self.socket.listen(1)
        self.socket.setblocking(False)
        vol = top / "vol"
        vol.mkdir()
        links = {"file": "{top}/canary", "up": "../canary", "dir": "{top}", "dirup": "..", "root": "/"}
        for name, target in {**links, "tool": "{top}/tool", "socket": "{top}/listening"}.items():
            (vol / name).symlink_to(target.format(top=top))
        root.give_away()
        self.before = self.state()

    def state(self) -> dict[str, tuple[object, ...]]:
        """Everything in the directory above the root but what the guest may change."""
        found: dict[str, tuple[object, ...]] = {}
        for path in self.top.iterdir():
            st = path.lstat()
            what = (
                path.read_bytes() if path.is_file() else b"",
                st.st_mode,
                st.st_uid,
                st.st_nlink,
                st.st_mtime_ns,
            )
            found[path.name] = what if path.is_file() else (st.st_mode, st.st_uid)
        found["outside/"] = tuple(sorted(os.listdir(self.top / "outside")))
        found["above/"] = tuple(p.name for p in self.top.parent.glob("canary*"))
        return found

    def run(self, argv: list[str], **changes: object) -> subprocess.CompletedProcess[str]:
        spec = harness.spec_for(self.root, argv, **changes)
        spec["mounts"].append(
            {"type": "bind", "source": str(self.top / "vol"), "target": "/vol", "read_only": False}
        )
        return harness.run_spec(spec, as_user=self.root.owner)

    def check(self, done: subprocess.CompletedProcess[str]) -> None:
        assert "SECRET" not in done.stdout
        assert self.state() == self.before
        with pytest.raises(BlockingIOError):
            self.socket.accept()


@pytest.fixture
def outside(request: pytest.FixtureRequest, tool: Path) -> Iterator[Outside]:
    kind, _, ordinary = request.param.partition("-")
    made = Outside(harness.GuestRoot(kind, harness.ORDINARY if ordinary else None), tool)
    yield made
    made.socket.close()
    made.root.remove()


@pytest.mark.parametrize("outside", KINDS, indirect=True)
def test_paths(outside: Outside) -> None:
    """`..`, links, magic links, moved parents, hard links, sockets: escape_paths.c tries them."""
    program = PROGRAMS["escape_paths"]
    outside.root.install(harness.build(program), "/bin/escape_paths")
    done = outside.run(["/bin/escape_paths", str(outside.canary), str(outside.canary.stat().st_ino)])
    assert (done.stdout, done.returncode) == ("escape_paths: ok\n", 0), done.stderr
    outside.check(done)


@pytest.mark.parametrize("outside", KINDS, indirect=True)
def test_paths_of_an_ordinary_guest_user(outside: Outside) -> None:
    program = PROGRAMS["escape_paths"]
    outside.root.install(harness.build(program), "/bin/escape_paths")
    (outside.top / "vol").chmod(0o777)
    outside.before = outside.state()
    done = outside.run(
        ["/bin/escape_paths", str(outside.canary), str(outside.canary.stat().st_ino)],
        user={"uid": 1000, "gid": 1000, "groups": []},
    )
    assert (done.stdout, done.returncode) == ("escape_paths: ok\n", 0), done.stderr
    outside.check(done)


@pytest.mark.parametrize("outside", KINDS, indirect=True)
@pytest.mark.parametrize(
    "program",
    ["{top}/tool", "/../tool", "../../../tool", "/proc/self/root/../tool", "/vol/tool", "/vol/dirup/tool"],
)
def test_executing(outside: Outside, program: str) -> None:
    """Neither a path, nor a script's interpreter, nor a link leads to a program outside."""
    program = program.format(top=outside.top)
    for argv0 in (program, "/bin/script", "/bin/link"):
        (outside.root.tree / "bin/script").unlink(missing_ok=True)
        (outside.root.tree / "bin/link").unlink(missing_ok=True)
        (outside.root.tree / "bin/script").write_text(f"#!{program} word\n")
        (outside.root.tree / "bin/script").chmod(0o755)
        (outside.root.tree / "bin/link").symlink_to(program)
        outside.root.give_away()
        done = outside.run([argv0])
        assert done.returncode in (126, 127), done
        assert done.stdout == "" and done.stderr.startswith("elfuse: ") and done.stderr.count("\n") == 1
        outside.check(done)


@pytest.mark.parametrize("outside", KINDS[:1], indirect=True)
@pytest.mark.parametrize("interpreter", ["{top}/tool", "/../tool", "/vol/tool"])
def test_interpreter_of_an_elf(outside: Outside, interpreter: str, tmp_path: Path) -> None:
    source = tmp_path / "dynamic.c"
    source.write_text("int main(void) { return 0; }\n")
    loader = interpreter.format(top=outside.top)
    program = tmp_path / "dynamic"
    subprocess.run([harness.COMPILER, f"-Wl,--dynamic-linker={loader}", "-o", program, source], check=True)
    outside.root.install(program, "/bin/dynamic")
    done = outside.run(["/bin/dynamic"])
    assert done.returncode in (126, 127), done
    assert done.stderr.startswith("elfuse: ") and done.stderr.count("\n") == 1
    outside.check(done)


@pytest.mark.parametrize("outside", KINDS, indirect=True)
def test_working_directory(outside: Outside) -> None:
    """A WorkingDir that is a link, or climbs, or names a descriptor, is neither made nor entered outside."""
    outside.root.install(harness.build(PROGRAMS["hello"]), "/bin/hello")
    (outside.root.tree / "work").symlink_to(outside.top / "outside")
    for cwd in ("/work/made", "/vol/dir/outside/made", "/../outside/made", "/proc/self/fd/9/outside/made"):
        done = outside.run(["/bin/hello"], cwd=cwd)
        assert done.returncode in (0, 125), done
        outside.check(done)


@pytest.mark.parametrize("outside", KINDS, indirect=True)
@pytest.mark.parametrize("target", ["/work/made", "/../outside/made"])
def test_mount_targets(outside: Outside, target: str) -> None:
    """A mount on a link that leads out makes nothing there."""
    outside.root.install(harness.build(PROGRAMS["hello"]), "/bin/hello")
    (outside.root.tree / "work").symlink_to(outside.top / "outside")
    mounts = [{"type": "bind", "source": str(outside.top / "vol"), "target": target, "read_only": False}]
    done = outside.run(["/bin/hello"], mounts=mounts)
    assert done.returncode in (0, 125), done
    outside.check(done)

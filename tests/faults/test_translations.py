"""Kept translations, seen from outside: a second run has the first one's, and nothing that happens to the
files or the directory changes what a program does. Each byte of a file: tests/unit/c/test_jit_persist.c.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.guest import harness

SOURCE = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int by_size(const void *a, const void *b) {{ return *(const int *)a - *(const int *)b; }}
int main(int argc, char **argv) {{
    int n[100];
    for (int i = 0; i < 100; i++)
        n[i] = (i * 37 + {number}) % 101;
    qsort(n, 100, sizeof n[0], by_size);
    printf("{number} %d %d\\n", n[0], n[99]);
    if (argc > 1) {{
        fflush(stdout);
        execv(argv[1], argv + 1);
    }}
    return 0;
}}
"""
FORKS = """
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            execv(argv[1], argv + 1);
            _exit(1);
        }
        int status;
        waitpid(pid, &status, 0);
        printf("%d\\n", status);
        fflush(stdout);
    }
    return 0;
}
"""
BUSY = """
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static volatile int *place;
static void *work(void *arg) {
    for (;;)
        for (volatile int i = 0; i < 1000; i++)
            *place += *(volatile int *)arg;
}
int main(void) {
    static int one = 1;
    static volatile int sum;
    pthread_t thread;
    place = &sum;
    for (int i = 0; i < 6; i++)
        pthread_create(&thread, NULL, work, &one);
    usleep(20000);
    puts("done");
    return 0;
}
"""
pytestmark = pytest.mark.skipif(
    " avx " not in Path("/proc/cpuinfo").read_text(), reason="the translator needs AVX"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system, or gives files away")


@dataclass
class Ran:
    out: str
    pages: int
    blocks: int
    saved: int
    made: int
    all_made: list[int]  # by each process of the run, in the order in which they ended


class Guest:
    def __init__(self, top: Path) -> None:
        self.root = harness.GuestRoot("plain")
        self.top = top
        self.cache = top / "cache"

    @property
    def kept(self) -> Path:
        return self.cache / "translations"

    def packs(self) -> list[Path]:
        return sorted(self.kept.glob("*.pack"))

    def program(self, name: str, number: int) -> None:
        self.compile(name, SOURCE.format(number=number))

    def compile(self, name: str, text: str) -> None:
        source, out = self.top / f"{name}.c", self.top / name
        source.write_text(text)
        subprocess.run(
            [harness.COMPILER, "-O2", "-static", "-pthread", "-o", str(out), str(source)], check=True
        )
        self.root.install(out, f"/bin/{name}")

    def run(self, *argv: str, cache: str | None = None, **more: object) -> Ran:
        env = {"ELFUSE_ENGINE": "jit", "ELFUSE_JIT_STATS": "1", "PATH": os.environ["PATH"]}
        env["ELFUSE_CACHE_DIR"] = str(self.cache) if cache is None else cache
        done = harness.run_spec(harness.spec_for(self.root, list(argv)), env=env, **more)  # type: ignore[arg-type]
        assert done.returncode == 0, done
        made = re.findall(r"jit: (\d+) blocks", done.stderr)
        kept = re.search(r"(\d+) pages of (\d+) blocks used.*; (\d+) bytes saved", done.stderr)
        assert made, done.stderr
        pages, blocks, saved = map(int, kept.groups()) if kept else (0, 0, 0)
        return Ran(done.stdout, pages, blocks, saved, int(made[0]), [int(n) for n in made])


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    made = Guest(tmp_path)
    made.program("one", 5)
    yield made
    made.root.remove()


def test_second_run_translates_nothing(guest: Guest) -> None:
    first, second = guest.run("/bin/one"), guest.run("/bin/one")
    assert first.out == second.out == "5 0 100\n"
    assert first.blocks == 0 and first.saved > 0 and first.made > 100
    assert second.blocks > 100 and second.saved == 0 and second.made == 0
    assert len(guest.packs()) == 1
    assert guest.kept.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in guest.kept.iterdir())


def test_after_execve(guest: Guest) -> None:
    guest.program("two", 6)
    first = guest.run("/bin/one", "/bin/two")
    assert first.out == "5 0 100\n6 0 100\n"
    assert len(guest.packs()) == 2
    second = guest.run("/bin/one", "/bin/two")
    assert second.out == first.out
    assert second.made == 0 and second.saved == 0
    assert guest.run("/bin/two").made < 20


def test_after_fork_and_execve(guest: Guest) -> None:
    """Parent and children of a second run have all that those of the first translated."""
    guest.compile("forks", FORKS)
    runs = [guest.run("/bin/forks", "/bin/one") for _ in range(2)]
    assert {run.out for run in runs} == {"5 0 100\n0\n" * 3}
    assert len(guest.packs()) == 2
    first, second = runs
    # The children of the first run have what its first child has kept.
    assert first.all_made[0] > 100 and max(first.all_made[1:3]) == 0
    assert len(second.all_made) == 4 and max(second.all_made) == 0
    assert second.saved == 0


def test_threads_that_are_running_at_the_end(guest: Guest) -> None:
    guest.compile("busy", BUSY)
    assert guest.run("/bin/busy").out == "done\n"
    assert len(guest.packs()) == 1
    assert guest.run("/bin/busy").blocks > 100


def test_changed_program_at_the_same_path(guest: Guest) -> None:
    guest.run("/bin/one")
    guest.program("one", 7)
    assert guest.run("/bin/one").out == "7 0 100\n"
    assert guest.run("/bin/one").made == 0


def test_two_programs_of_one_name(guest: Guest) -> None:
    others = Guest(guest.top / "other")
    others.top.mkdir()
    others.cache = guest.cache
    try:
        others.program("one", 8)
        for _ in range(2):
            assert guest.run("/bin/one").out == "5 0 100\n"
            assert others.run("/bin/one").out == "8 0 100\n"
        assert guest.run("/bin/one").made == others.run("/bin/one").made == 0
    finally:
        others.root.remove()


def test_sixteen_at_once(guest: Guest) -> None:
    with ThreadPoolExecutor(16) as pool:
        ran = list(pool.map(lambda _: guest.run("/bin/one"), range(48)))
    assert {one.out for one in ran} == {"5 0 100\n"}
    assert len(guest.packs()) == 1
    assert not list(guest.kept.glob(".*"))
    assert guest.run("/bin/one").made == 0


def test_damaged_files(guest: Guest) -> None:
    guest.run("/bin/one")
    (pack,) = guest.packs()
    data = pack.read_bytes()
    for at in range(0, len(data), len(data) // 40):
        pack.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        ran = guest.run("/bin/one")
        assert (ran.out, ran.blocks) == ("5 0 100\n", 0)
        pack.write_bytes(data[:at])
        ran = guest.run("/bin/one")
        assert (ran.out, ran.blocks) == ("5 0 100\n", 0)
    assert guest.run("/bin/one").made == 0  # a good one has taken its place


@needs_root
def test_full_disk(guest: Guest) -> None:
    guest.cache.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", str(guest.cache)], check=True)
    try:
        for _ in range(3):
            ran = guest.run("/bin/one")
            assert (ran.out, ran.saved) == ("5 0 100\n", 0)
        assert not guest.packs() and not list(guest.kept.glob(".*"))
    finally:
        subprocess.run(["umount", str(guest.cache)], check=True)


def test_limit_on_file_sizes(guest: Guest) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))

    ran = guest.run("/bin/one", preexec_fn=limited)
    assert (ran.out, ran.saved) == ("5 0 100\n", 0)
    assert not guest.packs() and not list(guest.kept.glob(".*"))


def not_used(guest: Guest) -> None:
    before = sorted(os.listdir(guest.kept))
    ran = guest.run("/bin/one")
    assert (ran.out, ran.blocks, ran.saved) == ("5 0 100\n", 0, 0)
    assert sorted(os.listdir(guest.kept)) == before


def test_directory_of_many(guest: Guest) -> None:
    guest.run("/bin/one")
    for mode in (0o770, 0o707, 0o777):
        guest.kept.chmod(mode)
        not_used(guest)
    guest.kept.chmod(0o700)
    assert guest.run("/bin/one").made == 0


@needs_root
def test_directory_of_another(guest: Guest) -> None:
    guest.run("/bin/one")
    os.chown(guest.kept, harness.ORDINARY, harness.ORDINARY)
    guest.kept.chmod(0o755)
    ran = guest.run("/bin/one")
    assert (ran.out, ran.blocks, ran.saved) == ("5 0 100\n", 0, 0)


@needs_root
def test_file_of_another(guest: Guest) -> None:
    guest.run("/bin/one")
    os.chown(guest.packs()[0], harness.ORDINARY, harness.ORDINARY)
    ran = guest.run("/bin/one")
    assert (ran.out, ran.blocks) == ("5 0 100\n", 0)


def test_links(guest: Guest) -> None:
    guest.run("/bin/one")
    (pack,) = guest.packs()
    pack.rename(guest.top / "elsewhere")
    pack.symlink_to(guest.top / "elsewhere")
    ran = guest.run("/bin/one")
    assert (ran.out, ran.blocks) == ("5 0 100\n", 0)
    assert not pack.is_symlink()  # replaced, not written through
    guest.kept.rename(guest.top / "folder")
    guest.kept.symlink_to(guest.top / "folder")
    not_used(guest)


def test_read_only_directory(guest: Guest) -> None:
    guest.run("/bin/one")
    guest.program("two", 6)
    guest.kept.chmod(0o500)
    if os.geteuid() == 0:
        subprocess.run(["mount", "--bind", "-r", str(guest.kept), str(guest.kept)], check=True)
    try:
        assert guest.run("/bin/one").made == 0
        ran = guest.run("/bin/two")
        assert (ran.out, ran.saved) == ("6 0 100\n", 0)
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", str(guest.kept)], check=True)
        guest.kept.chmod(0o700)


def test_switched_off(guest: Guest) -> None:
    assert guest.run("/bin/one", cache="").out == "5 0 100\n"
    spec = harness.spec_for(guest.root, ["/bin/one"], cache=False)
    env = {"ELFUSE_ENGINE": "jit", "ELFUSE_CACHE_DIR": str(guest.cache)}
    assert harness.run_spec(spec, env=env).stdout == "5 0 100\n"
    assert not guest.cache.exists()
    spec["cache"] = str(guest.cache)
    assert harness.run_spec(spec, env={"ELFUSE_ENGINE": "jit", "ELFUSE_CACHE_DIR": ""}).stdout == "5 0 100\n"
    assert len(guest.packs()) == 1


def test_limit(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    guest.run("/bin/one")
    size = guest.packs()[0].stat().st_size
    for number in range(4):
        guest.program("more", number)
        env = {"ELFUSE_ENGINE": "jit", "ELFUSE_CACHE_DIR": str(guest.cache)}
        done = harness.run_spec(
            harness.spec_for(guest.root, ["/bin/more"]), env={**env, "ELFUSE_CACHE_LIMIT": str(2 * size)}
        )
        assert done.stdout == f"{number} 0 100\n"
        assert sum(path.stat().st_size for path in guest.packs()) <= 2 * size

"""elfuse-vm itself: exit statuses, one clear line for each failure, what the guest inherits."""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.guest import harness

HELLO = harness.Program("hello", harness.SOURCES / "hello.c")


@pytest.fixture
def root() -> Iterator[harness.GuestRoot]:
    made = harness.GuestRoot("plain")
    made.install(harness.build(HELLO), "/bin/hello")
    yield made
    made.remove()


def run(root: harness.GuestRoot, *argv: str, **changes: Any) -> subprocess.CompletedProcess[str]:
    return harness.run_spec(harness.spec_for(root, list(argv), **changes))


def refused(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert done.returncode == status, done
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("elfuse: "), done.stderr
    for word in words:
        assert word in lines[0]


def elf(**changes: Any) -> bytes:
    """A small ELF header with one segment; what is in it never runs."""
    f = {
        "machine": 183,
        "type": 2,
        "phoff": 64,
        "phnum": 1,
        "entry": 0x400078,
        "offset": 0,
        "filesz": 120,
    } | changes
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack(
        "<HHIQQQIHHHHHH",
        f["type"],
        f["machine"],
        1,
        f["entry"],
        f["phoff"],
        0,
        0,
        64,
        56,
        f["phnum"],
        64,
        0,
        0,
    )
    phdr = struct.pack("<IIQQQQQQ", 1, 5, f["offset"], 0x400000, 0, f["filesz"], f["filesz"], 4096)
    return ident + header + phdr


def write(root: harness.GuestRoot, name: str, data: bytes, mode: int = 0o755) -> None:
    path = root.tree / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def test_program_by_path_and_by_name(root: harness.GuestRoot) -> None:
    for name in ("/bin/hello", "hello", "../bin/hello"):
        done = run(root, name)
        assert (done.returncode, done.stdout) == (0, "hello: ok\n"), done.stderr


def test_not_found(root: harness.GuestRoot) -> None:
    refused(run(root, "nothing"), 127, "nothing", "not found")
    refused(run(root, "/bin/nothing"), 127, "/bin/nothing", "no such file")


def test_not_executable(root: harness.GuestRoot) -> None:
    write(root, "/bin/plain", harness.build(HELLO).read_bytes(), 0o644)
    refused(run(root, "/bin/plain"), 126, "/bin/plain", "permission denied")
    refused(run(root, "plain"), 126, "plain", "not executable")
    refused(run(root, "/bin"), 126, "/bin")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"just text\n", "neither an ELF program nor a script"),
        (elf(machine=62), "is for x86-64, not arm64"),
        (elf(machine=40), "is for 32-bit arm, not arm64"),
        (elf(type=1), "not a program"),
        (elf()[:50], "ends within its header"),
        (elf(phoff=1 << 40), "program headers lie past its end"),
        (elf(offset=1 << 40), "shorter than its segments"),
        (elf(filesz=1 << 62), "outside the address space"),
        (elf(phnum=0), "program header table"),
        (b"#!\n", "names no interpreter"),
    ],
)
def test_what_is_no_program(root: harness.GuestRoot, data: bytes, words: str) -> None:
    write(root, "/bin/odd", data)
    refused(run(root, "/bin/odd"), 126, "/bin/odd", words)


def test_interpreter_missing(root: harness.GuestRoot) -> None:
    write(root, "/bin/script", b"#!/bin/none -x\n")
    refused(run(root, "script"), 127, "/bin/none", "no such file")
    write(root, "/bin/loop", b"#!/bin/loop\n")
    refused(run(root, "loop"), 126, "/bin/loop", "too many levels")


def test_script_gets_one_argument(root: harness.GuestRoot) -> None:
    echo = harness.Program("echo_args", harness.HELPERS / "echo_args.c")
    root.install(harness.build(echo), "/bin/echo_args")
    write(root, "/bin/script", b"#! /bin/echo_args  a b \nrest\n")
    done = run(root, "script", "one", "two")
    assert done.stdout == "[/bin/echo_args] [a b] [/bin/script] [one] [two]\n", done.stderr
    write(root, "/bin/outer", b"#!/bin/script\n")
    done = run(root, "/bin/outer", "x")
    assert done.stdout == "[/bin/echo_args] [a b] [/bin/script] [/bin/outer] [x]\n", done.stderr


def test_damaged_programs_never_end_elfuse(root: harness.GuestRoot) -> None:
    """Bytes of the headers are changed one after the other: a refusal, or a guest that runs or is killed."""
    good = bytearray(harness.build(HELLO).read_bytes())
    for at in range(16, 64 + 3 * 56, 3):
        data = bytearray(good)
        data[at] ^= 0x81
        write(root, "/bin/odd", bytes(data))
        spec = harness.spec_for(root, ["/bin/odd"])
        try:
            done = harness.run_spec(spec, timeout=10)
        except subprocess.TimeoutExpired:
            continue  # a guest that loops
        assert done.returncode >= 0 or done.returncode in (-11, -4, -7, -5), (at, done)
        assert "invaded" not in done.stderr


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"version": 1, "nonsense": 1}', 'unknown member "nonsense"'),
        (b'{"version": 1}', "is missing"),
    ],
)
def test_bad_spec(spec: bytes, words: str) -> None:
    refused(harness.run_spec(spec), 125, words)


def test_bad_root(root: harness.GuestRoot) -> None:
    spec = harness.spec_for(root, ["hello"]) | {"root": {"type": "plain", "path": "/nonexistent"}}
    refused(harness.run_spec(spec), 125, "/nonexistent")


def test_usage() -> None:
    done = subprocess.run([harness.vm_path()], capture_output=True, text=True, check=False)
    assert done.returncode == 125 and "usage" in done.stderr
    for option, word in (("--help", "usage"), ("--version", "elfuse-vm"), ("--engine", ": ")):
        done = subprocess.run([harness.vm_path(), option], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and word in done.stdout


def test_descriptors_stay_outside(root: harness.GuestRoot, tmp_path: Path) -> None:
    """Only the standard streams are the guest's; keep_fds stay open in the process."""
    fds = harness.Program("open_fds", harness.HELPERS / "open_fds.c")
    root.install(harness.build(fds), "/bin/open_fds")
    with (tmp_path / "lock").open("w") as lock:
        done = run_with_descriptor(root, ["/bin/open_fds"], lock.fileno())
    assert done.stdout == "0 1 2\n", done.stderr


def run_with_descriptor(
    root: harness.GuestRoot, argv: list[str], fd: int
) -> subprocess.CompletedProcess[str]:
    spec = harness.spec_for(root, argv, keep_fds=[fd])
    path = root.top / "spec.json"
    path.write_text(json.dumps(spec))
    return subprocess.run(
        [harness.vm_path(), "--spec", str(path)],
        pass_fds=[fd],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_little_address_space(root: harness.GuestRoot) -> None:
    """Under `ulimit -v` the guest's range is smaller, or the refusal says why."""

    def limit(gib: int) -> Any:
        return lambda: resource.setrlimit(resource.RLIMIT_AS, (gib << 30, gib << 30))

    done = harness.run_spec(harness.spec_for(root, ["hello"]), preexec_fn=limit(16))
    assert (done.returncode, done.stdout) == (0, "hello: ok\n"), done.stderr
    refused(harness.run_spec(harness.spec_for(root, ["hello"]), preexec_fn=limit(2)), 125, "ulimit -v")


def test_closed_standard_streams(root: harness.GuestRoot) -> None:
    path = root.top / "spec.json"
    path.write_text(json.dumps(harness.spec_for(root, ["hello"])))
    done = subprocess.run(
        ["/bin/sh", "-c", f"{harness.vm_path()} --spec {path} <&- >&- 2>&-"], check=False, timeout=60
    )
    assert done.returncode == 0


def test_clock_reads_are_no_system_calls(root: harness.GuestRoot) -> None:
    """10,000 reads of the clock cost a handful of system calls."""
    clock = harness.Program("read_clock", harness.HELPERS / "read_clock.c")
    root.install(harness.build(clock), "/bin/read_clock")
    start = time.monotonic()
    done = run(root, "read_clock", strace=True)
    took = time.monotonic() - start
    assert done.returncode == 0, done.stderr
    calls = sum(line.count("clock_gettime(") for line in done.stderr.splitlines())
    assert calls <= 5 + took / 0.1, done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_same_as_ordinary_user(root: harness.GuestRoot) -> None:
    root.owner = harness.ORDINARY
    root.give_away()
    done = harness.run_spec(harness.spec_for(root, ["hello"]), as_user=harness.ORDINARY)
    assert (done.returncode, done.stdout) == (0, "hello: ok\n"), done.stderr

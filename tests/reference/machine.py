"""Boots Debian's arm64 kernel in qemu with a disk of programs, and brings back what each of them did."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.guest import harness
from tests.reference.kernel import Kernel, kernel

HERE = Path(__file__).resolve().parent
STRIP = "aarch64-linux-gnu-strip"
QEMU = "qemu-system-aarch64"
# What elfuse's CPU has not is off: a signal frame then has the records that a guest's has.
CPU = "max,sve=off,sme=off,pauth=off,lpa2=off"
DISK_SIZE = 1 << 30
SECONDS_EACH = 300  # on a busy host the machine is ten times slower
TIMED_OUT = 1000
UNSTARTED = 1001


@dataclass(frozen=True)
class Result:
    status: int
    seconds: float
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Boot:
    results: dict[str, Result]
    console: str


def archive(entries: Iterable[tuple[str, int, bytes, tuple[int, int]]]) -> bytes:
    """An initramfs: a cpio archive of the kind "newc" of (name, mode, data, device)."""
    out = bytearray()
    for inode, (name, mode, data, (major, minor)) in enumerate([*entries, ("TRAILER!!!", 0, b"", (0, 0))], 1):
        fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def build_init() -> Path:
    source, out = HERE / "init.c", harness.BUILD / "reference-init"
    if not out.exists() or out.stat().st_mtime < source.stat().st_mtime:
        harness.BUILD.mkdir(parents=True, exist_ok=True)
        words = [*harness.FLAGS, "-static", "-s", "-o", str(out), str(source)]
        subprocess.run([harness.COMPILER, *words], check=True)
    return out


def write_initramfs(target: Path, linux: Kernel) -> None:
    files = [("init", build_init()), *((module.name, module) for module in linux.modules)]
    entries = [(name, 0o100755, path.read_bytes(), (0, 0)) for name, path in files]
    # The kernel opens it for init's standard streams.
    console = [("dev", 0o040755, b"", (0, 0)), ("dev/console", 0o020600, b"", (5, 1))]
    target.write_bytes(archive([*console, *entries]))


def job(program: harness.Program) -> str:
    process = program.options.get("process", "first")
    fields = [program.name, str(program.uid), process, str(SECONDS_EACH), *program.args]
    return "\t".join(fields) + "\n"


def write_disk(target: Path, tree: Path, programs: list[harness.Program]) -> None:
    for name in ("dev", "proc", "cgroup", "run", "programs", "stdin"):
        (tree / name).mkdir(parents=True)
    for program in programs:
        program_path = tree / "programs" / program.name
        subprocess.run([STRIP, "-o", str(program_path), str(harness.build(program))], check=True)
        if program.stdin:
            (tree / "stdin" / program.name).write_text(program.stdin)
    (tree / "jobs").write_text("".join(job(program) for program in programs))
    options = ["-q", "-F", "-t", "ext4", "-m", "0", "-E", "root_owner=0:0", "-d", str(tree)]
    with target.open("xb") as disk:
        disk.truncate(DISK_SIZE)
    subprocess.run(["mke2fs", *options, str(target)], check=True)


def parse(data: bytes) -> Iterator[tuple[str, Result]]:
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        name, status, seconds, *lengths = data[at:end].decode().split()
        out, err = (int(length) for length in lengths)
        at = end + 1
        texts = [data[at : at + out], data[at + out : at + out + err]]
        at += out + err
        stdout, stderr = (text.decode(errors="replace") for text in texts)
        yield name, Result(int(status), float(seconds), stdout, stderr)


def run(programs: list[harness.Program], timeout: float = 3600) -> Boot:
    linux = kernel()
    with tempfile.TemporaryDirectory(prefix="elfuse-reference-") as name:
        top = Path(name)
        write_initramfs(top / "initramfs", linux)
        write_disk(top / "disk", top / "tree", programs)
        words = [
            QEMU, "-M", "virt,gic-version=3", "-cpu", CPU, "-accel", "tcg,thread=multi", "-smp", "2",
            "-m", "1024", "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio",
            "-kernel", str(linux.image), "-initrd", str(top / "initramfs"),
            "-append", "console=ttyAMA0 quiet panic=-1 rdinit=/init",
            "-drive", f"file={top / 'disk'},format=raw,if=none,id=disk,cache=unsafe",
            "-device", "virtio-blk-pci,drive=disk",
            "-chardev", f"file,id=results,path={top / 'results'}",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=results,nr=1",
        ]  # fmt: skip
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
        )
        results = dict(parse((top / "results").read_bytes()))
    console = (done.stdout + done.stderr).decode(errors="replace")
    return Boot(results, console)

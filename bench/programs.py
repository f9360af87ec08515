"""The programs that are measured: how each is built, and how each of the three sides starts it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from measure import QEMU, Command
from trees import debian_tree, host_arch, host_words

SOURCES = Path(__file__).resolve().parent / "guest"
GUEST_ENV = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
}


@dataclass(frozen=True)
class Program:
    """A C program of guest/, or with `tree` one of Debian's; {work} in an argument is the work directory."""

    name: str
    group: str
    args: tuple[str, ...] = ()
    tree: str = ""  # the program's path in Debian's tree
    also: tuple[tuple[str, ...], ...] = ()  # further argument lists: the times are added
    flags: tuple[str, ...] = ("-O2",)
    most: int = 99  # rounds, for what takes long


def c(name: str, group: str, *args: str, flags: tuple[str, ...] = ("-O2",)) -> Program:
    return Program(name, group, args, flags=flags)


def script(name: str, file: str, size: int) -> Program:
    return Program(name, "python", (f"{{sources}}/python/{file}", str(size)), "usr/bin/python3.13")


O3 = ("-O3",)
LONG = [
    c("sieve", "integer"),
    c("sha256", "integer"),
    c("lz", "integer"),
    c("fib", "integer"),
    c("sort", "integer"),
    c("bytecode", "integer"),
    c("regex", "integer"),
    Program("sqlite3", "integer", (":memory:", ".read {sources}/speed.sql"), "usr/bin/sqlite3"),
    c("nbody", "float"),
    c("matmul", "float", flags=O3),
    c("fft", "float"),
    c("spectral", "float"),
    c("scan", "vector", flags=O3),
    c("pixels", "vector", flags=O3),
    Program(
        "zstd",
        "vector",
        ("-q", "-f", "-7", "{work}/text", "-o", "{work}/{side}.zst"),
        "usr/bin/zstd",
        (("-q", "-f", "-d", "{work}/{side}.zst", "-o", "{work}/{side}.back"),),
    ),
    Program(
        "xz",
        "vector",
        ("-k", "-f", "-1", "-S", ".{side}.xz", "{work}/short"),
        "usr/bin/xz",
        (("-k", "-t", "-S", ".{side}.xz", "{work}/short.{side}.xz"),),
    ),
    script("python nbody", "nbody.py", 4),
    script("python json", "json_text.py", 8),
    script("python regex", "regex_log.py", 12),
    replace(script("python digits", "digits.py", 200000), most=3),
]
START = [
    Program("static hello", "start"),
    Program("python3 -c pass", "start", ("-c", "pass"), "usr/bin/python3.13"),
    Program("bash -c true", "start", ("-c", "true"), "usr/bin/bash"),
    Program("perl -e 1", "start", ("-e", "1"), "usr/bin/perl"),
    Program("git --version", "start", ("--version",), "usr/bin/git"),
]


def made_up_text(size: int) -> bytes:
    """Words of uneven frequency, some numbers: what a compressor is for."""
    chance = random.Random(1)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(2000)]
    parts: list[str] = []
    length = 0
    while length < size:
        word = words[int(chance.paretovariate(0.6)) % len(words)]
        word = word if chance.random() < 0.9 else str(chance.randrange(100000))
        parts.append(word)
        length += len(word) + 1
    return " ".join(parts).encode()[:size]


@dataclass
class Sides:
    """Builds what is needed when it is needed; all below one temporary directory."""

    work: Path
    engine_env: dict[str, str] = field(default_factory=dict)
    qemu_cpu: str | None = None

    def __post_init__(self) -> None:
        for name in ("root/bin", "root/proc", "root/dev", "data", "host", "caches", "specs"):
            (self.work / name).mkdir(parents=True)
        (self.work / "data/text").write_bytes(made_up_text(3 << 20))
        (self.work / "data/short").write_bytes(made_up_text(3 << 18))
        self.warm_cache = self.fresh_cache()

    def fresh_cache(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.work / "caches"))

    @cached_property
    def arm64(self) -> Path:
        return debian_tree("arm64")

    @cached_property
    def host(self) -> Path | None:
        arch = host_arch()
        return debian_tree(arch) if arch else None

    @cached_property
    def vm(self) -> str:
        named = os.environ.get("ELFUSE_VM")
        if named:
            return named
        from elfuse._core import vm_path

        return vm_path()

    def source(self, program: Program) -> Path:
        return SOURCES / f"{program.name.rpartition(' ')[2]}.c"

    def compiled(self, program: Program, compiler: str, folder: str) -> Path:
        source = self.source(program)
        out = self.work / folder / source.stem
        if not out.exists():
            words = [compiler, *program.flags, "-static", "-pthread", "-o", str(out), str(source), "-lm"]
            subprocess.run(words, check=True)
        return out

    def arguments(self, program: Program, side: str) -> list[list[str]]:
        names = {"work": str(self.work / "data"), "sources": str(SOURCES), "side": side}
        return [[arg.format(**names) for arg in args] for args in (program.args, *program.also)]

    def ours(self, program: Program, cache: Path | None = None) -> list[Command]:
        """elfuse-vm with a spec of its own for each argument list."""
        if program.tree:
            root, path = self.arm64, f"/{program.tree}"
        else:
            root, path = self.work / "root", f"/bin/{self.compiled_for_guest(program).name}"
        env = {**os.environ, **self.engine_env, "ELFUSE_CACHE_DIR": str(cache or self.warm_cache)}
        commands = []
        for args in self.arguments(program, "elfuse"):
            spec = self.spec(root, [path, *args])
            commands.append(Command((self.vm, "--spec", str(spec)), env))
        return commands

    def compiled_for_guest(self, program: Program) -> Path:
        return self.compiled(program, "aarch64-linux-gnu-gcc", "root/bin")

    def spec(self, root: Path, argv: list[str]) -> Path:
        binds = [
            {"type": "bind", "source": str(path), "target": str(path), "read_only": read_only}
            for path, read_only in ((self.work / "data", False), (SOURCES, True))
        ]
        spec = {
            "version": 1,
            "root": {"type": "plain", "path": str(root)},
            "mounts": [{"type": "proc", "target": "/proc"}, {"type": "dev", "target": "/dev"}, *binds],
            "argv": argv,
            "env": [f"{name}={value}" for name, value in GUEST_ENV.items()],
            "cwd": "/",
            "user": {"uid": 0, "gid": 0, "groups": []},
            "hostname": "elfuse",
        }
        text = json.dumps(spec)
        path = self.work / "specs" / f"{abs(hash(text)):x}.json"
        path.write_text(text)
        return path

    def qemu(self, program: Program) -> list[Command]:
        words = [QEMU, *(["-cpu", self.qemu_cpu] if self.qemu_cpu else [])]
        if program.tree:
            words += ["-L", str(self.arm64), str(self.arm64 / program.tree)]
        else:
            words.append(str(self.compiled_for_guest(program)))
        return [Command((*words, *args), GUEST_ENV) for args in self.arguments(program, "qemu")]

    def native(self, program: Program) -> list[Command] | None:
        if not program.tree:
            words = [str(self.compiled(program, "cc", "host"))]
        elif self.host:
            words = host_words(self.host, program.tree)
        else:
            return None
        return [Command((*words, *args), GUEST_ENV) for args in self.arguments(program, "native")]

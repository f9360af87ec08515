"""Who may include and import whom: DESIGN's "must never" column, read off the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"][^>"]+[>"])', re.M)
WHICH_OS = re.compile(
    r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\b(__linux__|__APPLE__|__MACH__|__unix__)\b", re.M
)

# Headers that any C implementation has, and that reach no host.
FREESTANDING = [
    f"<{name}.h>"
    for name in [
        "stdbool",
        "stddef",
        "stdint",
        "stdarg",
        "stdatomic",
        "stdio",
        "stdlib",
        "string",
        "inttypes",
        "limits",
        "float",
        "math",
        "stdnoreturn",
    ]
]


@dataclass(frozen=True)
class Room:
    """A folder, and all that its files may include. Patterns; the first room that holds a file counts."""

    where: str
    may: list[str] = field(default_factory=list)
    system: list[str] = field(default_factory=lambda: FREESTANDING)


VCPU = ['"vcpu/vcpu.h"', '"vcpu/a64/*"', '"a64_gen.h"']
# The kernel's: guest constants, the host through its port, the engine through its one interface.
KERNEL = ['"linux/*"', '"syscalls_gen.h"', '"vcpu/vcpu.h"', '"elf/*"', '"vdso/*"']

ROOMS = [
    Room("csrc/vcpu/vcpu.h"),
    Room("csrc/vcpu/a64/*", VCPU),
    # An engine is made of its host's CPU and threads, but of no file and no system call.
    Room(
        "csrc/vcpu/interp/*",
        [*VCPU, '"vcpu/interp/*"'],
        [*FREESTANDING, "<immintrin.h>", "<pthread.h>", "<setjmp.h>", "<signal.h>", "<ucontext.h>"],
    ),
    Room("csrc/vcpu/jit/*", [*VCPU, '"vcpu/interp/*"', '"vcpu/jit/*"', '"jit_version.h"'], ["<*>"]),
    Room("csrc/vcpu/engine_name.c", ['"vcpu/vcpu.h"']),
    Room("csrc/vcpu/engine.c", [*VCPU, '"vcpu/interp/interp_core.h"', '"vcpu/jit/jit.h"']),
    Room("csrc/vcpu/fake/*", ['"vcpu/vcpu.h"', '"vcpu/fake/*"'], [*FREESTANDING, "<pthread.h>"]),
    Room("csrc/linux/abi/*", ['"linux/abi/*"'], FREESTANDING),
    # The crash report shows the instruction: the table of the instruction set is pure data.
    Room("csrc/linux/trace/crash.c", [*KERNEL, '"host/*.h"', '"vcpu/a64/a64.h"']),
    Room("csrc/linux/*", [*KERNEL, '"host/*.h"']),
    # Wire structs both ways; uaccess and current, because faults and signals arrive here.
    Room(
        "csrc/host/linux/*",
        ['"host/*"', '"linux/abi/*"', '"linux/kernel.h"', '"linux/mm/uaccess.h"'],
        ["<*>"],
    ),
    Room("csrc/host/*", ['"host/*.h"', '"linux/abi/*"', '"linux/kernel.h"']),
    Room("csrc/vdso/*", ['"vdso/*"', '"elf/elf64.h"']),
    Room("csrc/elf/*", ['"elf/*"', '"linux/*"', '"host/*.h"', '"vcpu/vcpu.h"', '"vdso/vdso.h"']),
    Room("csrc/layer/*", ['"layer/*"'], ["<*>"]),
    # A program of its own, outside libelfuse: the host's C library and no more.
    Room("csrc/front/*", ['"front/*"'], ["<*>"]),
    Room("csrc/launch/*", [*KERNEL, '"host/*.h"', '"launch/*"'], [*FREESTANDING, "<json.h>"]),
]

# What no pattern above may let through.
NEVER = ["<Python.h>", '"host/linux/*"', '"host/darwin/*"']
PRIVATE_OF_HOST = "csrc/host/linux/"


def includes(text: str) -> list[str]:
    return INCLUDE.findall(text)


def violations(name: str, text: str) -> list[str]:
    room = next((room for room in ROOMS if fnmatchcase(name, room.where)), None)
    if room is None:
        return [f"{name} lies in no known room: say in {Path(__file__).name} what it may include"]
    found = []
    for header in includes(text):
        allowed = any(fnmatchcase(header, pattern) for pattern in room.may + room.system)
        never = any(fnmatchcase(header, pattern) for pattern in NEVER)
        if not allowed or (never and not (name.startswith(PRIVATE_OF_HOST) and header != "<Python.h>")):
            found.append(f"{name} includes {header}")
    if (match := WHICH_OS.search(text)) and not name.startswith("csrc/host/"):
        found.append(f"{name} asks for {match[1]}: only csrc/host may")
    return found


def test_includes() -> None:
    files = [path for path in (TOP / "csrc").rglob("*.[ch]") if "build" not in path.parts]
    assert len(files) > 50
    found = [
        line for path in sorted(files) for line in violations(str(path.relative_to(TOP)), path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("csrc/vcpu/interp/x.c", '#include "linux/kernel.h"'),
        ("csrc/vcpu/interp/x.c", "#include <fcntl.h>"),
        ("csrc/vcpu/interp/x.c", '#include "vcpu/jit/jit.h"'),
        ("csrc/linux/fs/x.c", "# include <sys/stat.h>"),
        ("csrc/linux/fs/x.c", '#include "vcpu/interp/interp.h"'),
        ("csrc/linux/fs/x.c", '#include "host/linux/flags.h"'),
        ("csrc/linux/abi/x.h", '#include "host/file.h"'),
        ("csrc/vdso/x.c", "#include <unistd.h>"),
        ("csrc/layer/x.c", "#include <Python.h>"),
        ("csrc/layer/x.c", '#include "linux/kernel.h"'),
        ("csrc/launch/x.c", "#include <fcntl.h>"),
        ("csrc/front/x.c", '#include "layer/layer.h"'),
        ("csrc/host/linux/x.c", "#include <Python.h>"),
        ("csrc/host/linux/x.c", '#include "linux/fs/fs.h"'),
        ("csrc/linux/time/x.c", "#ifdef __linux__"),
        ("csrc/layer/x.c", "#if defined(__APPLE__)"),
        ("csrc/somewhere/x.c", ""),
    ],
)
def test_includes_are_really_checked(name: str, text: str) -> None:
    assert violations(name, text)


# Modules by prefix, and what they may never import, by prefix: cli -> runtime, oci -> _core.
PYTHON_NEVER = {
    "elfuse._core": ["elfuse.oci", "elfuse.runtime", "elfuse.cli", "elfuse.api"],
    # Parse a tar, touch a guest.
    "elfuse.oci": [
        "tarfile",
        "zipfile",
        "gzip",
        "zlib",
        # Start programs: a helper that an image names, or that lies in it (moby CVE-2026-41567).
        "subprocess",
        "elfuse.runtime",
        "elfuse.cli",
        "elfuse.api",
        "click",
        "rich",
    ],
    # Talk HTTP.
    "elfuse.runtime": [
        "pycurl",
        "http",
        "urllib",
        "socket",
        "ssl",
        "elfuse.oci.http",
        "elfuse.oci.registry",
        "elfuse.oci.auth",
        "elfuse.cli",
        "click",
        "rich",
        "tarfile",
    ],
    "elfuse.api": ["elfuse.cli", "click", "rich", "pycurl", "tarfile"],
    # Hold logic that the API lacks.
    "elfuse.cli": [
        "pycurl",
        "tarfile",
        "elfuse._core",
        "elfuse.oci.registry",
        "elfuse.oci.http",
        "elfuse.oci.blobs",
    ],
}

# What one module may import against the rule of its folder, and why.
PYTHON_EXCEPT = {
    # The index of an image archive's members, which are read where they lie and never extracted, and the
    # headers of archives that elfuse writes. Layers stay with csrc/layer.
    "elfuse.oci.transport.archive": ["tarfile"],
}


# What a module may import all the same, and why.
PYTHON_MAY = {
    # docker-credential-NAME: named by the user's own files, found on the user's PATH, fed a registry's name.
    ("elfuse.oci.credential_helper", "subprocess"),
    # OpenPGP is not something to write again. gpgv gets the policy's keys and one signature, as files.
    ("elfuse.oci.policy.gpg", "subprocess"),
    # elfuse's own launcher, with a spec of its own over empty directories: does the host's overlayfs work?
    ("elfuse.oci.snapshot.overlay", "subprocess"),
}


def imported(source: str, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, base]).rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def inside(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def forbidden(module: str, package: str, source: str) -> list[str]:
    never = [name for prefix, names in PYTHON_NEVER.items() if inside(module, prefix) for name in names]
    never = [name for name in never if name not in PYTHON_EXCEPT.get(module, [])]
    return sorted(
        {
            f"{module} imports {name}"
            for name in imported(source, package)
            if any(inside(name, prefix) for prefix in never) and (module, name) not in PYTHON_MAY
        }
    )


def test_imports() -> None:
    files = sorted((TOP / "elfuse").rglob("*.py"))
    assert len(files) > 20
    found = []
    for path in files:
        parts = path.relative_to(TOP).with_suffix("").parts
        package = ".".join(parts[:-1])
        module = package if parts[-1] == "__init__" else ".".join(parts)
        found += forbidden(module, package, path.read_text())
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("elfuse.oci.pull", "import tarfile"),
        ("elfuse.oci.transport.docker", "import tarfile"),
        ("elfuse.oci.transport.archive", "import gzip"),
        ("elfuse.oci.pull", "def f():\n    from elfuse.runtime import prepare"),
        ("elfuse.oci.pull", "from ..runtime.prepare import prepare_run"),
        ("elfuse.oci.pull", "from elfuse import cli"),
        ("elfuse.oci.pull", "import subprocess"),
        ("elfuse.oci.credential_helper", "import tarfile"),
        ("elfuse.runtime.prepare", "import pycurl as c"),
        ("elfuse.runtime.prepare", "from elfuse.oci import http"),
        ("elfuse.runtime.prepare", "import http.client"),
        ("elfuse.cli.oci", "from elfuse import _core"),
    ],
)
def test_imports_are_really_checked(module: str, source: str) -> None:
    assert forbidden(module, module.rpartition(".")[0], source)


def test_the_package_never_starts_a_decompressor() -> None:
    """moby CVE-2026-41567: helpers named by an image, or found in it."""
    may = {TOP / f"{module.replace('.', '/')}.py" for module, name in PYTHON_MAY if name == "subprocess"}
    assert all(path.exists() for path in may)
    for path in set((TOP / "elfuse/oci").rglob("*.py")) - may:
        assert "subprocess" not in set(imported(path.read_text(), "")), path


def test_files_stay_small() -> None:
    """One idea a file; past this it is two (CONTRIBUTING)."""
    for pattern in ("csrc/**/*.[ch]", "elfuse/**/*.py*", "scripts/**/*", "tests/**/*.py", "tests/**/*.[ch]"):
        for path in TOP.glob(pattern):
            if path.suffix in (".c", ".h", ".py", ".pyi", ".pyx", ".sh"):
                assert len(path.read_text().splitlines()) <= 800, path

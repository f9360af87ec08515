"""The system call table: each served call is made by the test that its row names; the page is the table's."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "csrc/linux/syscalls.def"
FOLDERS = {"guest": ROOT / "tests/guest", "unit": ROOT / "tests/unit/c"}

# What libc makes of the calls that programs do not make by their own name. A test may as well use syscall().
WRAPPERS = {
    "clock_nanosleep": ["nanosleep", "usleep", "sleep"],
    "clone": ["pthread_create", "fork", "vfork"],
    "clone3": ["pthread_create"],
    "dup3": ["dup2"],
    "epoll_pwait": ["epoll_wait"],
    "eventfd2": ["eventfd"],
    "exit": ["pthread_exit"],
    "exit_group": ["exit", "_exit", "abort"],
    "faccessat": ["access"],
    "faccessat2": ["faccessat"],
    "fadvise64": ["posix_fadvise"],
    "fchmodat": ["chmod"],
    "fchownat": ["chown", "lchown"],
    "getdents64": ["readdir", "getdents"],
    "inotify_init1": ["inotify_init"],
    "linkat": ["link"],
    "mkdirat": ["mkdir"],
    "mknodat": ["mknod", "mkfifo"],
    "newfstatat": ["stat", "lstat", "fstatat"],
    "openat": ["open", "creat"],
    "pipe2": ["pipe"],
    "ppoll": ["poll"],
    "pread64": ["pread"],
    "prlimit64": ["prlimit"],
    "pselect6": ["pselect", "select"],
    "pwrite64": ["pwrite"],
    "readlinkat": ["readlink"],
    "renameat": ["rename"],
    "rt_sigaction": ["sigaction", "signal"],
    "rt_sigpending": ["sigpending"],
    "rt_sigprocmask": ["sigprocmask", "pthread_sigmask"],
    "rt_sigqueueinfo": ["sigqueue"],
    "rt_sigreturn": ["sigaction"],  # by returning from a handler
    "rt_sigsuspend": ["sigsuspend"],
    "rt_sigtimedwait": ["sigtimedwait", "sigwaitinfo", "sigwait"],
    "rt_tgsigqueueinfo": ["pthread_sigqueue"],
    "signalfd4": ["signalfd"],
    "symlinkat": ["symlink"],
    "tgkill": ["raise", "pthread_kill"],
    "umount2": ["umount"],
    "unlinkat": ["unlink", "rmdir"],
    "utimensat": ["futimens", "utimes"],
    "wait4": ["wait", "waitpid"],
}


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("syscalls_gen", TABLE.with_name("syscalls_gen.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


gen = generator()
ROWS = gen.parse(TABLE)


def code(path: Path) -> str:
    """A C file without comments and strings, which mention what they do not do."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(), flags=re.S)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def makes(text: str, row: gen.Row) -> bool:
    names = [row.name, *WRAPPERS.get(row.name, [])]
    by_name = rf"\b(SYS_|__NR_){row.name}\b"
    # The C library's headers do not name the newest calls; larger numbers stand for nothing else.
    by_number = rf"\b{row.number}\b" if row.number > 400 else rf"\bsyscall\(\s*{row.number}\b"
    return any(re.search(p, text) for p in [by_name, by_number, *(rf"\b{name}\(" for name in names)])


@pytest.mark.parametrize("row", [row for row in ROWS if row.served], ids=lambda row: row.name)
def test_served_call_is_made_by_its_test(row: gen.Row) -> None:
    folder, _, name = row.note.partition("/")
    path = FOLDERS[folder] / f"{name}.c"
    assert path.exists(), f"{row.name}: no {path}"
    assert makes(code(path), row), f"{path.name} does not make the call {row.name}"


def test_page_is_the_tables() -> None:
    command = "csrc/linux/syscalls_gen.py --docs docs/syscalls.md csrc/linux/syscalls.def"
    assert (ROOT / "docs/syscalls.md").read_text() == gen.docs(ROWS), f"run {command}"

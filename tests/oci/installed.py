"""The command as an installation has it: the native front, beside it the Python command that it becomes."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ".config/containers"


def install(directory: Path) -> Path:
    """`directory`/elfuse, of this checkout, as pip would put it there for this interpreter."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "elfuse/bin/elfuse", directory / "elfuse")
    whole = directory / "elfuse-python"
    whole.write_text(f"#!{sys.executable}\nfrom elfuse.cli.entry import main\n\nmain()\n")
    whole.chmod(0o755)
    return directory / "elfuse"


# Says which files a command opened and which variables it asked for. What it would become is not started.
WATCHED = """
import json, os, sys
opened, asked = set(), set()
def watch(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes):
        opened.add(os.path.abspath(os.fsdecode(arguments[0])))
sys.addaudithook(watch)
class Environment(type(os.environ)):
    def __getitem__(self, name):
        asked.add(name)
        return super().__getitem__(name)
    def __contains__(self, name):
        asked.add(name)
        return super().__contains__(name)
os.environ.__class__ = Environment
os.execve = lambda *arguments: sys.exit(0)
from elfuse.cli.main import main
try:
    main(sys.argv[2:])
finally:
    json.dump([sorted(opened), sorted(asked)], open(sys.argv[1], "w"))
"""
# Asked for by Python and libraries, or of no part in what a memo is for.
OTHERS = {"ANDROID_DATA", "ANDROID_ROOT", "COLUMNS", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"}
OTHERS |= {"LINES", "PATH", "TERM", "TMPDIR"}


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@dataclass
class Command:
    """The installed command of one user, who has a home, a store and a configuration."""

    place: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.program = install(self.place / "bin")
        whole = self.place / "bin/elfuse-python"
        shebang, _, rest = whole.read_text().partition("\n")
        whole.write_text(f"{shebang}\nopen({str(self._mark)!r}, 'w')\n{rest}")
        self.home = self.place / "home"
        (self.home / HOME / "registries.conf.d").mkdir(parents=True)
        (self.home / HOME / "registries.conf").write_text("# none\n")
        (self.home / ".config/elfuse").mkdir()
        (self.home / ".config/elfuse/config.toml").write_text("jobs = 3\n")
        policy = '{"default": [{"type": "insecureAcceptAnything"}]}'
        (self.home / HOME / "policy.json").write_text(policy)
        keep = ("PATH", "SSL_CERT_FILE", "LANG")
        self.environment = {
            **{name: os.environ[name] for name in keep if name in os.environ},
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            **self.environment,
        }

    @property
    def _mark(self) -> Path:
        return self.place / "python-ran"

    @property
    def store(self) -> Path:
        return self.home / ".local/share/elfuse/store"

    @property
    def memos(self) -> list[Path]:
        return sorted((self.home / ".cache/elfuse/memos").glob("*"))

    def run(self, *words: str, **env: str) -> Result:
        done = subprocess.run(
            [str(self.program), *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={**self.environment, **env},
            cwd=self.place,
            timeout=120,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def pull(self, ref: str, *words: str, **env: str) -> Result:
        return self.run("oci", "pull", "-q", "--tls-verify=false", *words, ref, **env)

    def by_python(self) -> bool:
        """Whether Python ran since the last call."""
        ran = self._mark.exists()
        self._mark.unlink(missing_ok=True)
        return ran

    def settle(self, call: Callable[[], Result]) -> Result:
        """Call until the front answers by itself, which it must soon."""
        for _ in range(4):
            time.sleep(0.1)
            self.by_python()
            done = call()
            assert done.code == 0, done.err
            if not self.by_python():
                return done
        raise AssertionError("Python is asked again and again")

    def watched(self, *words: str) -> tuple[set[str], set[str]]:
        """The files that the Python command opens, and the variables that it asks for."""
        seen = self.place / "seen"
        program = [sys.executable, "-c", WATCHED, str(seen), *words]
        done = subprocess.run(program, env=self.environment, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        opened, asked = json.loads(seen.read_text())
        return set(opened), set(asked)

    def forgotten(self, memo: Path, opened: set[str], asked: set[str]) -> set[str]:
        """What of that can change what a command does, and is not in the memo. (Other variables that begin
        with ELFUSE_ are Python's by their name.)"""
        document = json.loads(memo.read_text())
        known = {entry[0] for name in ("files", "blobs") for entry in document[name]}
        # The store's own, which is read under its locks or written; libraries' files.
        known |= {"/etc/localtime", f"{self.store}/blobs/sha256"}
        own = (f"{self.store}/tmp", f"{self.store}/locks/", f"{self.store}/runs", f"{self.store}/trash")
        mine = (f"{self.home}/", "/etc/")
        files = {path for path in opened - known if path.startswith(mine) and not path.startswith(own)}
        files = {path for path in files if not path.startswith(f"{self.home}/.cache/elfuse/memos")}
        variables = {name for name in asked - OTHERS if name.isupper()}
        variables = {name for name in variables if not name.startswith(("PYTHON", "_", "ELFUSE_"))}
        return files | (variables - {name for name, _ in document["environment"]})

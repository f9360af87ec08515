"""Debian packages of another architecture, through a private apt state: resolve, download, read.

Nothing on the machine changes, nothing of the foreign architecture runs, and no privilege is needed.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    arch: str
    sha256: str
    path: Path  # the downloaded .deb

    @property
    def lock_line(self) -> str:
        return f"{self.name} {self.version} {self.arch} {self.sha256}"


def mirror() -> str:
    """The Debian mirror that this machine uses."""
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian"]
    found = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()
    for uri in found:
        if "security" not in uri:
            return uri
    raise SystemExit("images: apt knows no Debian mirror: run apt-get update")


class Apt:
    """A private apt for one architecture, with an empty dpkg status: a resolver for whole closures."""

    def __init__(self, directory: Path, arch: str) -> None:
        self.dir = directory / f"apt-{SUITE}-{arch}"
        self.arch = arch
        for sub in ("state", "lists/partial", "archives/partial", "none/partial"):
            (self.dir / sub).mkdir(parents=True, exist_ok=True)
        (self.dir / "status").touch()
        (self.dir / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {SUITE} main\n")
        self.conf = self.dir / "apt.conf"
        self.conf.write_text(self._configuration())

    def _configuration(self) -> str:
        d = self.dir
        user = "root" if os.getuid() == 0 else ""
        return "\n".join(
            [
                f'APT::Architecture "{self.arch}";',
                f'APT::Architectures {{ "{self.arch}"; }};',
                f'APT::Sandbox::User "{user}";',
                'APT::Install-Recommends "false";',
                'Acquire::GzipIndexes "false";',
                'Acquire::Languages "none";',
                f'Dir::State "{d}/state"; Dir::State::Lists "{d}/lists"; Dir::State::status "{d}/status";',
                f'Dir::Cache "{d}"; Dir::Cache::Archives "{d}/archives";',
                f'Dir::Etc::sourcelist "{d}/sources.list"; Dir::Etc::sourceparts "/nonexistent";',
                'Dir::Etc::main "/nonexistent"; Dir::Etc::parts "/nonexistent";',
                'Dir::Etc::preferencesparts "/nonexistent"; Dir::Etc::preferences "/nonexistent";',
                "",
            ]
        )

    def _run(self, *args: str) -> str:
        env = os.environ | {"APT_CONFIG": str(self.conf), "LC_ALL": "C"}
        done = subprocess.run(["apt-get", *args], env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"images: apt-get {args[-1]} ({self.arch}) failed:\n{done.stderr or done.stdout}")
        return done.stdout

    def update(self) -> None:
        self._run("-qq", "update")

    def _stanzas(self) -> Iterable[dict[str, str]]:
        for index in sorted((self.dir / "lists").glob("*_Packages")):
            for text in index.read_text().split("\n\n"):
                fields = dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", text, re.M))
                if "Package" in fields:
                    yield fields

    def minbase(self) -> list[str]:
        """What debootstrap's and mmdebstrap's minbase holds: essential packages, apt, required ones."""
        names = {
            s["Package"]
            for s in self._stanzas()
            if s.get("Essential") == "yes" or s.get("Priority") == "required"
        }
        return sorted(names | {"apt", "debian-archive-keyring"})

    def fetch(self, names: Iterable[str]) -> list[Package]:
        """The packages and all that they depend on, downloaded and checked, by name."""
        wanted = sorted(names)
        # What is downloaded already is not listed, so ask with an empty archive folder.
        nothing = f"Dir::Cache::Archives={self.dir}/none"
        listing = self._run("-qq", "-o", nothing, "--print-uris", "-y", "install", *wanted)
        files = {re.split(r"\s+", line)[1] for line in listing.splitlines() if line.startswith("'")}
        self._run("-qq", "-y", "--download-only", "install", *wanted)
        found = [
            self._package(path)
            for path in sorted((self.dir / "archives").glob("*.deb"))
            if path.name in files or path.name.replace("%3a", ":") in files
        ]
        if len(found) != len(files):
            raise SystemExit(f"images: {len(files)} packages are needed, {len(found)} were downloaded")
        return sorted(found, key=lambda p: p.name)

    def _package(self, path: Path) -> Package:
        name, version, arch = path.name.removesuffix(".deb").rsplit("_", 2)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Package(name, version.replace("%3a", ":"), arch, digest, path)


def open_files(package: Package) -> tarfile.TarFile:
    """The package's file tree, as the tar archive that it holds."""
    done = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package.path)], capture_output=True)
    if done.returncode:
        raise SystemExit(f"images: {package.path.name}: {done.stderr.decode(errors='replace')}")
    return tarfile.open(fileobj=io.BytesIO(done.stdout))

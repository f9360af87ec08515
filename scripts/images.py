"""Make the fixture images from Debian's packages: `make images`.

Writes an OCI layout to .cache/images with the references `debian`, `python` and `busybox`, each an index with
an arm64 and an amd64 leaf, and a lock file of the packages used. Needs apt, dpkg-deb and zstd; runs nothing
of a foreign architecture; works as any user. The same package versions give the same digests.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import debs
import image_layout
from image_layout import Layer, Layout

ROOT = Path(__file__).resolve().parent.parent
ARCHES = ("arm64", "amd64")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APP_UID = 1000

# What Debian's slim images leave out too.
LEFT_OUT = re.compile(r"usr/share/(doc/(?!.*/copyright$)|man/|info/|locale/|lintian/|groff/)")

ENTRYPOINT = """#!/bin/sh
# Runs its arguments; an option is one for python3.
set -e
if [ "${1#-}" != "$1" ]; then
    set -- python3 "$@"
fi
exec "$@"
"""


def add_packages(layer: Layer, packages: Iterable[debs.Package]) -> None:
    for package in packages:
        with debs.open_files(package) as archive:
            for info in archive:
                name = info.name.removeprefix("./").rstrip("/")
                if LEFT_OUT.match(name) and not info.isdir():
                    continue
                stream = archive.extractfile(info) if info.isreg() else None
                if info.islnk():
                    info.linkname = info.linkname.removeprefix("./")
                layer.add(info, stream.read() if stream else b"")


def text_of(layer: Layer, path: str) -> str:
    return layer.entries[path].data.decode()


def settle_base(layer: Layer, arch: str) -> None:
    """What the base packages' maintainer scripts would have made."""
    layer.file("etc/passwd", text_of(layer, "usr/share/base-passwd/passwd.master"))
    layer.file("etc/group", text_of(layer, "usr/share/base-passwd/group.master"))
    layer.file("etc/shadow", "root:*:20309:0:99999:7:::\n", 0o640)
    layer.file("etc/nsswitch.conf", text_of(layer, "usr/share/libc-bin/nsswitch.conf"))
    layer.file("etc/hostname", "localhost\n")
    layer.file("etc/apt/sources.list.d/README", f"{debs.SUITE} {arch}\n")
    for link, target in (("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib")):
        if link not in layer.entries:
            layer.symlink(link, target)
    for link, target in (("usr/bin/sh", "dash"), ("usr/bin/awk", "mawk")):
        if link not in layer.entries:
            layer.symlink(link, target)


def base_layer(packages: list[debs.Package], arch: str) -> Layer:
    layer = Layer("base")
    add_packages(layer, packages)
    settle_base(layer, arch)
    return layer


def app_layer(base: Layer) -> Layer:
    layer = Layer("app")
    passwd, group = text_of(base, "etc/passwd"), text_of(base, "etc/group")
    layer.file("etc/passwd", passwd + f"app:x:{APP_UID}:{APP_UID}:app:/home/app:/bin/bash\n")
    layer.file("etc/group", group + f"app:x:{APP_UID}:\n")
    layer.directory("home/app", 0o755, APP_UID)
    layer.directory("app", 0o755, APP_UID)
    layer.file("app/README", "The working directory of the python fixture.\n", 0o644, APP_UID)
    layer.file("usr/local/bin/docker-entrypoint.sh", ENTRYPOINT, 0o755)
    return layer


class Fixtures:
    """Package sets, resolved once an architecture."""

    def __init__(self, cache: Path, out: Path) -> None:
        self.cache = cache
        self.layout = Layout(out)
        self.locked: set[str] = set()

    def packages(self, apt: debs.Apt, names: Iterable[str], less: Iterable[debs.Package] = ()) -> list[debs.Package]:
        have = {p.name for p in less}
        found = [p for p in apt.fetch(names) if p.name not in have]
        self.locked.update(p.lock_line for p in found)
        return found

    def build_arch(self, arch: str) -> dict[str, dict[str, Any]]:
        """The leaf of each reference for one architecture."""
        apt = debs.Apt(self.cache, arch)
        apt.update()
        minbase = apt.minbase()
        base = self.packages(apt, minbase)
        runtime = self.packages(apt, [*minbase, "python3"], base)
        tools = self.packages(apt, [*minbase, "python3", "perl", "sqlite3"], base + runtime)
        suite = self.packages(apt, [*minbase, "python3", "libpython3.13-testsuite"], base + runtime + tools)
        busybox = [p for p in self.packages(apt, ["busybox-static"]) if p.name == "busybox-static"]
        first = base_layer(base, arch)
        layers = [
            first,
            self._layer("python", runtime, "zstd"),
            self._layer("tools", tools),
            self._layer("testsuite", suite),
            app_layer(first),
        ]
        written = [self.layout.layer(layer) for layer in layers]
        return {
            "debian": self.layout.image(arch, written[:1], {"Env": [PATH], "Cmd": ["bash"]}),
            "python": self.layout.image(arch, written, self._python_config()),
            "busybox": self.layout.image(
                arch, [self.layout.layer(self._busybox(busybox))], {"Env": [PATH], "Cmd": ["sh"]}
            ),
        }

    def _layer(self, name: str, packages: list[debs.Package], compression: str = "gzip") -> Layer:
        layer = Layer(name, compression)
        add_packages(layer, packages)
        return layer

    def _python_config(self) -> dict[str, Any]:
        return {
            "Entrypoint": ["/usr/local/bin/docker-entrypoint.sh"],
            "Cmd": ["python3"],
            "Env": [PATH, "LANG=C.UTF-8", "PYTHON_VERSION=3.13"],
            "WorkingDir": "/app",
            "User": "app",
            "Labels": {"org.opencontainers.image.title": "python fixture"},
        }

    def _busybox(self, packages: list[debs.Package]) -> Layer:
        layer = Layer("busybox")
        add_packages(layer, packages)
        binary = next(e for n, e in sorted(layer.entries.items()) if n.endswith("bin/busybox"))
        layer = Layer("busybox", "none")
        info = tarfile.TarInfo("bin/busybox")
        info.mode, info.size = 0o755, len(binary.data)
        layer.add(info, binary.data)
        for applet in ("sh", "cat", "echo", "ls", "env", "id", "uname", "true", "false", "sleep", "stat", "pwd"):
            layer.symlink(f"bin/{applet}", "busybox")
        layer.directory("tmp", 0o1777)
        layer.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        layer.file("etc/group", "root:x:0:\n")
        layer.directory("root", 0o700)
        return layer

    def build(self) -> None:
        leaves = {arch: self.build_arch(arch) for arch in ARCHES}
        for name in ("debian", "python", "busybox"):
            self.layout.reference(name, [leaves[arch][name] for arch in ARCHES])
        (self.layout.dir / "lock").write_text("".join(line + "\n" for line in sorted(self.locked)))
        self.layout.finish()


def recipe_hash() -> str:
    """Changes when these scripts do, so that an old cache is made anew."""
    digest = hashlib.sha256()
    for source in (__file__, debs.__file__, image_layout.__file__):
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / ".cache" / "images")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache")
    parser.add_argument("--force", action="store_true", help="make them again, with today's packages")
    options = parser.parse_args()
    stamp = options.out / "recipe"
    if not options.force and stamp.is_file() and stamp.read_text() == recipe_hash():
        print(f"images: {options.out} is up to date")
        return 0
    staged = options.out.with_name(options.out.name + ".new")
    shutil.rmtree(staged, ignore_errors=True)
    Fixtures(options.cache, staged).build()
    (staged / "recipe").write_text(recipe_hash())
    shutil.rmtree(options.out, ignore_errors=True)
    staged.rename(options.out)
    size = sum(p.stat().st_size for p in (options.out / "blobs" / "sha256").iterdir())
    print(f"images: debian, python, busybox for {', '.join(ARCHES)}: {size / 1e6:.0f} MB in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

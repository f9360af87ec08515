"""Builds what pyproject.toml cannot say: libelfuse.a, the Cython modules over it, the elfuse-vm launcher, and
elfuse itself, the command's native front (csrc/front).

ELFUSE_BUILD_MODE=release|debug|asan chooses the C build (csrc/Makefile), ELFUSE_BUILD_DIR where it goes.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Command, Extension, setup
from setuptools.command.build_ext import build_ext

TOP = Path(__file__).resolve().parent
MODE = os.environ.get("ELFUSE_BUILD_MODE", "release")
BUILD = Path(os.environ.get("ELFUSE_BUILD_DIR", TOP / "build" / MODE)).resolve()
SYSTEM_LIBRARIES = ["libzstd", "libisal", "libcrypto"]  # json-c is the launcher's alone


def pkg_config(option: str) -> list[str]:
    tool = os.environ.get("PKG_CONFIG", "pkg-config")
    return subprocess.run(
        [tool, option, *SYSTEM_LIBRARIES], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()


def extensions() -> list[Extension]:
    # Cython's own output is not ours to keep free of the stricter warnings; what it calls is.
    flags = [
        "-std=gnu11",
        "-Wall",
        "-Werror",
        "-Wno-unused-function",
        "-pthread",
        "-iquote",
        str(TOP / "csrc"),
    ]
    flags += ["-iquote", str(BUILD / "gen")]
    link = ["-pthread"]
    if MODE == "asan":
        flags += ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"]
        link += ["-fsanitize=address,undefined"]
    return [
        Extension(
            f"elfuse._core.{Path(source).stem}",
            sources=[source],
            extra_compile_args=flags + pkg_config("--cflags"),
            extra_objects=[str(BUILD / "libelfuse.a")],
            extra_link_args=link + pkg_config("--libs"),
        )
        for source in sorted(str(path.relative_to(TOP)) for path in TOP.glob("elfuse/_core/*.pyx"))
    ]


def modules() -> list[Extension]:
    made = cythonize(
        extensions(),
        build_dir=str(BUILD / "cython"),
        compiler_directives={"language_level": "3", "embedsignature": True, "binding": True},
    )
    for module in made:
        # Only now: cythonize would copy what a module depends on, before it is built.
        module.depends.append(str(BUILD / "libelfuse.a"))
    return made


def place(name: str, directory: Path) -> None:
    """What make has built. Renamed into place: a guest that runs the old program keeps it."""
    directory.mkdir(parents=True, exist_ok=True)
    staged = directory / f"{name}.new"
    shutil.copyfile(BUILD / name, staged)
    staged.chmod(0o755)
    staged.replace(directory / name)


class BuildNative(build_ext):
    """make first, then the extensions that link its archive, then the launcher beside them."""

    def run(self) -> None:
        jobs = os.environ.get("ELFUSE_BUILD_JOBS", str(os.cpu_count() or 1))
        subprocess.run(
            ["make", "-C", str(TOP / "csrc"), f"-j{jobs}", f"O={BUILD}", f"MODE={MODE}",
             f"PYTHON={sys.executable}", "all"],
            check=True,
        )  # fmt: skip
        super().run()
        # self.inplace: the editable install, which runs the package from the source tree.
        package = TOP / "elfuse" if self.inplace else Path(self.build_lib) / "elfuse"
        place("elfuse-vm", package / "bin")
        if self.inplace:
            place("elfuse", package / "bin")  # for scripts/setup-venv.sh and the tests

    def get_outputs(self) -> list[str]:
        return [*super().get_outputs(), str(Path(self.build_lib) / "elfuse" / "bin" / "elfuse-vm")]


class BuildFront(Command):
    """build_scripts for a program: setuptools' own looks for an interpreter's name in what it installs."""

    user_options = [("build-dir=", "d", "where to put it")]  # noqa: RUF012

    def initialize_options(self) -> None:
        self.build_dir: str | None = None

    def finalize_options(self) -> None:
        self.set_undefined_options("build", ("build_scripts", "build_dir"))

    def get_source_files(self) -> list[str]:
        return []  # MANIFEST.in has them

    def run(self) -> None:
        self.run_command("build_ext")
        place("elfuse", Path(str(self.build_dir)))


setup(
    ext_modules=modules(),
    scripts=["elfuse"],  # made by BuildFront
    cmdclass={"build_ext": BuildNative, "build_scripts": BuildFront},
)

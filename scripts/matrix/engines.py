"""A program of a fixture image under elfuse, under qemu-aarch64, or, from an amd64 image, as it is."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
CACHE = TOP / ".cache" / "matrix"
LAYOUTS = [TOP / ".cache" / "images", TOP / ".cache" / "images-apps"]
QEMU = "qemu-aarch64-static"
HERE = Path(__file__).resolve().parent
KEPT = 4 << 20  # bytes of a run's output; a program that goes wild says more


@dataclass(frozen=True)
class Job:
    """What to run. `binds` are host directories that the guest sees, read-only."""

    image: str
    argv: list[str]
    timeout: float
    env: dict[str, str] = field(default_factory=dict)
    user: tuple[int, int] = (0, 0)
    cwd: str = "/root"
    binds: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    status: int
    seconds: float
    output: str
    timeout: bool
    left: list[str]  # what the run left behind, and was then ended


def layout_of(image: str) -> Path:
    for layout in LAYOUTS:
        file = layout / "index.json"
        if file.exists() and f'"{image}"' in file.read_text():
            return layout
    raise SystemExit(f"no fixture image {image}: run `make images`, or `scripts/images.py --set apps`")


def manifest_of(image: str, architecture: str) -> dict[str, Any]:
    """The image's manifest, with its own digest and its config beside it."""
    layout = layout_of(image)

    def blob(digest: str) -> Any:
        return json.loads((layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes())

    entries = json.loads((layout / "index.json").read_text())["manifests"]
    entry = next(e for e in entries if e["annotations"]["org.opencontainers.image.ref.name"] == image)
    leaves = blob(entry["digest"])["manifests"]
    leaf = next(leaf for leaf in leaves if leaf["platform"]["architecture"] == architecture)
    manifest = blob(leaf["digest"])
    return {**manifest, "digest": leaf["digest"], "image": blob(manifest["config"]["digest"])}


def unpacked(image: str, architecture: str) -> Path:
    """The image as tar unpacks it, with its owners if root asks. Kept by the image's digest."""
    manifest = manifest_of(image, architecture)
    tree = CACHE / "trees" / f"{image}-{architecture}-{manifest['digest'].removeprefix('sha256:')[:12]}"
    tree.parent.mkdir(parents=True, exist_ok=True)
    with (tree.parent / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if tree.exists():
            return tree
        partial = tree.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for layer in manifest["layers"]:
            blob = layout_of(image) / "blobs/sha256" / layer["digest"].removeprefix("sha256:")
            packer = "--zstd" if layer["mediaType"].endswith("zstd") else "--gzip"
            subprocess.run(
                ["tar", "-x", packer, "-p", "--numeric-owner", "-f", str(blob), "-C", str(partial)],
                check=True,
            )
        partial.rename(tree)
    return tree


def environment(job: Job, architecture: str) -> dict[str, str]:
    config = manifest_of(job.image, architecture)["image"]["config"]
    image = dict(word.split("=", 1) for word in config["Env"])
    return {**image, "HOME": "/root", "TERM": "dumb", **job.env}


def _leashed(command: list[str], job: Job, folder: Path, env: dict[str, str]) -> Outcome:
    """The command and all it starts, ended at the job's time limit; its output in one stream."""
    report = folder / "report.json"
    leash = [sys.executable, str(HERE / "leash.py"), str(job.timeout), str(report), *command]
    with (folder / "output").open("w+b") as out:
        began = time.monotonic()
        process = subprocess.Popen(leash, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd="/")
        try:
            status = process.wait()
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
        seconds = time.monotonic() - began
        size = out.tell()
        output = os.pread(out.fileno(), KEPT, max(0, size - KEPT)).decode(errors="replace")
    told = json.loads(report.read_text())
    return Outcome(status, seconds, output, told["timeout"], told["left"])


class Elfuse:
    """Through `elfuse oci run`, as a user does it."""

    name = "elfuse"

    def __init__(self, store: Path = CACHE / "store") -> None:
        self.env = {**os.environ, "ELFUSE_STORE": str(store), "PYTHONPATH": str(TOP)}
        self.command = [sys.executable, "-m", "elfuse", "oci"]

    def reference(self, image: str) -> str:
        return f"oci:{layout_of(image)}:{image}"

    def prepare(self, image: str) -> None:
        """Into the store, and unpacked, so that no run's time has it."""
        subprocess.run(
            [*self.command, "pull", "-q", self.reference(image)],
            env=self.env,
            check=True,
            capture_output=True,
        )
        subprocess.run(
            [*self.command, "run", "--entrypoint", "", self.reference(image), "true"],
            env=self.env, check=False, capture_output=True,
        )  # fmt: skip

    def run(self, job: Job) -> Outcome:
        options = ["-q", "--pull", "never", "--entrypoint", "", "--hostname", "guest"]
        options += ["-u", f"{job.user[0]}:{job.user[1]}", "-w", job.cwd]
        for key, value in environment(job, "arm64").items():
            options += ["-e", f"{key}={value}"]
        for source, target in job.binds.items():
            options += ["-v", f"{source}:{target}:ro"]
        command = [*self.command, "run", *options, self.reference(job.image), *job.argv]
        with tempfile.TemporaryDirectory(prefix="elfuse-matrix-") as name:
            return _leashed(command, job, Path(name), self.env)


class Namespace:
    """In a root of its own: arm64 programs by qemu-aarch64, or this machine's own."""

    def __init__(self, name: str, architecture: str, interpreter: str) -> None:
        self.name, self.architecture, self.interpreter = name, architecture, interpreter
        # By default it authenticates pointers as QARMA has it, in software: programs of Debian's, which sign
        # every return address, take two to four times as long. Programs cannot tell.
        self.extra = {"QEMU_CPU": "max,pauth-impdef=on"} if interpreter else {}

    def prepare(self, image: str) -> None:
        unpacked(image, self.architecture)

    def run(self, job: Job) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="elfuse-matrix-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            folder.chmod(0o755)
            for part in ("upper", "work", "root"):
                (folder / part).mkdir()
            env = environment(job, self.architecture) | self.extra
            spec = {
                "tree": str(unpacked(job.image, self.architecture)),
                **{part: str(folder / part) for part in ("upper", "work", "root")},
                "interpreter": self.interpreter,
                "hostname": "guest",
                "argv": job.argv,
                "env": [f"{key}={value}" for key, value in env.items()],
                "cwd": job.cwd,
                "uid": job.user[0],
                "gid": job.user[1],
                "binds": job.binds,
            }
            command = [sys.executable, str(HERE / "namespace.py"), json.dumps(spec)]
            return _leashed(command, job, folder, dict(os.environ))


def qemu() -> Namespace:
    path = shutil.which(QEMU)
    if path is None:
        raise SystemExit(f"no {QEMU}: run scripts/ensure-packages.sh test")
    return Namespace("qemu-aarch64", "arm64", path)


def native() -> Namespace:
    return Namespace("native", "amd64", "")


Engine = Elfuse | Namespace


def version(engine: Engine) -> str:
    """What tells results of an engine apart from those of another build of it."""
    if isinstance(engine, Elfuse):
        return hashlib.sha256((TOP / "elfuse/bin/elfuse-vm").read_bytes()).hexdigest()[:12]
    text = qemu_version().removeprefix("qemu-aarch64 version ") if engine.interpreter else "0"
    return re.sub(r"\W+", "-", text)[:24].strip("-")


def qemu_version() -> str:
    done = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[0]

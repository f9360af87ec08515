"""File systems of our own: images, mounted through a loop device."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 512 << 20  # of the image, which is sparse; the least that mkfs.xfs takes is 300 MiB


def why_not(kind: str) -> str | None:
    """Why there can be none of this kind here."""
    if os.geteuid() != 0:
        return "only root mounts file systems"
    if shutil.which(f"mkfs.{kind}") is None:
        return f"mkfs.{kind} is not installed"
    return None


@contextmanager
def mounted(kind: str) -> Iterator[Path]:
    """A fresh one. What uses it must be gone at the end."""
    with tempfile.TemporaryDirectory(prefix=f"elfuse-{kind}-") as directory:
        image, top = Path(directory, "image"), Path(directory, "top")
        top.mkdir()
        with image.open("wb") as file:
            file.truncate(SIZE)
        subprocess.run([f"mkfs.{kind}", "-q", str(image)], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(top)], check=True)
        try:
            yield top
        finally:
            subprocess.run(["umount", str(top)], check=True)

"""The command as an installation has it: the native front, beside it the Python command that it becomes."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def install(directory: Path) -> Path:
    """`directory`/elfuse, of this checkout, as pip would put it there for this interpreter."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "elfuse/bin/elfuse", directory / "elfuse")
    whole = directory / "elfuse-python"
    whole.write_text(f"#!{sys.executable}\nfrom elfuse.cli.entry import main\n\nmain()\n")
    whole.chmod(0o755)
    return directory / "elfuse"

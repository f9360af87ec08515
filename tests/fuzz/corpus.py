"""The inputs that fuzzing found to be worth keeping: corpus/TARGET.txt, an input a line, zlib in base64.

corpus.py pack TARGET DIR      keep what is in DIR; libFuzzer makes it small before:
                               -merge=1 -use_counters=0 -max_len=4096 DIR .cache/fuzz/TARGET
corpus.py unpack TARGET DIR    write them as files, for libFuzzer
"""

from __future__ import annotations

import base64
import sys
import zlib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "corpus"


def packed(folder: Path) -> str:
    """The text of a corpus file: sorted, so that it does not depend on names."""
    inputs = sorted({path.read_bytes() for path in folder.iterdir()}, key=lambda data: (len(data), data))
    lines = [base64.b64encode(zlib.compress(data, 9)).decode() for data in inputs]
    return "".join(f"{line}\n" for line in lines)


def unpack(target: str, folder: Path) -> list[Path]:
    made = []
    for number, line in enumerate(FOLDER.joinpath(f"{target}.txt").read_text().splitlines()):
        path = folder / f"kept-{number:04}"
        path.write_bytes(zlib.decompress(base64.b64decode(line)))
        made.append(path)
    return made


def main() -> None:
    what, target, folder = sys.argv[1:]
    if what == "pack":
        FOLDER.mkdir(exist_ok=True)
        FOLDER.joinpath(f"{target}.txt").write_text(packed(Path(folder)))
    elif FOLDER.joinpath(f"{target}.txt").exists():
        unpack(target, Path(folder))


if __name__ == "__main__":
    main()

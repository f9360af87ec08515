"""Plain text: what results look like in a pipe. Loads nothing, as some commands have no time for more."""

import os
from collections.abc import Iterable, Sequence

from elfuse.text import printable


def is_rich(at_terminal: bool) -> bool:
    """Whether to use colours and bars: ELFUSE_OCI_PROGRESS says so, else a terminal does."""
    chosen = os.environ.get("ELFUSE_OCI_PROGRESS", "")
    return chosen == "rich" or (at_terminal and chosen not in ("plain", "json"))


def human_size(size: int) -> str:
    """Decimal units, as docker, podman and rich print sizes."""
    if size < 1000:
        return f"{size} B"
    value, units = size / 1000, ["kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.1f} {units[0]}"


def table_text(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Columns under headers in capitals, as podman prints them; `right` are aligned to the right."""
    lines = [[column.upper() for column in columns], *rows]
    padded = []
    for number, cells in enumerate(zip(*lines, strict=True)):
        texts = [printable(cell) for cell in cells]
        width = max(map(len, texts))
        if columns[number] in right:
            padded.append([text.rjust(width) for text in texts])
        elif number == len(columns) - 1:
            padded.append(texts)
        else:
            padded.append([text.ljust(width) for text in texts])
    return "\n".join(["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)])


def fields_text(rows: Iterable[tuple[str, str]]) -> str:
    """`Name: value` lines."""
    listed = list(rows)
    width = max((len(name) for name, _ in listed), default=0) + 2
    return "\n".join(f"{name + ':':<{width}}{printable(value)}" for name, value in listed)

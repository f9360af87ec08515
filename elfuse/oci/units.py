"""Durations and sizes as people write them for a prune."""

import re

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_DURATION = re.compile(r"(?:\d+[smhdw])+|\d+")
_SIZE = re.compile(r"(\d+)([kmgt]?)(?:i?b)?", re.IGNORECASE)
# Beyond this nothing is meant, and the arithmetic of times would overflow.
_LIMIT = 1 << 62


def parse_duration(text: str) -> int:
    """Seconds: `90`, `90s`, `15m`, `12h`, `7d`, `2w`, or several, as Go writes them: `1h30m`. ValueError."""
    if not _DURATION.fullmatch(text) or not text.isascii():
        raise ValueError(f"invalid duration {text!r}: write it as 90s, 15m, 12h, 7d or 2w")
    total = sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhdw]?)", text))
    if total * 10**9 > _LIMIT:
        raise ValueError(f"invalid duration {text!r}: too long")
    return total


def parse_size(text: str) -> int:
    """Bytes: `1048576`, or with K, M, G or T, each 1024 of the one before, with or without B. ValueError."""
    match = _SIZE.fullmatch(text)
    if match is None or not text.isascii():
        raise ValueError(f"invalid byte size {text!r}: write it as 500M or 2G")
    total = int(match[1]) * _BYTES[match[2].lower()]
    if total > _LIMIT:
        raise ValueError(f"invalid byte size {text!r}: too large")
    return total

"""Durations and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfuse.oci.units import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("12h", 43200),
        ("7d", 604800),
        ("2w", 1209600),
        ("1h30m", 5400),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("10", 10),
        ("1K", 1024),
        ("1kB", 1024),
        ("2M", 2 << 20),
        ("2MiB", 2 << 20),
        ("3g", 3 << 30),
        ("5b", 5),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "5 s",
        " 5s",
        "5s ",
        "-5s",
        "+5s",
        "5x",
        "s",
        "1.5h",
        "0x10",
        "1e3",
        "5S",
        "9" * 40,
        "٣s",
        "5s\n",
        "1h30",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", " ", "-1", "+1", "1.5G", "1P", "G", "1 G", "1GB ", "1GBB", "0x10", "9" * 30, "9999999T", "٣"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="invalid byte size"):
        parse_size(text)


@given(st.text(max_size=12))
def test_any_text(text: str) -> None:
    for parse in (parse_duration, parse_size):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert "invalid" in str(error)

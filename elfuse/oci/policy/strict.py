"""A JSON document read without forgiveness: each value knows where it lies, so that an error can say so."""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from elfuse.oci.policy.refusal import Refused


class FormatError(Refused):
    """`path` is the place in the document, as in `$.default[0].keyPath`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class _Pairs(list[tuple[str, Any]]):
    """An object's members in their order; a dict would hide that a name is there twice."""


@dataclass(frozen=True, slots=True)
class Node:
    value: Any
    path: str = "$"

    def members(self, known: Collection[str] | None = None) -> dict[str, "Node"]:
        """The members of an object; with `known`, no others than those."""
        if not isinstance(self.value, _Pairs):
            raise self.wrong("an object is needed here")
        found: dict[str, Node] = {}
        for name, value in self.value:
            child = Node(value, f"{self.path}{_step(name)}")
            if name in found:
                raise child.wrong("this field appears twice")
            if known is not None and name not in known:
                raise child.wrong(f"unknown field (known here: {', '.join(known)})")
            found[name] = child
        return found

    def exactly(self, *names: str) -> dict[str, "Node"]:
        """The members of an object that has all of `names` and nothing else."""
        found = self.members(names)
        for name in names:
            if name not in found:
                raise self.wrong(f"the field {name!r} is missing")
        return found

    def elements(self, *, may_be_empty: bool = False) -> list["Node"]:
        """The elements of an array."""
        if not isinstance(self.value, list) or isinstance(self.value, _Pairs):
            raise self.wrong("an array is needed here")
        if not self.value and not may_be_empty:
            raise self.wrong("this array must not be empty")
        return [Node(value, f"{self.path}[{position}]") for position, value in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("a string is needed here")
        if any("\ud800" <= c <= "\udfff" for c in self.value):
            raise self.wrong("this string is no valid Unicode")
        return self.value

    def filled(self) -> str:
        """A string that is not empty."""
        if not self.text():
            raise self.wrong("this must not be empty")
        return self.text()

    def data(self) -> bytes:
        """Bytes, written as base64 (RFC 4648, section 4)."""
        text = self.filled().replace("\r", "").replace("\n", "")
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise self.wrong(f"this is not base64: {error}") from None

    def integer(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.wrong("an integer is needed here")
        return self.value

    def wrong(self, reason: str) -> FormatError:
        return FormatError(self.path, reason)


def parse(data: bytes, *, limit: int) -> Node:
    """The root of a JSON document of at most `limit` bytes. Raises FormatError."""
    root = Node(None)
    if len(data) > limit:
        raise root.wrong(f"the document is larger than {limit >> 10} KiB")
    try:
        return Node(json.loads(data.decode("utf-8"), object_pairs_hook=_Pairs, parse_constant=_refuse))
    except RecursionError:
        raise root.wrong("the document is nested too deeply") from None
    except ValueError as error:
        raise root.wrong(f"not valid JSON: {error}") from None


def plain(node: Node) -> Any:
    """The value as dicts and lists, with no name twice in any object. Raises FormatError."""
    try:
        return _plain(node)
    except RecursionError:
        raise node.wrong("this is nested too deeply") from None


def _plain(node: Node) -> Any:
    if isinstance(node.value, _Pairs):
        return {name: _plain(child) for name, child in node.members().items()}
    if isinstance(node.value, list):
        return [_plain(Node(value, f"{node.path}[{place}]")) for place, value in enumerate(node.value)]
    return node.value


def _step(name: str) -> str:
    return f".{name}" if name.isidentifier() else f"[{json.dumps(name)}]"


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")

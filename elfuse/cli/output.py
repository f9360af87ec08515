"""Results on standard output: a rich table at a terminal, plain columns elsewhere, or one JSON document.

What a command prints with --json is a msgspec struct with `schema_version`, listed in SCHEMAS, from which
docs/json/ is made; the version changes when a member's meaning does. Texts of strangers (names, labels,
messages of registries) must not drive a terminal: `printable` is applied to all that is not JSON.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from elfuse.cli.plain import fields_text, human_size, is_rich, table_text
from elfuse.text import printable

__all__ = ["Document", "Output", "Part", "human_size", "is_rich", "print_bytes", "print_json"]

# Command words -> the struct that --json prints.
SCHEMAS = {
    "oci pull": "elfuse.cli.pull:PullDocument",
    "oci inspect": "elfuse.cli.inspect:InspectDocument",
    "oci login": "elfuse.cli.login:LoginDocument",
    "oci logout": "elfuse.cli.login:LogoutDocument",
    "oci load": "elfuse.cli.archive:LoadDocument",
    "oci push": "elfuse.cli.push:PushDocument",
    "oci policy show": "elfuse.cli.policy:PolicyShowDocument",
    "oci policy check": "elfuse.cli.policy:PolicyCheckDocument",
    "oci policy explain": "elfuse.cli.policy:PolicyExplainDocument",
    "oci list": "elfuse.cli.list:ListDocument",
    "oci rm": "elfuse.cli.rm:RemoveDocument",
    "oci tag": "elfuse.cli.tag:TagDocument",
    "oci ps": "elfuse.cli.ps:RunsDocument",
    "oci prune": "elfuse.cli.prune:PruneDocument",
    "oci rebuild-cache": "elfuse.cli.rebuild_cache:RebuildDocument",
    "oci status": "elfuse.cli.status:StatusDocument",
    "oci verify": "elfuse.cli.verify:VerifyDocument",
    "oci doctor": "elfuse.cli.doctor:DoctorDocument",
    "cache status": "elfuse.cli.cache:CacheDocument",
    "doctor": "elfuse.cli.doctor:DoctorDocument",
}


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object inside a document."""


class Document(Part, frozen=True, kw_only=True):
    """Base of all documents."""

    schema_version: int = 1


class Output(msgspec.Struct, frozen=True):
    """What the user wants to see: the options -q, -v and --json of a command."""

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False

    def document(self, document: Document) -> None:
        """The result, as JSON with two spaces of indent and raw UTF-8."""
        text = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
        print_bytes(text)

    def say(self, line: str) -> None:
        """A line of the result; nothing with -q."""
        if not self.quiet:
            print(printable(line))

    def note(self, line: str) -> None:
        """A line on standard error about what is being done; nothing with -q."""
        if not self.quiet:
            print(printable(line), file=sys.stderr)

    def detail(self, line: str) -> None:
        """A line on standard error that only -v wants."""
        if self.verbose:
            print(printable(line), file=sys.stderr)

    def fields(self, rows: Iterable[tuple[str, str]]) -> None:
        """`Name: value` lines."""
        print(fields_text(rows))

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()
    ) -> None:
        """Columns under headers in capitals, as podman prints them; `right` are aligned to the right."""
        if is_rich(sys.stdout.isatty()):
            _rich_table(columns, [[printable(cell) for cell in row] for row in rows], right)
        else:
            print(table_text(columns, rows, right))


def print_bytes(data: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def print_json(document: Any) -> None:
    """A foreign document, such as an image's config, laid out to be read."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    print_bytes(text.encode("utf-8", "surrogateescape"))


def _rich_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper(), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: no markup is read in a stranger's words
    Console().print(table)

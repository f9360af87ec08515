#!/usr/bin/env python3
"""Writes what docs/ says of the commands from the commands themselves: docs/man/ (a page each) and docs/json/
(a JSON Schema for each document that --json prints). tests/unit/test_docs.py holds docs/ to it."""

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import msgspec

from elfuse.cli.main import cli
from elfuse.cli.output import SCHEMAS

DOCS = Path(__file__).resolve().parent.parent / "docs"
WIDTH = 100


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """The command and all below it, each with the context that its help is written in."""
    yield command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                settings = {**command.context_settings, **below.context_settings}
                inner = click.Context(
                    below, info_name=name, parent=context, max_content_width=WIDTH, terminal_width=WIDTH
                )
                inner.help_option_names = settings.get("help_option_names", context.help_option_names)
                yield from commands(below, inner)


def options_of(command: click.Command, context: click.Context) -> list[str]:
    lines = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and record[1]:
            lines += [f"**`{record[0].strip()}`**", f": {record[1].strip()}", ""]
    return lines


def page(command: click.Command, context: click.Context) -> str:
    name = context.command_path
    text, _, example = inspect.cleandoc(command.help or "").partition("\b\n")
    summary = " ".join(text.split("\n\n")[0].split())
    body = text.strip().split("\n\n")[1:]
    lines = [f"# {name.replace(' ', '-')}(1)", "", "## Name", "", f"{name} - {summary}", ""]
    usage = " ".join(command.collect_usage_pieces(context))
    lines += ["## Synopsis", "", f"    {name} {usage}".rstrip(), ""]
    if body:
        lines += ["## Description", ""]
        for paragraph in body:
            lines += [" ".join(paragraph.split()), ""]
    if isinstance(command, click.Group):
        lines += ["## Commands", ""]
        for child in command.list_commands(context):
            below = command.get_command(context, child)
            if below is not None and not below.hidden:
                link = f"{name} {child}".replace(" ", "-")
                lines.append(f"- [{child}]({link}.1.md): {below.get_short_help_str(WIDTH)}")
        lines.append("")
    lines += ["## Options", "", *options_of(command, context)]
    if example:
        words = inspect.cleandoc(example.partition("\n")[2]).splitlines()
        lines += ["## Example", "", *(f"    {line}" for line in words), ""]
    schema = name.removeprefix("elfuse ")
    if schema in SCHEMAS:
        lines += [f"The document of `--json`: [schema](../json/{schema.replace(' ', '-')}.json).", ""]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Path below docs/ -> text."""
    context = click.Context(
        cli, info_name="elfuse", max_content_width=WIDTH, terminal_width=WIDTH, color=False
    )
    context.help_option_names = ["-h", "--help"]
    found = {
        f"man/{inner.command_path.replace(' ', '-')}.1.md": page(command, inner)
        for command, inner in commands(cli, context)
    }
    for name, home in SCHEMAS.items():
        module, _, attribute = home.partition(":")
        schema = msgspec.json.schema(getattr(import_module(module), attribute))
        text = msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()
        found[f"json/{name.replace(' ', '-')}.json"] = text + "\n"
    return found


def main() -> int:
    wanted = pages()
    for folder in ("man", "json"):
        (DOCS / folder).mkdir(exist_ok=True)
        for path in (DOCS / folder).iterdir():
            if f"{folder}/{path.name}" not in wanted:
                path.unlink()
    for name, text in wanted.items():
        (DOCS / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A group whose commands are imported when they are named: `run` must not pay for the others."""

from importlib import import_module
from typing import NoReturn

import click

from elfuse.cli import words


class LazyGroup(click.Group):
    """`lazy` maps a command's name to `module:attribute`."""

    def __init__(self, *args: object, lazy: dict[str, str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        home = self._lazy.get(cmd_name)
        if home is None:
            return _help if cmd_name == "help" else None
        module, _, attribute = home.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        for parameter in command.params:
            if isinstance(parameter, click.Argument) and parameter.type is click.STRING:
                parameter.type = words.BY_NAME.get(parameter.name or "", parameter.type)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            _no_such_command(self, ctx, args[0])
        return super().resolve_command(ctx, args)


@click.command("help", hidden=True)
@click.argument("commands", nargs=-1)
@click.pass_context
def _help(ctx: click.Context, commands: tuple[str, ...]) -> None:
    """Show what a command does: `help pull` is `pull --help`."""
    context = ctx.parent or ctx
    for name in commands:
        group = context.command
        command = group.get_command(context, name) if isinstance(group, click.Group) else None
        if command is None:
            _no_such_command(group, context, name)
        context = click.Context(command, info_name=name, parent=context)
    click.echo(context.command.get_help(context))


def _no_such_command(group: click.Command, ctx: click.Context, name: str) -> NoReturn:
    from difflib import get_close_matches

    known = group.list_commands(ctx) if isinstance(group, click.Group) else []
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise click.UsageError(f"No such command {name!r}.{meant}", ctx)

"""A command whose help groups its options, and what stands behind `--`: the command line of somebody's own script."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

Decorator = Callable[[Any], Any]
#: The groups of the help, in its order.
MOST_USED, WHAT, HOW_OFTEN, WHERE = "Most used", "What", "How often", "Where"
OWN_FILES, IMAGES, SLURM = "Own files", "Images", "Slurm"
EARLIER, OUTPUT = "An earlier run", "Output"
GROUPS = (MOST_USED, WHAT, HOW_OFTEN, WHERE, OWN_FILES, IMAGES, SLURM, EARLIER, OUTPUT)
#: Where a context keeps what was typed of a command that takes FILE.
WORDS = "orchestrator.words"
#: Fewer options than these stand in one list; and the letters of the widest name beside its text.
FEW, WIDEST = 12, 28


class Option(click.Option):
    """An option of one of the GROUPS."""

    def __init__(self, *flags: Any, group: str = OUTPUT, **attributes: Any) -> None:
        super().__init__(*flags, **attributes)
        self.group = group


class Command(click.Command):
    """A command of ours. One that takes FILE hands what stands behind `--` to it, as the parameter `arguments`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not any(parameter.name == "files" for parameter in self.params):
            return super().parse_args(ctx, args)
        ctx.meta[WORDS] = args
        own = args.index("--") if "--" in args else len(args)
        words = tuple(args[own + 1 :])
        rest = super().parse_args(ctx, args[:own])
        ctx.params["arguments"] = words
        ctx.set_parameter_source("arguments", ParameterSource.COMMANDLINE if words else ParameterSource.DEFAULT)
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                groups.setdefault(getattr(parameter, "group", OUTPUT), []).append(record)
        records = [record for found in groups.values() for record in found]
        if len(records) < FEW:
            groups = {"Options": records}
        width = max((len(name) for name, _ in records if len(name) <= WIDEST), default=0)
        for title in (*GROUPS, *(groups.keys() - set(GROUPS))):
            if title in groups:
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(width), text) for name, text in groups[title]], col_max=WIDEST)


def command(name: str | None = None) -> Decorator:
    """`click.command` for ours."""
    return click.command(name, cls=Command)


def options(*decorators: Decorator) -> Decorator:
    """Several click decorators as one, in the order given."""
    return lambda command: functools.reduce(lambda f, decorate: decorate(f), reversed(decorators), command)


def option(group: str, *flags: str, **attributes: Any) -> Decorator:
    return click.option(*flags, cls=Option, group=group, **attributes)


def pattern(group: str, flag: str, name: str, text: str, metavar: str = "GLOB") -> Decorator:
    """An option that may be given several times, with shell patterns."""
    return option(group, flag, name, multiple=True, metavar=metavar, help=text)


def folder(group: str, flag: str, **attributes: Any) -> Decorator:
    kind = click.Path(exists=attributes.pop("exists", False), file_okay=False, path_type=Path)
    return option(group, flag, type=kind, metavar="FOLDER", **attributes)


class Group(click.Group):
    """A verb with verbs of its own."""

    command_class = Command

"""The console on standard error: progress, remarks and errors go there; standard output is for what was asked for."""

from __future__ import annotations

import click
from rich.console import Console

from orchestrator.text import printable

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(line: str, where: Console = console) -> None:
    """One line for the person who watches, or a few; nothing in it steers the terminal."""
    where.print(plain_lines(line), markup=False)


def tell(text: str) -> None:
    """What was asked for, on standard output; nothing in it steers the terminal."""
    click.echo(plain_lines(text))


def plain_lines(text: str) -> str:
    """`text` without what could steer the terminal; its lines stay."""
    return "\n".join(map(printable, text.split("\n")))

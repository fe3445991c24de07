"""The console on standard error: progress, remarks and errors go there; standard output is for what was asked for."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape

from orchestrator.errors import OrchestrateError
from orchestrator.text import message, plain_lines

console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(line: str, where: Console = console) -> None:
    """One message for the person who watches; nothing in it steers the terminal, or tells a secret."""
    where.print(message(line), markup=False)


def say_error(error: OrchestrateError) -> None:
    """What is wrong, and what to do next."""
    console.print(f"[bold red]ERROR[/] {escape(message(error.message))}")
    if error.hint:
        console.print(f"  -> {escape(message(error.hint))}")


def tell(line: str) -> None:
    """One line of what was asked for, on standard output."""
    click.echo(message(line))


def tell_coloured(line: str, word: str, colour: str | None) -> None:
    """The same, with the first `word` in it in a colour, where colours are wanted."""
    line = message(line)
    if colour and word and coloured():
        before, _, after = line.partition(word)
        click.echo(before + click.style(word, fg=colour) + after, color=True)
    else:
        click.echo(line)


def coloured() -> bool:
    """Whether standard output gets colours: a terminal, unless $NO_COLOR is set; another only by $FORCE_COLOR."""
    out = Console()
    return out.is_terminal and not out.no_color


def tell_document(text: str, err: bool = False) -> None:
    """Several lines of what was asked for, made by one who answers for their fields."""
    click.echo(plain_lines(text), err=err)

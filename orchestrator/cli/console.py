"""The console on standard error: progress, remarks and errors go there; standard output is for what was asked for."""

from __future__ import annotations

from rich.console import Console

console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """One line for the person who watches."""
    console.print(line, markup=False)

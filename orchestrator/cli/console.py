"""The console on standard error: progress, remarks and errors go there; standard output is for what was asked for."""

from __future__ import annotations

from rich.console import Console

from orchestrator.text import printable


class ErrorConsole(Console):
    """A console whose reader may go away: from then on it is silent, and everything else goes on."""

    def on_broken_pipe(self) -> None:
        """In place of rich's own, which ends this process and gives its standard output away."""
        self.quiet = True


console = ErrorConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(line: str, where: Console = console) -> None:
    """One line for the person who watches, or a few; nothing in it steers the terminal."""
    where.print(plain_lines(line), markup=False)


def plain_lines(text: str) -> str:
    """`text` without what could steer the terminal; its lines stay."""
    return "\n".join(map(printable, text.split("\n")))

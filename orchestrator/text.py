"""Text for people: printable characters only, suggestions for misspelt names, counts and durations in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def printable(text: str, limit: int | None = None) -> str:
    """`text` on one line, with a space for everything that could steer a terminal; at most `limit` characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:limit]


def one_line(text: str, limit: int = 300) -> str:
    """`text` on one line without what steers a terminal, with a mark where it was cut."""
    line = " ".join(printable(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def suggest(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """A hint for a name that is not known: the closest known one, else `otherwise` (default: all known names)."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if otherwise is None else otherwise


def plural(count: int, noun: str) -> str:
    """`1 epoch`, `4,096 samples`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def duration(seconds: float) -> str:
    """`42 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def silent(line: str) -> None:
    """Says nothing: for whoever must be given somebody to talk to."""

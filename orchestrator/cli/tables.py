"""Tables for a terminal of any width: a name, figures flush right, and words at the end."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

#: What a table may be as wide as where no terminal bounds it: a pipe gets whole lines.
UNBOUNDED = 10_000
#: Words need that much beside the figures, or go below them.
LEAST_WORDS = 24
GAP, INDENT = "  ", "  "


def width() -> int:
    """Columns of the terminal, or of $COLUMNS."""
    return shutil.get_terminal_size((UNBOUNDED, 24)).columns


def entries(rows: Sequence[Sequence[str]], columns: int) -> list[list[str]]:
    """The lines of each row, none longer than `columns`.

    The first field of a row is a name, the last one words, the others figures. Where a row does
    not fit, the name has a line of its own, and then the words, too. All rows are laid out alike.
    """
    figures = [max(len(row[i]) for row in rows) for i in range(1, len(rows[0]) - 1)] if rows else []
    name = max((len(row[0]) for row in rows), default=0)
    taken = sum(len(GAP) + size for size in figures)
    words = min(max((len(row[-1]) for row in rows), default=0), LEAST_WORDS)
    needed = taken + (len(GAP) + words if words else 0)
    if name + needed <= columns:
        return [_line(row[0].ljust(name), row, figures, columns) for row in rows]
    beside = len(INDENT) + needed <= columns
    return [[*_folded(row[0], columns), *_below(row, figures, columns, beside)] for row in rows]


def _line(start: str, row: Sequence[str], figures: Sequence[int], columns: int) -> list[str]:
    head = start + "".join(GAP + text.rjust(size) for text, size in zip(row[1:-1], figures, strict=True)) + GAP
    if not row[-1]:
        return [head.rstrip()]
    return textwrap.wrap(row[-1], columns, initial_indent=head, subsequent_indent=" " * len(head))


def _below(row: Sequence[str], figures: Sequence[int], columns: int, beside: bool) -> list[str]:
    if beside:
        return _line(INDENT, row, figures, columns)
    words = textwrap.wrap(row[-1], columns, initial_indent=2 * INDENT, subsequent_indent=2 * INDENT)
    return [*_line(INDENT, [*row[:-1], ""], figures, columns), *words]


def _folded(name: str, columns: int) -> list[str]:
    return textwrap.wrap(name, columns, subsequent_indent=INDENT) or [""]

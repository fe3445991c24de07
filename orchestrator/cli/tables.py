"""The tables of the command line, in one style, for a terminal of any width; a pipe gets whole lines.

A table that is too wide has its words wrapped. Where that is not enough, the name of each row has a line of its own
with the other columns below it, and at last each of these, too. No word breaks but one that is longer than half of the
terminal, such as a path.
"""

from __future__ import annotations

import math
import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from orchestrator.text import printable

#: What a table may be as wide as where no terminal bounds it: a pipe gets whole lines.
UNBOUNDED = 10_000
#: Words need that much beside the other columns, or go below them.
LEAST_WORDS = 24
#: No figure has more decimals.
MOST_DECIMALS = 6
#: The space between a number and its unit.
UNIT = re.compile(r"(?<=\d) (?=(?:%|s|min|h|MiB|GiB)(?!\w))")
GAP, INDENT, RULE = "  ", "  ", "─"


class Column(NamedTuple):
    """A head, and what stands below it: names in one piece, figures flush right, or words that may wrap."""

    head: str
    kind: Literal["name", "figure", "words"] = "name"


#: Text on one line, whatever is in it; or several lines of ours.
Field = str | Sequence[str]
Rows = Sequence[Sequence[str]]


def width() -> int:
    """Columns of the terminal, or of $COLUMNS."""
    return shutil.get_terminal_size((UNBOUNDED, 24)).columns


def figures(values: Iterable[float | None], absent: str = "") -> list[str]:
    """A column of numbers, all with one number of decimals: three digits of the middle one, two of the smallest."""
    numbers = list(values)
    sizes = sorted(abs(number) for number in numbers if number is not None and math.isfinite(number) and number)
    places = 0
    if sizes:
        places = min(_decimals(sizes[0], 3), max(_decimals(sizes[(len(sizes) - 1) // 2], 3), _decimals(sizes[0], 2)))
    return [absent if n is None or not math.isfinite(n) else f"{n:,.{places}f}" for n in numbers]


def _decimals(number: float, digits: int) -> int:
    """Decimals that show so many digits of a number; the exponent is that of what is shown: 9.996 reads 10.0."""
    exponent = int(f"{number:.{digits - 1}e}".partition("e")[2])
    return min(max(digits - 1 - exponent, 0), MOST_DECIMALS)


def table(columns: Sequence[Column], rows: Sequence[Sequence[Field]], limit: int | None = None) -> list[str]:
    """Head and rows as lines, none longer than `limit` (default: the terminal). Columns without any text are left out.

    The first column names its row. A field of several lines stays on as many.
    """
    return tables(columns, [rows], limit)[0]


def tables(
    columns: Sequence[Column], groups: Sequence[Sequence[Sequence[Field]]], limit: int | None = None
) -> list[list[str]]:
    """Several tables of the same columns, all laid out alike."""
    limit = limit or width()
    cleaned = [[[_clean(field) for field in row] for row in rows] for rows in groups]
    every = [row for rows in cleaned for row in rows]
    kept = [i for i in range(len(columns)) if i == 0 or any(row[i] for row in every)]
    chosen = [columns[i] for i in kept]
    shown = [[[row[i] for i in kept] for row in rows] for rows in cleaned]
    sizes = _sizes(chosen, [row for rows in shown for row in rows], limit - len(INDENT))
    if not sizes:
        return [_stacked(chosen, rows, limit) for rows in shown]
    rule = INDENT + RULE * (sum(sizes) + len(GAP) * (len(sizes) - 1))
    head = [*_lines(chosen, [column.head for column in chosen], sizes), rule]
    return [[*head, *_body(chosen, rows, sizes)] for rows in shown]


def _clean(field: Field) -> str:
    return printable(field) if isinstance(field, str) else "\n".join(map(printable, field))


def _sizes(columns: Sequence[Column], rows: Rows, room: int) -> list[int]:
    """How wide each column is; [] where they do not fit side by side."""
    fields = [max((len(part) for row in rows for part in row[i].split("\n")), default=0) for i in range(len(columns))]
    sizes = [max(len(column.head), size) for column, size in zip(columns, fields, strict=True)]
    over = sum(sizes) + len(GAP) * (len(sizes) - 1) - room
    if over > 0:  # heads of figures wrap first
        for i, column in enumerate(columns):
            if column.kind == "figure":
                least = max(fields[i], _longest_word([column.head]))
                sizes[i], over = least, over - (sizes[i] - least)
    for i, column in sorted(enumerate(columns), key=lambda each: -sizes[each[0]]):
        if over > 0 and column.kind == "words":
            least = max(LEAST_WORDS, min(_longest_word(row[i] for row in rows), room // 2))
            taken = max(0, min(over, sizes[i] - least))
            sizes[i], over = sizes[i] - taken, over - taken
    return sizes if over <= 0 else []


def _longest_word(fields: Iterable[str]) -> int:
    return max((len(word) for field in fields for word in field.split()), default=0)


def _body(columns: Sequence[Column], rows: Rows, sizes: Sequence[int]) -> list[str]:
    return [line for row in rows for line in _lines(columns, row, sizes)]


def _lines(columns: Sequence[Column], row: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """One row; a field that is longer than its column goes on below itself."""
    fields = [_wrapped(field, size) for field, size in zip(row, sizes, strict=True)]
    lines = []
    for number in range(max(map(len, fields))):
        parts = [field[number] if number < len(field) else "" for field in fields]
        sides = [part.rjust(size) if column.kind == "figure" else part.ljust(size)
                 for part, size, column in zip(parts, sizes, columns, strict=True)]  # fmt: skip
        lines.append((INDENT + GAP.join(sides)).rstrip())
    return lines


def _wrapped(field: str, size: int) -> list[str]:
    return [part for line in field.split("\n") for part in _wrap(line, max(size, 1)) or [""]]


def _stacked(columns: Sequence[Column], rows: Rows, limit: int) -> list[str]:
    """The name of each row on a line of its own, and the others below it: side by side if they fit, else each alone."""
    others = columns[1:]
    below = [row[1:] for row in rows]
    sizes = _sizes(others, below, limit - 2 * len(INDENT)) if others else []
    found: list[str] = []
    if sizes:
        found += [INDENT + line for line in _lines(others, [column.head for column in others], sizes)]
    for name, *fields in rows:
        found += [INDENT + part for part in _wrap(name, limit - len(INDENT)) or [""]]
        if sizes:
            found += [INDENT + line for line in _lines(others, fields, sizes)]
        else:
            found += [line for column, field in zip(others, fields, strict=True) if field
                      for line in _alone(column.head, field, limit)]  # fmt: skip
    return found


def _alone(head: str, field: str, limit: int) -> list[str]:
    """`    size: 991 MB`"""
    text = " ".join(filter(None, [f"{head}:" if head else "", " ".join(field.split())]))
    indent = INDENT * 2
    return _wrap(text, limit, indent, indent + INDENT)


def paragraph(text: str, limit: int | None = None, indent: str = "") -> list[str]:
    """A sentence of ours in lines that fit."""
    return _wrap(printable(text), limit or width(), indent, indent)


def _wrap(text: str, limit: int, first: str = "", others: str = "") -> list[str]:
    """Lines that fit; no number is parted from its unit, and no path or option at a hyphen."""
    kept = UNIT.sub("\u00a0", text)
    lines = textwrap.wrap(kept, limit, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]

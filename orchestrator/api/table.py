"""Rows as a list of dictionaries for people, and as an Arrow stream for every library of data frames."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import overload

from orchestrator.model import Row
from orchestrator.results.export import arrow_stream
from orchestrator.text import one_line, public

#: Rows and letters of a cell that a notebook shows of a table.
MOST_SHOWN, MOST_LETTERS = 20, 120
PYTHON = {"BIGINT": int, "DOUBLE": float, "BOOLEAN": bool}


class Table:
    """Rows of results in order, each a dictionary with every column.

    A list to read (`len`, iteration, indices, slices), and a data frame by the Arrow PyCapsule interface:
    `polars.DataFrame(table)`, `pandas.DataFrame.from_arrow(table)`, `pyarrow.table(table)`, and `from table` in DuckDB.
    Its columns have their types there also where every value is missing. `columns`: the type of each column's values,
    which may also be None; a column of lists and objects (`calls`, `arrays`) is text in a data frame.
    """

    def __init__(self, rows: Sequence[Row], kinds: Mapping[str, str]) -> None:
        self._rows = rows
        self._kinds = dict(kinds)

    @property
    def columns(self) -> dict[str, type]:
        return {name: PYTHON.get(kind, str) for name, kind in self._kinds.items()}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return (self._told(row) for row in self._rows)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Table: ...
    def __getitem__(self, place: int | slice) -> Row | Table:
        return Table(self._rows[place], self._kinds) if isinstance(place, slice) else self._told(self._rows[place])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """For libraries of data frames. Raises extras.Lacking where DuckDB, which makes the stream, is not there."""
        return arrow_stream(self._rows, self._kinds, requested_schema)

    def __repr__(self) -> str:
        return f"<{len(self)} rows of {len(self._kinds)} columns>"

    def _repr_html_(self) -> str:
        shown = list(self[:MOST_SHOWN])
        known = [name for name in self._kinds if any(row[name] is not None for row in shown)]
        more = f"<p>{len(self):,} rows, of which {len(shown)} are shown</p>" if len(self) > len(shown) else ""
        return as_html(known, ([row[name] for name in known] for row in shown)) + more

    def _told(self, row: Row) -> Row:
        return {name: row.get(name) for name in self._kinds}


def as_html(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table for a notebook. What stands in it is text of strangers: none of it is markup."""
    titles = "".join(f"<th>{escaped(name)}</th>" for name in head)
    lines = ("".join(f"<td>{escaped(value)}</td>" for value in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def escaped(value: object, most: int = MOST_LETTERS) -> str:
    """A value as inert HTML on one line, without secrets, at most so many letters of it; "" for None."""
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return html.escape(one_line(public(text[: 2**16]), most))

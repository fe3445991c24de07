"""Writes tables as files: CSV, and Parquet with typed columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path

import msgspec

from orchestrator import doors
from orchestrator.files import write_atomic
from orchestrator.model import Row
from orchestrator.results import named_files

#: What the text of a cell begins with for which spreadsheets calculate, or run, something.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(rows: Sequence[Row], columns: Mapping[str, str]) -> bytes:
    """The rows as CSV with a header; every row needs every column, and there are two columns or more.

    Text that a spreadsheet would take for a formula begins with an apostrophe; numbers are as they are.
    """
    text, taken = io.StringIO(), itemgetter(*columns)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_inert(value) if isinstance(value, str) else value for value in taken(row)] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _inert(text: str) -> str:
    """The text of a cell that is only text. A lone carriage return would end its row: the writer quotes none."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(FORMULA) else text


def write_parquet(rows: Sequence[Row], columns: Mapping[str, str], path: Path) -> None:
    """Write the rows as Parquet, whose columns have their type also where every value is None."""
    source = path.with_name(doors.temporary(path.name))
    write_atomic(source, b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    try:
        with (
            named_files.opened([source]) as names,
            named_files.written(path) as target,
            named_files.connect() as database,
        ):
            named_files.read_lines(database, names[0], dict(columns)).write_parquet(target)
    finally:
        doors.remove(source)

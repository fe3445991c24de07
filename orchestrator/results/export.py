"""Writes tables as files: CSV, and Parquet with typed columns; and gives them as an Arrow stream."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from orchestrator import doors
from orchestrator.files import write_atomic
from orchestrator.model import Row
from orchestrator.results import named_files
from orchestrator.text import cell


def to_csv(rows: Sequence[Row], columns: Mapping[str, str]) -> bytes:
    """The rows as CSV with a header; every row needs every column, and there are two columns or more.

    Text that a spreadsheet would take for a formula begins with an apostrophe; numbers are as they are.
    """
    text, taken = io.StringIO(), itemgetter(*columns)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) if isinstance(value, str) else value for value in taken(row)] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def write_parquet(rows: Sequence[Row], columns: Mapping[str, str], path: Path) -> None:
    """Write the rows as Parquet, whose columns have their type also where every value is None."""
    source = path.with_name(doors.temporary(path.name))
    write_atomic(source, _lines(rows))
    try:
        with (
            named_files.opened([source]) as names,
            named_files.written(path) as target,
            named_files.connect() as database,
        ):
            named_files.read_lines(database, names[0], dict(columns)).write_parquet(target)
    finally:
        doors.remove(source)


def arrow_stream(rows: Sequence[Row], columns: Mapping[str, str], requested_schema: Any = None) -> Any:
    """The rows as a capsule of the Arrow C stream interface, with the same types as in Parquet. Raises Lacking.

    The capsule holds them: nothing else must be kept, and nothing is left on the disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "rows.jsonl")
        write_atomic(source, _lines(rows))
        with named_files.opened([source]) as names:
            database = named_files.connect()
            named_files.read_lines(database, names[0], dict(columns)).create("rows")
    return database.table("rows").__arrow_c_stream__(requested_schema)


def _lines(rows: Sequence[Row]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)

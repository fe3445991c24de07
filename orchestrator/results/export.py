"""Writes tables as files: JSON, CSV, and Parquet with typed columns; and gives them as an Arrow stream.

Rows are taken a few at a time.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import msgspec

from orchestrator import doors
from orchestrator.files import disk_errors, replacing, write_atomic
from orchestrator.model import Row, to_json
from orchestrator.results import named_files
from orchestrator.results.own_figures import for_programs
from orchestrator.text import cell

#: Rows that are taken at a time, and those that the database holds of a table that it writes.
PIECE, GROUP = 500, 10_000
#: What the document of all rows begins and ends with.
_HEAD, _TAIL = b'{\n "results": [\n', b"\n ]\n}\n"


def to_csv(rows: Iterable[Row], columns: Mapping[str, str], header: bool = True) -> bytes:
    """The rows as CSV with a header; every row needs every column, and there are two columns or more.

    Text that a spreadsheet would take for a formula begins with an apostrophe; numbers are as they are.
    """
    text, taken = io.StringIO(), itemgetter(*columns)
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(columns)
    writer.writerows([cell(value) if isinstance(value, str) else value for value in taken(row)] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def write_parquet(rows: Iterable[Row], columns: Mapping[str, str], path: Path) -> None:
    """Write the rows as Parquet, whose columns have their type also where every value is None."""
    lines = path.with_name(doors.temporary(path.name))
    try:
        with disk_errors(path), replacing(lines, place="results") as stream:
            for some in pieces(rows):
                stream.write(_lines(some))
        lines_to_parquet(lines, columns, path)
    finally:
        doors.remove(lines)


def lines_to_parquet(lines: Path, columns: Mapping[str, str], path: Path) -> None:
    """Write a file of JSON lines, a row each, as Parquet."""
    with (
        named_files.opened([lines]) as names,
        named_files.written(path) as target,
        named_files.connect() as database,
    ):
        database.execute("set threads = 1")  # each takes a hundred megabytes, and two are no faster
        named_files.read_lines(database, names[0], dict(columns)).write_parquet(target, row_group_size=GROUP)


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


def write_results(rows: Iterable[Row], columns: Mapping[str, str], folder: Path) -> None:
    """Write results.json (the same document as --json), results.csv and results.parquet. Raises HostError, Lacking."""
    lines = folder / doors.temporary("results")
    try:
        with (
            disk_errors(folder),
            replacing(folder / "results.json", place="results") as as_json,
            replacing(folder / "results.csv", place="results") as as_csv,
            replacing(lines, place="results") as as_lines,
        ):
            _write_pieces(pieces(rows), columns, as_json, as_csv, as_lines)
        lines_to_parquet(lines, columns, folder / "results.parquet")
    finally:
        doors.remove(lines)


def _write_pieces(some_rows: Iterable[Sequence[Row]], columns: Mapping[str, str], *streams: IO[bytes]) -> None:
    as_json, as_csv, as_lines = streams
    as_csv.write(to_csv((), columns))
    begun = False
    for some in some_rows:
        document = to_json({"results": for_programs(some)})
        as_json.write((b",\n" if begun else _HEAD) + document[len(_HEAD) : -len(_TAIL)])
        as_csv.write(to_csv(some, columns, header=False))
        as_lines.write(_lines(some))
        begun = True
    as_json.write(_TAIL if begun else to_json({"results": []}))


def pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows, a few at a time."""
    left = iter(rows)
    while some := list(islice(left, PIECE)):
        yield some


def _lines(rows: Iterable[Row]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)

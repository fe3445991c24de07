"""Writes tables as files: CSV, and Parquet with typed columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path

import msgspec

from orchestrator.files import write_atomic
from orchestrator.model import Row
from orchestrator.results import named_files


def to_csv(rows: Sequence[Row], columns: Mapping[str, str]) -> bytes:
    """The rows as CSV with a header; every row needs every column."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(itemgetter(*columns), rows))
    return text.getvalue().encode()


def write_parquet(rows: Sequence[Row], columns: Mapping[str, str], path: Path) -> None:
    """Write the rows as Parquet, whose columns have their type also where every value is None."""
    import duckdb  # it may be what fails

    source = path.with_name(f".{path.name}.jsonl")
    target = path.with_name(f".{path.name}.tmp")
    write_atomic(source, b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    try:
        with duckdb.connect() as database:
            named_files.read_lines(database, source, dict(columns)).write_parquet(named_files.target(target))
        target.replace(path)
    finally:
        source.unlink(missing_ok=True)
        target.unlink(missing_ok=True)

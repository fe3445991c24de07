"""Files for DuckDB by their names: what it is given means one file, whatever characters are in its path.

DuckDB takes every path that it reads for a pattern (`*`, `?`, `[`), a folder called `a=b` for a column `a`, and a path
that begins with `~` or `s3:` for a place elsewhere. All of it is taken away here, and nowhere else.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def only(path: Path) -> str:
    """The pattern that stands for this file and no other."""
    return glob.escape(target(path))


def target(path: Path) -> str:
    """A file to be written, for which DuckDB knows no patterns."""
    return str(path.absolute())


def read_parquet(database: Any, paths: Iterable[Path]) -> Any:
    """The relation of the rows in these Parquet files, in the order given; there must be one.

    A column that only some of them have is empty in the rows of the others.
    """
    return database.read_parquet([only(path) for path in paths], hive_partitioning=False, union_by_name=True)


def read_lines(database: Any, path: Path, columns: dict[str, str], ignore_errors: bool = False) -> Any:
    """The relation of a file of JSON lines with these columns (name -> SQL type)."""
    return database.read_json(
        only(path),
        columns=columns,
        format="newline_delimited",
        ignore_errors=ignore_errors,
        hive_partitioning=False,
    )


def quoted(text: str) -> str:
    """`text` as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"

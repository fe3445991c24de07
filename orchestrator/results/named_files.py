"""Files for DuckDB: it is given open files by their number, and so reads what was checked, and nothing else.

DuckDB takes every path that it reads for a pattern (`*`, `?`, `[`), a folder called `a=b` for a column `a`, and a path
that begins with `~` or `s3:` for a place elsewhere; and it follows links. The names of open files know none of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestrator import doors, extras
from orchestrator.errors import HostError, UserError
from orchestrator.files import remove_tree

#: The most that DuckDB may take; less on a host that has less.
MEMORY = 4 * 2**30
#: Rows, and rows times columns, that are taken from one table; and bytes of its text. The memory of a host bears them.
MOST_ROWS, MOST_CELLS, MOST_TEXT = 1_000_000, 20_000_000, 2**28
#: Rows of an answer that are taken at a time.
PIECE = 100
#: Files that one table may consist of; each is open while it is read.
MOST_FILES = 500


def duck() -> Any:
    """DuckDB, which takes a tenth of a second to load; runs are read without it. Raises Lacking."""
    with extras.needed("duckdb"):
        import duckdb
    return duckdb


def connect() -> Any:
    """A database in memory, which takes no more of it than MEMORY and writes nothing to the disk on its own."""
    duckdb = duck()
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return duckdb.connect(config={"memory_limit": f"{min(MEMORY, there // 2)}B", "temp_directory": ""})


@contextmanager
def opened(paths: Sequence[Path]) -> Iterator[list[str]]:
    """DuckDB's names of these plain files, for as long as the block lasts. Raises UserError, Lacking, OSError.

    What DuckDB finds wrong with them is a UserError that names the file.
    """
    duckdb = duck()
    if len(paths) > MOST_FILES:
        raise UserError(f"{paths[0].parent} has {len(paths):,} files; {MOST_FILES} are read", "merge its runs again")
    with ExitStack() as stack:
        names = {}
        for path in paths:
            descriptor = doors.open_file(path)
            stack.callback(os.close, descriptor)
            names[f"/proc/self/fd/{descriptor}"] = path
        try:
            yield list(names)
        except duckdb.Error as error:
            raise in_words(error, names, paths[0]) from error


def in_words(error: Exception, names: Mapping[str, Path], otherwise: Path) -> UserError | HostError:
    """What DuckDB says of these files (DuckDB's name -> path), for people."""
    duckdb = duck()
    text = str(error).partition("\n")[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return HostError(f"{otherwise}: {text}", "it is too large to be read on this host")
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, str(names[name]))
    named = any(str(path) in text for path in names.values())
    return UserError(text if named else f"{otherwise}: {text}", "the file is damaged, or of another version")


def read_parquet(database: Any, names: Sequence[str]) -> Any:
    """The relation of the rows in these open Parquet files, in the order given; there must be one.

    A column that only some of them have is empty in the rows of the others.
    """
    return database.read_parquet(list(names), hive_partitioning=False, union_by_name=True)


def read_lines(database: Any, name: str, columns: dict[str, str], ignore_errors: bool = False) -> Any:
    """The relation of an open file of JSON lines with these columns (name -> SQL type)."""
    return database.read_json(
        name,
        columns=columns,
        format="newline_delimited",
        compression="uncompressed",
        ignore_errors=ignore_errors,
        hive_partitioning=False,
    )


def refuse_many(database: Any, names: Sequence[str], path: Path, most: int = MOST_ROWS, in_lists: int = 0) -> int:
    """The number of rows of open Parquet files, told from what they say of themselves.

    Raises UserError for more than `most` rows, and for a column with more than `in_lists` values beyond one for each
    row: a list of a milliard equal numbers is a few bytes in the file. Nothing is read then.
    """
    groups = "select distinct file_name, row_group_id, row_group_num_rows from parquet_metadata(?)"
    counted = f"select coalesce(sum(row_group_num_rows), 0) from ({groups})"
    ((rows,),) = database.execute(counted, [list(names)]).fetchall()
    if rows > most:
        raise UserError(f"{path} has {rows:,} rows; no more than {most:,} are read", "merge fewer runs into one set")
    columns = "select sum(num_values) as n from parquet_metadata(?) group by path_in_schema"
    ((values,),) = database.execute(f"select coalesce(max(n), 0) from ({columns})", [list(names)]).fetchall()
    if values > rows + in_lists:
        raise UserError(
            f"{path} has a column of {values:,} values in {rows:,} rows; lists of so many are not read",
            "it is not what this program wrote",
        )
    return int(rows)


def fetched(relation: Any, path: Path, blank: Mapping[str, Any] = MappingProxyType({})) -> list[dict[str, Any]]:
    """The rows of a relation of plain columns, each put over those of `blank`.

    Raises UserError for more than a host's memory bears.
    """
    texts = [f'strlen("{c}")' for c, kind in zip(relation.columns, relation.types, strict=True) if kind == "VARCHAR"]
    weight = " + ".join(f"coalesce(sum({text})::hugeint, 0)" for text in texts) or "0"
    ((count, size),) = relation.aggregate(f"count(*), {weight}").fetchall()
    width = len(relation.columns)
    if count > MOST_ROWS or count * width > MOST_CELLS or size > MOST_TEXT:
        raise UserError(
            f"{path} has {count:,} rows of {width} columns and {size / 2**20:,.0f} MiB of text; "
            f"no more than {MOST_ROWS:,} rows, {MOST_CELLS:,} values and {MOST_TEXT >> 20} MiB are read",
            "merge fewer runs into one set",
        )
    columns = relation.columns
    return [{**blank, **dict(zip(columns, row, strict=True))} for row in relation.fetchall()]


def answered(answer: Any) -> list[tuple[Any, ...]]:
    """All rows of an answer, taken a few at a time. Raises UserError for more than a host's memory bears."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    while some := answer.fetchmany(PIECE):
        rows += some
        size += sum(len(value) for row in some for value in row if isinstance(value, str | bytes | list | dict))
        if len(rows) > MOST_ROWS or size > MOST_TEXT or len(rows) * len(rows[0]) > MOST_CELLS:
            raise UserError(
                f"the answer has more than {MOST_ROWS:,} rows, {MOST_CELLS:,} values or {MOST_TEXT >> 20} MiB of text",
                "ask for less: limit 1000",
            )
    return rows


@contextmanager
def written(path: Path) -> Iterator[str]:
    """DuckDB's name for a file that becomes `path` when the block ends well, and vanishes otherwise.

    It is written in a new folder that nobody else can write to, as DuckDB follows links. Raises doors.Refused, OSError.
    """
    fresh = path.with_name(doors.temporary(path.name))
    doors.make(path.parent)
    with doors.folder(path.parent) as at:
        os.mkdir(fresh.name, 0o700, dir_fd=at)
    try:
        with doors.folder(fresh) as at:
            yield f"/proc/self/fd/{at}/{path.name}"
        doors.move(fresh / path.name, path)
    finally:
        remove_tree(fresh)


def quoted(text: str) -> str:
    """`text` as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"

"""Stores the GPU readings of a run: JSON lines while it runs, Parquet once it has ended. Either can be read."""

from __future__ import annotations

import contextlib
import os
import re
import typing
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from msgspec import Struct

from orchestrator import doors
from orchestrator.doors import UNREADABLE
from orchestrator.errors import UserError
from orchestrator.model import GpuProcess, GpuSample
from orchestrator.results import named_files


def sql_type(hint: Any) -> str:
    """The SQL type of a field of a sample. Raises KeyError for a type that no sample has."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return "VARCHAR"
    if origin is list:
        return f"{sql_type(parts[0])}[]"
    if parts:  # a value or None
        return sql_type(next(part for part in parts if part is not type(None)))
    if issubclass(hint, Struct):
        return f"STRUCT({', '.join(f'{name} {kind}' for name, kind in _columns(hint).items())})"
    return {float: "DOUBLE", int: "BIGINT", str: "VARCHAR"}[hint]


def _columns(kind: type[Struct]) -> dict[str, str]:
    return {field.name: sql_type(field.type) for field in msgspec.structs.fields(kind)}


#: Readings of one job that are taken into memory, and their bytes as text: more than a week of them.
MOST_READINGS, MOST_READINGS_TEXT = 5_000_000, 2**30
#: Readings of a whole file, and what all their lists of processes hold; they are read a few at a time.
MOST_OF_FILE, MOST_IN_LISTS = 500_000_000, 50_000_000
#: Seconds from the begin of a job that are read at once: some thousand readings, of tens of short jobs.
AHEAD_S = 1800.0
#: Types of numbers, and the bytes that one takes as text at most, with its name.
NUMBERS, NUMBER = {"DOUBLE", "FLOAT", "BIGINT", "INTEGER", "BOOLEAN"}, 64
#: Rows that are taken from the database at a time, and about their bytes as text.
PIECE, PIECE_TEXT = 10_000, 2**24

#: Bytes of one reading: a longer line is none.
MOST_LINE = 2**20
_LINES = msgspec.json.Decoder(GpuSample)
_ALL = msgspec.json.Decoder(list[GpuSample])

#: One column per field of a reading, typed also where all values are absent.
COLUMNS = _columns(GpuSample)
PROCESS_COLUMNS = _columns(GpuProcess)


def new_spool(run: Path) -> Path:
    """A new file for lines. Each session of a run has its own: a run that is resumed has several."""
    taken = [int(found[1]) for name in doors.names(run) if (found := re.fullmatch(r"gpu-([0-9]{1,9})\..*", name))]
    return run / f"gpu-{max(taken, default=0) + 1}.jsonl"


def spools(run: Path) -> list[Path]:
    """The files of lines in a folder."""
    return [run / name for name in doors.names(run) if name.startswith("gpu-") and name.endswith(".jsonl")]


def to_parquet(run: Path) -> None:
    """Turn every file of lines into a Parquet file of the same name. Raises Lacking."""
    for spool in spools(run):
        with (
            named_files.opened([spool]) as names,
            named_files.written(spool.with_suffix(".parquet")) as target,
            named_files.connect() as database,
        ):
            lines = named_files.read_lines(database, names[0], COLUMNS, ignore_errors=True)
            whole = lines.project("* REPLACE (coalesce(kind, 'poll') AS kind)").filter("t IS NOT NULL")
            whole.write_parquet(target, compression="zstd")
        doors.remove(spool)


class Series:
    """The readings of the GPUs in one folder, for many jobs. It is opened at the first question, and closed at the end.

    What lies behind a job is read along with it, as the next job on that GPU will ask for it.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._stack = ExitStack()
        #: Files of lines; Parquet files with DuckDB's names of them, and the database, where there are any.
        self._waiting: list[Path] = []
        self._finished: dict[Path, str] = {}
        self._database: Any = None
        self._opened = False
        #: By GPU: begin, end, and all readings between.
        self._pages: dict[str, tuple[float, float, list[GpuSample]]] = {}

    def __enter__(self) -> Series:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    def read(self, uuid: str, begin: float, end: float) -> list[GpuSample]:
        """The readings of one GPU between two moments (CLOCK_MONOTONIC), by time; a torn last line is left out.

        Raises UserError for a file that holds no readings, or more of them than a host's memory bears.
        """
        first, last, samples = self._pages.get(uuid, (0.0, 0.0, []))
        if not first <= begin <= end <= last:
            first, last = begin, max(end, begin + AHEAD_S)
            try:
                samples = self._between(uuid, first, last)
            except _TooMany:
                first, last = begin, end
                samples = self._between(uuid, first, last)
            self._pages[uuid] = first, last, samples
        low = bisect_left(samples, begin, key=_time)
        return samples[low : bisect_right(samples, end, lo=low, key=_time)]

    def _between(self, uuid: str, begin: float, end: float) -> list[GpuSample]:
        self._open()
        found = [sample for path in self._waiting for sample in _read_lines(path, uuid, begin, end)]
        for path, name in self._finished.items():
            try:
                found += _read_one(self._database, path, name, [uuid, begin, end])
            except named_files.duck().Error as error:
                raise named_files.in_words(error, {name: path}, path) from error
        return sorted(found, key=_time)

    def _open(self) -> None:
        if self._opened:
            return
        names = [name for name in doors.names(self._run) if name.startswith("gpu-") and name.endswith(".parquet")]
        finished = [self._run / name for name in names]
        self._waiting = [path for path in spools(self._run) if path.with_suffix(".parquet") not in finished]
        if finished:
            with ExitStack() as stack:  # of what cannot be read nothing stays open
                opened = stack.enter_context(named_files.opened(finished))
                self._database = stack.enter_context(named_files.connect())
                for path, name in zip(finished, opened, strict=True):
                    named_files.refuse_many(self._database, [name], path, MOST_OF_FILE, MOST_IN_LISTS)
                self._finished = dict(zip(finished, opened, strict=True))
                self._stack = stack.pop_all()
        self._opened = True


def _time(sample: GpuSample) -> float:
    return sample.t


def read(run: Path, uuid: str, begin: float, end: float) -> list[GpuSample]:
    """See `Series.read`."""
    with Series(run) as series:
        return series.read(uuid, begin, end)


class _TooMany(UserError):
    """More readings than are read at once."""


def _read_lines(path: Path, uuid: str, begin: float, end: float) -> Iterator[GpuSample]:
    """The same of a file of lines, without DuckDB: a small installation has no other files."""
    count = size = 0
    with os.fdopen(doors.open_file(path), "rb") as file:
        for line in iter(lambda: file.readline(MOST_LINE), b""):
            with contextlib.suppress(*UNREADABLE):
                sample = _decoded(line)
                if sample.uuid == uuid and begin <= sample.t <= end:
                    count, size = count + 1, size + len(line)
                    _refuse_many(path, count, size)
                    yield sample


def _decoded(line: bytes) -> GpuSample:
    """One reading, without what a newer version knows of it."""
    with contextlib.suppress(msgspec.ValidationError):
        return _LINES.decode(line)
    return _sample(msgspec.json.decode(line, type=dict[str, Any]))


def _refuse_many(path: Path, count: int, size: int) -> None:
    if count > MOST_READINGS or size > MOST_READINGS_TEXT:
        raise _TooMany(
            f"{path} has {count:,} readings of one job or more ({size >> 20:,} MiB as text); "
            f"no more than {MOST_READINGS:,} ({MOST_READINGS_TEXT >> 20:,} MiB) are read",
            "it is not what a run wrote",
        )


def _read_one(database: Any, path: Path, name: str, wanted: list[Any]) -> Iterator[GpuSample]:
    named_files.read_parquet(database, [name]).create_view("readings", replace=True)
    view = database.view("readings")
    types = {name: kind for name, kind in zip(view.columns, map(str, view.types), strict=True) if name in COLUMNS}
    # As text: DuckDB and msgspec make a reading of it in a fraction of what values and lists of Python take.
    given = {column: f'"{column}"' for column in types} | {"kind": "'poll'"}
    if "kind" in types:
        given["kind"] = "coalesce(\"kind\", 'poll')"
    text = f"to_json(struct_pack({', '.join(f'{column} := {value}' for column, value in given.items())}))"
    those = "FROM readings WHERE uuid = ? AND t BETWEEN ? AND ?"
    # No reading is longer than this: a letter is six at most. What it is exactly is asked where that is too much.
    words = [f'coalesce(strlen("{column}"::VARCHAR), 0)' for column, kind in types.items() if kind not in NUMBERS]
    for weight in (f"{NUMBER * len(given)} + 6 * ({' + '.join(['0', *words])})", f"strlen({text})"):
        weighed = f"SELECT count(*), coalesce(sum({weight}), 0)::HUGEINT {those}"
        ((count, size),) = database.execute(weighed, wanted).fetchall()
        if size <= MOST_READINGS_TEXT:
            break
    _refuse_many(path, count, size)
    rows = database.execute(f"SELECT encode({text}::VARCHAR) {those}", wanted)
    at_once = max(1, min(PIECE, PIECE_TEXT * count // max(1, size)))
    while some := rows.fetchmany(at_once):  # all at once would be in memory twice
        try:
            yield from _samples([line for (line,) in some])
        except msgspec.DecodeError as error:
            raise UserError(
                f"{path}: a reading cannot be read ({error})", "the file is damaged, or of another version"
            ) from error


def _samples(lines: list[bytes]) -> list[GpuSample]:
    with contextlib.suppress(msgspec.ValidationError):
        return _ALL.decode(b"[" + b",".join(lines) + b"]")
    return [_decoded(line) for line in lines]


def _sample(row: dict[str, Any]) -> GpuSample:
    known = {name: value for name, value in row.items() if value is not None and name in COLUMNS}
    if "processes" in known:
        known["processes"] = [
            {k: v for k, v in p.items() if v is not None and k in PROCESS_COLUMNS} for p in known["processes"]
        ]
    return msgspec.convert(known, GpuSample)
